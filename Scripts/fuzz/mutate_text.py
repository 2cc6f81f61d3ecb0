"""Changes to text by its lines, cells and words: corpora, tables, YAML."""

import gzip
import struct
import zlib

from mutate_bytes import mutate as mutate_bytes
from mutate_json import NUMBERS, mutate as mutate_json

CELLS = ["", " ", '"', '""', '"a""b"', '"a\nb"', '"a\r\nb"', "\x00", "\ufeff", "NaN", "inf", "-", "null", "a" * 100_000, "\u202e",
         "\x1b[31m", "=1+1", *NUMBERS]
SCALARS = ["", "~", "null", "yes", "no", "!!binary x", "!!python/object:os.system x", "&a", "*a", "&a *a", "[", "{", "[]", "{}",
           "[[[", "| \n  x", "> \n  x", "'", '"', "? a", "- a", "!", "%", "@", "`", "<<: *a", "2001-01-01", "0o17", "0x1A",
           "1_000", "12:30:45", "\t", "all", "last", "-1", "0-99999999", "a" * 100_000, "[" * 10_000, "\x00", "\u0085", *NUMBERS]


def lines_of(random, source, change):
    """Applies a change to a line, or shuffles lines."""
    ends = "\r\n" if "\r\n" in source else "\n"
    lines = source.split(ends)
    i = random.randrange(len(lines))
    what = random.randrange(12)
    if what < 7:
        lines[i] = change(lines[i])
    elif what == 7:
        lines.insert(i, lines[i])
    elif what == 8:
        del lines[i]
    elif what == 9:
        lines.insert(i, random.choice(["", " ", "\x00", "null", "[]", "\ufeff"]))
    elif what == 10:
        lines[i] = lines[i] * random.choice([2, 100])
    else:
        ends = random.choice(["\r\n", "\r", "\n\n"])
    return ends.join(lines)


def json_lines(random, source):
    for _ in range(random.choice([1, 1, 2, 4])):
        source = lines_of(random, source, lambda line: mutate_json(random, line))
    return source


def table(random, source):
    def change(line):
        mark = "\t" if "\t" in line else ","
        cells = line.split(mark)
        i = random.randrange(len(cells))
        what = random.randrange(6)
        if what < 4:
            cells[i] = random.choice(CELLS)
        elif what == 4:
            cells.insert(i, random.choice(CELLS))
        else:
            del cells[i]
        return mark.join(cells)

    for _ in range(random.choice([1, 1, 2, 4])):
        source = lines_of(random, source, change)
    return source


def yaml(random, source):
    def change(line):
        name, colon, _ = line.partition(":")
        what = random.randrange(8)
        if what < 5 and colon:
            return f"{name}: {random.choice(SCALARS)}"
        if what == 5:
            return "  " * random.choice([1, 2, 100]) + line
        if what == 6:
            return random.choice(SCALARS)
        return f"{line}\n{line}"

    if random.random() < 0.05:
        # Aliases of aliases: small to write, and 10^9 values when they are written out.
        bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
        bomb += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
        return "\n".join(bomb) + "\nlayers: *a8\n" + source
    for _ in range(random.choice([1, 1, 2, 4])):
        source = lines_of(random, source, change)
    return source


def compressed(random, source):
    """A gzipped text: changed inside, outside, cut, joined, lying about its size, or large when it is opened."""
    inside = json_lines(random, source) if random.random() < 0.5 else source
    data = gzip.compress(inside.encode("utf-8", "surrogatepass"), mtime=0)
    what = random.randrange(8)
    if what < 3:
        return mutate_bytes(random, data)
    if what == 3:
        return data + random.choice([data, data[:20], b"\x00" * 100, b"junk", gzip.compress(b"", mtime=0)])
    if what == 4:
        return data[:-8] + struct.pack("<II", zlib.crc32(inside.encode("utf-8", "surrogatepass")), random.choice([0, 2**31, 2**32 - 1]))
    if what == 5:
        size = random.choice([1 << 20, 64 << 20])
        opening = random.choice([b'{"text": "', b"", b"[", b'"', b" "])
        byte = random.choice([b" ", b"a", b"\x00", b"["])
        return gzip.compress(opening + byte * size, 6, mtime=0)
    if what == 6:
        return gzip.compress(data, mtime=0)
    return data[:random.randrange(len(data))]
