"""Changes to bytes that know nothing of what the bytes mean."""

import struct

INTEGERS = [0, 1, -1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53 + 1,
            2**61, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]
REALS = [float("nan"), float("inf"), -float("inf"), 1e38, -1e38, 1e-45, -0.0]


def integer(random, width):
    value = random.choice(INTEGERS)
    return (value & ((1 << 8 * width) - 1)).to_bytes(width, random.choice(["little"] * 7 + ["big"]))


def once(random, data, other=b""):
    """One change somewhere in the bytes."""
    data = bytearray(data)
    size = len(data)
    if not size:
        return bytes([random.randrange(256)] * random.choice([1, 2, 64]))
    # Headers come first and matter most.
    place = random.randrange(size) if random.random() < 0.6 else random.randrange(min(size, 512))
    what = random.randrange(9)
    if what == 0:
        data[place] ^= 1 << random.randrange(8)
    elif what == 1:
        data[place] = random.choice([0, 1, 9, 10, 13, 34, 44, 92, 127, 128, 254, 255])
    elif what in (2, 3):
        width = random.choice([1, 2, 4, 8])
        place -= place % random.choice([1, width])
        data[place:place + width] = integer(random, width)
    elif what == 4:
        del data[place:]
    elif what == 5:
        del data[place:place + random.choice([1, 2, 4, 8, 64, 1024])]
    elif what == 6:
        data[place:place] = bytes(random.randrange(256) for _ in range(random.choice([1, 2, 8, 64])))
    elif what == 7:
        length = random.choice([1, 8, 64, 1024])
        source = other or data
        start = random.randrange(len(source))
        data[place:place + length] = source[start:start + length]
    else:
        data[place:place + 4] = struct.pack("<f", random.choice(REALS))
    return bytes(data)


def mutate(random, data, other=b""):
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        data = once(random, data, other)
    return data
