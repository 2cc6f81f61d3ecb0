"""Changes to GGUF files by their structure: counts, types, lengths and values of the metadata and of the tensors' table."""

import struct

from mutate_bytes import integer, mutate as mutate_bytes

WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
TEXT, ARRAY = 8, 9


def survey(data):
    """(kind, place, width) of every field: magic, count, length, type, integer, text."""
    fields, at = [("version", 4, 4), ("count", 8, 8), ("count", 16, 8)], 24
    tensors, pairs = struct.unpack_from("<QQ", data, 8)

    def text():
        nonlocal at
        length = int.from_bytes(data[at:at + 8], "little")
        fields.append(("length", at, 8))
        if length:
            fields.append(("text", at + 8, min(length, 64)))
        at += 8 + length

    def value(kind, is_noted=True):
        nonlocal at
        if kind == TEXT:
            text()
        elif kind == ARRAY:
            inner, count = struct.unpack_from("<IQ", data, at)
            fields.extend([("type", at, 4), ("length", at + 4, 8)])
            at += 12
            for i in range(count):
                value(inner, i < 8)
        else:
            if is_noted:
                fields.append(("value", at, WIDTHS[kind]))
            at += WIDTHS[kind]

    for _ in range(pairs):
        text()
        kind = int.from_bytes(data[at:at + 4], "little")
        fields.append(("type", at, 4))
        at += 4
        value(kind)
    for _ in range(tensors):
        text()
        ranks = int.from_bytes(data[at:at + 4], "little")
        fields.append(("rank", at, 4))
        at += 4
        fields.extend(("size", at + 8 * i, 8) for i in range(ranks))
        at += 8 * ranks
        fields.extend([("type", at, 4), ("offset", at + 4, 8)])
        at += 12
    return fields


known = {}


def mutate(random, source):
    if random.random() < 0.2:
        return mutate_bytes(random, source)
    key = hash(source)
    if key not in known:
        try:
            known[key] = survey(source)
        except (KeyError, struct.error, IndexError):
            known[key] = []
    if not known[key]:
        return mutate_bytes(random, source)
    by_kind = {}
    for field in known[key]:
        by_kind.setdefault(field[0], []).append(field)
    data = bytearray(source)
    for _ in range(random.choice([1, 1, 2, 3])):
        kind = random.choice(list(by_kind))
        _, place, width = random.choice(by_kind[kind])
        if kind == "text":
            data[place:place + width] = mutate_bytes(random, bytes(data[place:place + width])).ljust(width, b"a")[:width]
        elif kind in ("type", "rank", "version") and random.random() < 0.8:
            data[place:place + width] = random.randrange(45).to_bytes(width, "little")
        elif random.random() < 0.3:
            old = int.from_bytes(data[place:place + width], "little")
            new = random.choice([old + 1, old - 1, old * 2, old * 32, 1 << random.randrange(8 * width)])
            data[place:place + width] = (new & (1 << 8 * width) - 1).to_bytes(width, "little")
        else:
            data[place:place + width] = integer(random, width)
    return bytes(data)
