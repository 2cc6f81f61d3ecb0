// CRC-32C, SHA-256 and Fletcher-32: known values, and any length at any address beside the portable build.
#include "checks.h"

#include <sys/auxv.h>

PORTABLE(crc32c);
PORTABLE(sha256);
PORTABLE(fletcher32);

/// SHA-256 of a whole message, in hexadecimal.
static void sha256_of(const char *text, size_t count, char hex[65]) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  size_t blocks = (count + 9 + 63) / 64;
  uint8_t *padded = calloc(blocks, 64);
  if (!padded) exit(2);
  memcpy(padded, text, count);
  padded[count] = 0x80;
  for (int i = 0; i < 8; i++) padded[blocks * 64 - 1 - i] = (uint8_t)((uint64_t)count * 8 >> 8 * i);
  unfold_sha256(state, padded, blocks);
  for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", state[i]);
  free(padded);
}

/// NIST's examples for FIPS 180-4.
static void check_known_sha256(void) {
  char *million = malloc(1000000);
  if (!million) exit(2);
  memset(million, 'a', 1000000);
  const char *longer =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
  const struct {
    const char *text;
    size_t count;
    const char *digest;
  } known[] = {
      {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {longer, 112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char hex[65];
    sha256_of(known[i].text, known[i].count, hex);
    expect(strcmp(hex, known[i].digest) == 0, "SHA-256 of %zu bytes: %s", known[i].count, hex);
  }
  free(million);
}

/// RFC 3720, appendix B.4, and the check value of catalogues of CRCs.
static void check_known_crc32c(void) {
  uint8_t bytes[32];
  expect(unfold_crc32c(0, "123456789", 9) == 0xE3069283u, "CRC-32C of 123456789");
  expect(unfold_crc32c(unfold_crc32c(0, "1234", 4), "56789", 5) == 0xE3069283u, "CRC-32C in two parts");
  expect(unfold_crc32c(0, "", 0) == 0, "CRC-32C of nothing");
  memset(bytes, 0, 32);
  expect(unfold_crc32c(0, bytes, 32) == 0x8A9136AAu, "CRC-32C of zeros");
  memset(bytes, 0xFF, 32);
  expect(unfold_crc32c(0, bytes, 32) == 0x62A8AB43u, "CRC-32C of ones");
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
  expect(unfold_crc32c(0, bytes, 32) == 0x46DD794Eu, "CRC-32C of 0, 1, … 31");
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
  expect(unfold_crc32c(0, bytes, 32) == 0x113FDB5Cu, "CRC-32C of 31, 30, … 0");
}

/// Fletcher's sums one word after another, as the definition has them, carries folded back in as HDF5 does.
static uint32_t fletcher32_of(const uint8_t *p, size_t count) {
  uint32_t first = 0, second = 0;
  for (size_t i = 0; i < count; i += 2) {
    first += (uint32_t)p[i] << 8 | (i + 1 < count ? p[i + 1] : 0);
    first = (first & 0xFFFF) + (first >> 16);
    second += first;
    second = (second & 0xFFFF) + (second >> 16);
  }
  return second << 16 | first;
}

static void check_fletcher32(void) {
  // Words 0x0102, 0x0304, 0x0500: first sum 0x0906, second 0x0102 + 0x0406 + 0x0906 = 0x0E0E.
  expect(unfold_fletcher32("\1\2\3\4\5", 5) == 0x0E0E0906u, "Fletcher-32 of 1 to 5");
  expect(unfold_fletcher32("", 0) == 0, "Fletcher-32 of nothing");
  uint8_t ones[10000];
  memset(ones, 0xFF, sizeof ones);
  expect(unfold_fletcher32(ones, sizeof ones) == 0xFFFFFFFFu, "Fletcher-32 of ones");
  static const size_t lengths[] = {1, 2, 31, 32, 33, 63, 64, 65, 511, 8191, 8192, 8193, 8224, 16385, 70001};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (size_t offset = 0; offset < 4; offset++) {
      uint8_t *bytes = random_bytes(lengths[i], offset);
      uint32_t sum = unfold_fletcher32(bytes, lengths[i]);
      expect(sum == fletcher32_of(bytes, lengths[i]), "Fletcher-32 of %zu bytes at %zu", lengths[i], offset);
      expect(sum == portable_fletcher32(bytes, lengths[i]), "portable Fletcher-32 of %zu bytes", lengths[i]);
      release(bytes);
    }
}

static void check_beside_portable(void) {
  // Around the three lanes of 4,096 bytes that CRC-32C is taken in, and every short length.
  static const size_t lengths[] = {4095, 4096, 12287, 12288, 12289, 12296, 24575, 24576, 24583, 100003};
  for (size_t i = 0; i < 80 + sizeof lengths / sizeof *lengths; i++)
    for (size_t offset = 0; offset < 9; offset++) {
      size_t count = i < 80 ? i : lengths[i - 80];
      uint8_t *bytes = random_bytes(count, offset);
      uint32_t before = (uint32_t)next_bits();
      expect(
          unfold_crc32c(before, bytes, count) == portable_crc32c(before, bytes, count), "CRC-32C of %zu bytes at %zu",
          count, offset);
      release(bytes);
    }
  for (size_t blocks = 0; blocks < 20; blocks++)
    for (size_t offset = 0; offset < 9; offset++) {
      uint8_t *bytes = random_bytes(blocks * 64, offset);
      uint32_t state[8], plain[8];
      for (int i = 0; i < 8; i++) state[i] = plain[i] = (uint32_t)next_bits();
      unfold_sha256(state, bytes, blocks);
      portable_sha256(plain, bytes, blocks);
      expect(is_same(state, plain, sizeof state), "SHA-256 of %zu blocks at %zu", blocks, offset);
      release(bytes);
    }
}

void check_digests(void) {
#if defined(HWCAP_CRC32)
  unsigned long found = found_instructions();
  printf("instructions: CRC-32C %s, SHA-256 %s\n", found & HWCAP_CRC32 ? "yes" : "no", found & HWCAP_SHA2 ? "yes" : "no");
  // With the instructions, and as a processor without them has it.
  for (int hidden = 0; hidden < 2; hidden++) {
    asked_for_instructions = 0;
    hidden_instructions = hidden ? HWCAP_SHA2 | HWCAP_CRC32 : 0;
    check_known_sha256();
    expect(asked_for_instructions > 0, "SHA-256 does not ask what the processor has");
    asked_for_instructions = 0;
    check_known_crc32c();
    expect(asked_for_instructions > 0, "CRC-32C does not ask what the processor has");
    check_beside_portable();
  }
  hidden_instructions = 0;
#else
  check_known_sha256();
  check_known_crc32c();
  check_beside_portable();
#endif
  check_fletcher32();
}
