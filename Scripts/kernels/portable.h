// Put before each kernel where it is built once more as for a processor that is not known: what the standard headers need of
// the processor's name they have seen by then.
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#undef __x86_64__
#undef __aarch64__
