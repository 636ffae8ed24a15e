#!/usr/bin/env bash
# Compiles the kernels that exist once per instruction set for one set alone, each in turn, and compares the bits of their
# results: those of a program are chosen by the CPU when it is loaded, so that no test within it can compare them.
#
# Prints "N results, the same bits for SETS"; exits 1 where results differ, naming kernel, width and type.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../Sources/CKernels
compiler=${CC:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
if [ "$(uname -m)" != x86_64 ]; then
  echo "check.sh: kernels for one instruction set each exist for x86-64 alone; skipped"
  exit 0
fi
sets=(x86-64)
if grep -q ' avx2 .* fma\| fma .* avx2 ' /proc/cpuinfo; then sets+=(x86-64-v3); fi
if grep -q avx512vl /proc/cpuinfo; then sets+=(x86-64-v4); fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Products and convolutions are chosen by dl_cpu_level, which tests can set.
mapfile -t sources < <(find "$kernels" -name '*.c' -not -path '*/gemm/*' -not -path '*/conv/*' -not -path '*/measure/*')
compilations=()
for set in "${sets[@]}"; do
  "$compiler" -O2 -w -march="$set" '-DDL_CLONES=' -I"$kernels" -I"$kernels/include" -I"$kernels/shared" \
    "$here/kernels.c" "${sources[@]}" -lm -lpthread -o "$work/$set" &
  compilations+=($!)
done
for compilation in "${compilations[@]}"; do wait "$compilation"; done
for set in "${sets[@]}"; do
  "$work/$set" >"$work/$set.txt"
  if ! cmp -s "$work/x86-64.txt" "$work/$set.txt"; then
    echo "check.sh: other bits for $set than for x86-64:" >&2
    diff "$work/x86-64.txt" "$work/$set.txt" | sed -n 's/^> //p' | head -20 >&2
    exit 1
  fi
done
echo "$(wc -l <"$work/x86-64.txt") results, the same bits for ${sets[*]}"
