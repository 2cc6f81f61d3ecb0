"""The checksums that stand in the files, so that a changed value gets past them: CRC-32C, and HDF5's lookup3."""

CASTAGNOLI = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    CASTAGNOLI.append(i)

MASK = 0xFFFFFFFF


def crc32c(data):
    crc = MASK
    for byte in data:
        crc = CASTAGNOLI[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ MASK


def rotated(x, k):
    return (x << k | x >> (32 - k)) & MASK


def lookup3(data):
    """Bob Jenkins's hash of bytes, as HDF5 1.8 and later put it behind their metadata."""
    a = b = c = (0xDEADBEEF + len(data)) & MASK
    place = 0
    while len(data) - place > 12:
        a = (a + int.from_bytes(data[place:place + 4], "little")) & MASK
        b = (b + int.from_bytes(data[place + 4:place + 8], "little")) & MASK
        c = (c + int.from_bytes(data[place + 8:place + 12], "little")) & MASK
        a = (a - c & MASK) ^ rotated(c, 4); c = c + b & MASK
        b = (b - a & MASK) ^ rotated(a, 6); a = a + c & MASK
        c = (c - b & MASK) ^ rotated(b, 8); b = b + a & MASK
        a = (a - c & MASK) ^ rotated(c, 16); c = c + b & MASK
        b = (b - a & MASK) ^ rotated(a, 19); a = a + c & MASK
        c = (c - b & MASK) ^ rotated(b, 4); b = b + a & MASK
        place += 12
    rest = data[place:].ljust(12, b"\x00")
    if place == len(data):
        return c
    a = (a + int.from_bytes(rest[:4], "little")) & MASK
    b = (b + int.from_bytes(rest[4:8], "little")) & MASK
    c = (c + int.from_bytes(rest[8:], "little")) & MASK
    for x, y, k in [("c", "b", 14), ("a", "c", 11), ("b", "a", 25), ("c", "b", 16), ("a", "c", 4), ("b", "a", 14), ("c", "b", 24)]:
        values = {"a": a, "b": b, "c": c}
        values[x] = (values[x] ^ values[y]) - rotated(values[y], k) & MASK
        a, b, c = values["a"], values["b"], values["c"]
    return c
