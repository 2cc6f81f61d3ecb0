// Checksums and digests over bytes: CRC-32C, SHA-256's block function, and the Fletcher-32 of HDF5's filter.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Goes on with a CRC-32C (Castagnoli; RFC 3720, appendix B.4). `crc` is the value over the bytes before: 0 at first.
uint32_t unfold_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The CRC-32C of bytes followed by `count` others, from the values of both parts alone.
uint32_t unfold_crc32c_joined(uint32_t first, uint32_t second, uint64_t count);

/// CRC-32C by tables alone, whatever the processor: what the quick one is tested against.
uint32_t unfold_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// SHA-256's compression function (FIPS 180-4, 6.2.2) over `blocks` blocks of 64 bytes.
void unfold_sha256(uint32_t state[8], const void *bytes, size_t blocks);

/// The same without the processor's instructions for it.
void unfold_sha256_portable(uint32_t state[8], const void *bytes, size_t blocks);

/// The Fletcher-32 checksum as HDF5's filter computes it: over big-endian 16-bit words, an odd last byte being a high one.
uint32_t unfold_fletcher32(const void *bytes, size_t count);
