#!/usr/bin/env bash
# Compares the bits of kernels' results between CPUs.
#
# Kernels that exist once per instruction set are chosen by the CPU when a program is loaded, so that no test within it can
# compare them: they are compiled for one set alone, each in turn. Where a compiler for arm64 and qemu are there (Debian's
# gcc-aarch64-linux-gnu and qemu-user), they are compiled for arm64, too, and run in emulation, and so are products and
# convolutions, whose versions for x86-64 GemmTests and WindowProductTests compare.
#
# Prints "N results, the same bits for VERSIONS"; exits 1 where results differ, naming kernel, width and type.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../Sources/CKernels
compiler=${CC:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
if [ "$(uname -m)" != x86_64 ]; then
  echo "check.sh: compares with x86-64, which this machine is not; skipped"
  exit 0
fi
sets=(x86-64)
if grep -q ' avx2 .* fma\| fma .* avx2 ' /proc/cpuinfo; then sets+=(x86-64-v3); fi
if grep -q avx512vl /proc/cpuinfo; then sets+=(x86-64-v4); fi
arm=()
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  arm=(--target=aarch64-linux-gnu --gcc-toolchain=/usr -fuse-ld=bfd -static)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t products < <(find "$kernels" -name '*.c' -not -path '*/measure/*')
mapfile -t others < <(printf '%s\n' "${products[@]}" | grep -v '/gemm/\|/conv/[^d]')

compilations=()
compile() { # PROGRAM SOURCE OPTION...
  local program=$1 source=$2 sources=("${others[@]}")
  shift 2
  [ "$source" = kernels.c ] || sources=("${products[@]}")
  "$compiler" -O2 -w '-DDL_CLONES=' -I"$kernels" -I"$kernels/include" -I"$kernels/shared" "$@" \
    "$here/$source" "${sources[@]}" -lm -lpthread -o "$work/$program" &
  compilations+=($!)
}
for set in "${sets[@]}"; do compile "$set" kernels.c -march="$set"; done
if ((${#arm[@]})); then
  compile arm64 kernels.c "${arm[@]}"
  compile products-x86-64 products.c -march=x86-64
  compile products-arm64 products.c "${arm[@]}"
fi
for compilation in "${compilations[@]}"; do wait "$compilation"; done

compare() { # FIRST SECOND: names of files of results
  cmp -s "$work/$1.txt" "$work/$2.txt" && return
  echo "check.sh: other bits for $2 than for $1:" >&2
  diff "$work/$1.txt" "$work/$2.txt" | sed -n 's/^> //p' | head -20 >&2
  exit 1
}
for set in "${sets[@]}"; do
  "$work/$set" >"$work/$set.txt"
  compare x86-64 "$set"
done
if ((${#arm[@]})); then
  for program in "" products-; do
    "$work/${program}x86-64" >"$work/${program}x86-64.txt"
    qemu-aarch64 "$work/${program}arm64" >"$work/${program}arm64.txt"
    compare "${program}x86-64" "${program}arm64"
  done
  sets+=(arm64)
  echo "$(wc -l <"$work/products-arm64.txt") results of products and convolutions, the same bits for x86-64 arm64"
fi
echo "$(wc -l <"$work/x86-64.txt") results, the same bits for ${sets[*]}"
