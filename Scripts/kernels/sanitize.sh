#!/usr/bin/env bash
# Checks the vector kernels under AddressSanitizer and UndefinedBehaviorSanitizer, as they are compiled for this machine.
#
#   [CLANG=…] Scripts/kernels/sanitize.sh
#
# As in arm64.sh the kernels are built twice and must agree to the bit; here the processor is this one, and the first finding
# of a sanitizer ends the check. Known loads and stores beside an array's end are what it looks for.
set -euo pipefail
cd "$(dirname "$0")/../.."

swift=$(command -v "${SWIFT:-swift}" || true)
clang=${CLANG:-$(command -v "$(dirname "$(readlink -f "$swift")")/clang" || command -v clang || true)}
command -v "$clang" >/dev/null || { echo "clang is not here: it comes with Swift." >&2; exit 1; }

build=build/kernels-sanitized
rm -rf "$build"
mkdir -p "$build"/{kernels,portable,checks}
sources=Sources/CKernels
# What a sanitizer watches is not vectorized; that the vectorizer says so is no fault.
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
flags=("${sanitizers[@]}" -O1 -Wall -Wextra -Werror -Wno-pass-failed -I "$sources/include")
for file in "$sources"/*.c; do "$clang" "${flags[@]}" -c "$file" -o "$build/kernels/$(basename "$file" .c).o"; done
# The portable build has names of its own, given before it is compiled: what a sanitizer says of variables goes by names.
nm -g --defined-only "$build"/kernels/*.o |
  sed -n 's/.* [TWi] \(unfold_\([a-z0-9_]*\)\)$/#define \1 portable_\2/p' | sort -u >"$build/names.h"
for file in "$sources"/*.c; do
  "$clang" "${flags[@]}" -include Scripts/kernels/portable.h -include "$build/names.h" -c "$file" -o "$build/portable/$(basename "$file" .c).o"
done
for file in Scripts/kernels/*.c; do "$clang" "${flags[@]}" -c "$file" -o "$build/checks/$(basename "$file" .c).o"; done
linker=$(dirname "$(readlink -f "$clang")")/ld.lld
[ -x "$linker" ] && sanitizers+=(-fuse-ld=lld)
"$clang" "${sanitizers[@]}" -Wl,--wrap=getauxval "$build"/{kernels,portable,checks}/*.o -o "$build/check" -lm
exec env UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_stack_use_after_return=1 "$build/check"
