// Checks the vector kernels against their portable build, known values and loops in double precision.
#include "checks.h"

#include <stdarg.h>
#include <sys/auxv.h>
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

long expectations, failures;

void expect(bool holds, const char *format, ...) {
  expectations++;
  if (holds || ++failures > 20) return;
  va_list values;
  va_start(values, format);
  printf("failed: ");
  vprintf(format, values);
  printf("\n");
  va_end(values);
}

bool is_near(double found, double exact, double bound) {
  if (isnan(exact)) return isnan(found);
  return found == exact || fabs(found - exact) <= bound;
}

uint64_t next_bits(void) {
  static uint64_t state = 1;
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float next_normal(void) {
  double u = ((double)(next_bits() >> 11) + 0.5) * 0x1p-53, v = (double)(next_bits() >> 11) * 0x1p-53;
  return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

void *random_bytes(size_t count, size_t offset) {
  // Where the bytes begin is noted before them.
  uint8_t *memory = malloc(count + offset + 128);
  if (!memory) exit(2);
  uint8_t *bytes = (uint8_t *)(((uintptr_t)memory + sizeof memory + 63) / 64 * 64) + offset;
  memcpy(bytes - sizeof memory, &memory, sizeof memory);
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)next_bits();
#if __has_feature(address_sanitizer)
  // What lies behind the last byte is not the array's.
  __asan_poison_memory_region(bytes + count, (size_t)(memory + count + offset + 128 - (bytes + count)));
#endif
  return bytes;
}

void release(void *bytes) {
  void *memory;
  memcpy(&memory, (uint8_t *)bytes - sizeof memory, sizeof memory);
  free(memory);
}

float *random_normals(size_t count) {
  float *x = random_bytes(count * sizeof(float), 0);
  for (size_t i = 0; i < count; i++) x[i] = next_normal();
  return x;
}

unsigned long hidden_instructions;
long asked_for_instructions;
unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);

/// What the linker puts in the place of getauxval, so that the kernels can be told that instructions are not there.
unsigned long __wrap_getauxval(unsigned long type) {
  unsigned long found = __real_getauxval(type);
  if (type != AT_HWCAP) return found;
  asked_for_instructions++;
  return found & ~hidden_instructions;
}

unsigned long found_instructions(void) { return __real_getauxval(AT_HWCAP); }

int main(void) {
  static const struct {
    const char *name;
    void (*run)(void);
  } checks[] = {
      {"digests", check_digests},     {"formats", check_formats},       {"blocks", check_blocks},
      {"layout", check_layout},       {"functions", check_functions},   {"rows", check_rows},
      {"attention", check_attention}, {"columns", check_columns},       {"statistics", check_statistics},
  };
  printf("%s\n", unfold_kernel_level());
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    long before = expectations, failed = failures;
    checks[i].run();
    printf("%-11s%10ld expectations, %ld failed\n", checks[i].name, expectations - before, failures - failed);
  }
  return failures > 0;
}
