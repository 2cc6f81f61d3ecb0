"""Changes to HDF5 files inside the blocks that describe them, with each block's checksum made right again."""

from checksums import lookup3
from mutate_bytes import INTEGERS, mutate as mutate_bytes

SIGNATURES = [b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"BTHD", b"BTLF", b"FAHD", b"FADB", b"EAHD", b"EAIB", b"EADB"]
DATASPACE, DATATYPE, FILL, LINK, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION = 1, 3, 5, 6, 8, 11, 12, 16
known = {}


def header_length(data, start):
    """The bytes of an object header's first block before its checksum, and where its messages begin."""
    flags = data[start + 5]
    at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(data[at:at + width], "little")
    return at + width - start + size, at + width


def messages(data, begin, end, flags):
    """(type, place of the content, its length) of each message of an object header."""
    found, at, more = [], begin, 2 if flags & 4 else 0
    while at + 4 + more <= end:
        length = int.from_bytes(data[at + 1:at + 3], "little")
        content = at + 4 + more
        if content + length > end:
            break
        found.append((data[at], content, length))
        at = content + length
    return found


def survey(data):
    """(start, length before the checksum, messages) of every block whose checksum is where it should be."""
    blocks = []
    for signature in SIGNATURES:
        start = data.find(signature)
        while start >= 0 and start + 16 < len(data):
            if signature == b"OHDR":
                length, begin = header_length(data, start)
                if is_sound(data, start, length):
                    flags = data[start + 5]
                    inside = messages(data, begin, start + length, flags)
                    for kind, place, _ in list(inside):
                        if kind == CONTINUATION:
                            further = int.from_bytes(data[place:place + 8], "little")
                            size = int.from_bytes(data[place + 8:place + 16], "little")
                            if is_sound(data, further, size - 4):
                                blocks.append((further, size - 4, messages(data, further + 4, further + size - 4, flags)))
                    blocks.append((start, length, inside))
            elif signature != b"OCHK":
                length = next((n for n in range(16, 200) if is_sound(data, start, n)), None)
                if length:
                    blocks.append((start, length, []))
            start = data.find(signature, start + 4)
    if is_sound(data, 0, 44):
        blocks.append((0, 44, []))
    return blocks


def is_sound(data, start, length):
    stated = data[start + length:start + length + 4]
    return length > 0 and len(stated) == 4 and lookup3(data[start:start + length]) == int.from_bytes(stated, "little")


def blocks_of(data):
    key = hash(data)
    if key not in known:
        known[key] = survey(data)
    return known[key]


def change(random, data, start, length, inside):
    if inside and random.random() < 0.85:
        # Dataspaces, types and layouts say how much is read, and from where.
        weights = [6 if kind in (DATASPACE, DATATYPE, LAYOUT) else 3 if kind in (FILTERS, ATTRIBUTE, FILL) else 1 for kind, _, _ in inside]
        _, start, length = random.choices(inside, weights)[0]
        if not length:
            return
    else:
        start, length = start + 4, max(1, length - 4)
    width = random.choice([1, 1, 2, 4, 8, 8])
    place = start + random.randrange(length)
    if random.random() < 0.6:
        place = start + (place - start) // width * width + random.choice([0, 0, 2, 4])
    place = max(start, min(place, start + length - width))
    old = int.from_bytes(data[place:place + width], "little")
    value = random.choice([*INTEGERS, old + 1, old - 1, old * 2, old ^ 1 << random.randrange(8 * width)])
    data[place:place + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")


def mutate(random, source):
    what = random.random()
    if what < 0.1:
        return mutate_bytes(random, source)
    if what < 0.25:
        # Variable-length texts, which no checksum guards: the heap itself, or what points to it.
        heaps, at = [], source.find(b"GCOL")
        while at >= 0:
            heaps.append(at)
            at = source.find(b"GCOL", at + 4)
        if heaps:
            at = random.choice(heaps)
            end = at + random.choice([16, 64, 512, 4096])
            return source[:at] + mutate_bytes(random, source[at:end]) + source[end:]
    blocks = blocks_of(source)
    if not blocks:
        return mutate_bytes(random, source)
    data = bytearray(source)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        start, length, inside = random.choice(blocks)
        change(random, data, start, length, inside)
        data[start + length:start + length + 4] = lookup3(bytes(data[start:start + length])).to_bytes(4, "little")
    return bytes(data)
