#!/usr/bin/env bash
# Compiles the vector kernels for arm64 and checks them: as they are on an arm64 machine, elsewhere in qemu's user mode.
#
#   [CLANG=…] Scripts/kernels/arm64.sh
#
# The kernels are built twice: as they are, and once more without being told that the processor is an arm64, which is
# the portable code that the first must agree with to the bit. Warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/../.."

swift=$(command -v "${SWIFT:-swift}" || true)
clang=${CLANG:-$(command -v "$(dirname "$(readlink -f "$swift")")/clang" || command -v clang || true)}
target=() prefix="" run=()
if [ "$(uname -sm)" != "Linux aarch64" ]; then
  prefix=aarch64-linux-gnu-
  target=(--target=aarch64-linux-gnu --sysroot=/usr/aarch64-linux-gnu)
  run=(qemu-aarch64 -cpu max)
fi
for tool in "$clang" "${prefix}gcc" "${prefix}objcopy" ${run[0]:-}; do
  command -v "$tool" >/dev/null && continue
  echo "${tool:-clang} is not here: this needs clang, which comes with Swift, ${prefix}gcc${run:+ and qemu-aarch64}." >&2
  [ -z "$prefix" ] ||
    echo "On Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
  exit 1
done

build=build/kernels
rm -rf "$build"
mkdir -p "$build"/{kernels,portable,checks}
sources=Sources/CKernels
flags=("${target[@]}" -mcpu=generic -O2 -Wall -Wextra -Werror -I "$sources/include")
for file in "$sources"/*.c; do
  name=$(basename "$file" .c)
  "$clang" "${flags[@]}" -c "$file" -o "$build/kernels/$name.o"
  "$clang" "${flags[@]}" -U__aarch64__ -fno-vectorize -fno-slp-vectorize -c "$file" -o "$build/portable/$name.o"
done
for file in Scripts/kernels/*.c; do
  "$clang" "${flags[@]}" -c "$file" -o "$build/checks/$(basename "$file" .c).o"
done

# The portable build stands beside the other under names of its own.
"${prefix}nm" -g --defined-only "$build"/portable/*.o |
  sed -n 's/.* \(unfold_\(.*\)\)$/\1 portable_\2/p' | sort -u >"$build/names"
for file in "$build"/portable/*.o; do "${prefix}objcopy" --redefine-syms="$build/names" "$file"; done
"${prefix}gcc" -static -Wl,--wrap=getauxval "$build"/{kernels,portable,checks}/*.o -o "$build/check" -lm

# That each path is there at all no result can tell.
present() { "${prefix}objdump" -d --no-show-raw-insn "$build/$1" | tr '\t' ' ' | grep -E " $2" >/dev/null; }
while read -r file instruction; do
  present "kernels/$file.o" "$instruction" || { echo "$file.c: no $instruction where it was expected" >&2; exit 1; }
  ! present "portable/$file.o" "$instruction" || { echo "$file.c: $instruction in the portable build" >&2; exit 1; }
done <<'END'
checksums crc32cx
checksums sha256h2
checksums uaddw2?
formats fcvtn2? v[0-9]+\.[48]h
formats fcvtl2? v[0-9]+\.4s
transpose trn2
codebooks tbl
END

exec "${run[@]}" "$build/check"
