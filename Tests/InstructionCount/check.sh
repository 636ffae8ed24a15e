#!/usr/bin/env bash
# Compares the instructions of ops and of whole training steps with the checked-in numbers.
#
#   check.sh            fails where one takes 2% more instructions than baseline.txt says
#   check.sh --update   writes the numbers of this build to baseline.txt
#
# Counts by valgrind (Debian's package), which is 50 times slower than the CPU and noise-free. It
# knows no AVX-512: what is counted are the kernels for AVX2, here and in OpenBLAS. Another compiler,
# C library or family of CPUs counts otherwise: where baseline.txt names others, nothing is compared.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${DLTRAIN:-$here/../../.build/release/dltrain}
workloads=$here/../../scripts/bench/workloads
percent=2
command -v valgrind >/dev/null || { echo "check.sh: install valgrind" >&2; exit 69; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Valgrind gives up on Swift's debugging information.
objcopy --strip-debug "$program" "$work/dltrain"
# OpenBLAS asks the real CPU in some versions; string instructions, which copy any length as one, go by
# the CPU's caches.
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 GLIBC_TUNABLES=glibc.cpu.hwcaps=-ERMS,-FSRM
cpu() { sed -n "s/^$1[[:space:]]*: //p;T;q" /proc/cpuinfo; }
conditions="# counted by $(valgrind --version), $(swift --version 2>/dev/null | sed -n 's/.*(\(swift-[^)]*\)).*/\1/p'), \
glibc $(getconf GNU_LIBC_VERSION | cut -d ' ' -f 2), $(cpu vendor_id) family $(cpu 'cpu family')"
if [ "${1:-}" != --update ]; then
  [ -f "$here/baseline.txt" ] || { echo "check.sh: no baseline.txt; make it by --update" >&2; exit 1; }
  there=$(head -n 1 "$here/baseline.txt")
  if [ "$there" != "$conditions" ]; then
    echo "skipped: baseline.txt was ${there#\# }; this would be ${conditions#\# }"
    exit 0
  fi
fi

# Runs dltrain with a count taken at each mark; $work/NAME.N is the N-th of them.
counted() {
  local name=$1
  shift
  if ! valgrind --tool=callgrind --dump-before=dl_count_mark --callgrind-out-file="$work/$name" \
    "$work/dltrain" "$@" >"$work/$name.out" 2>"$work/$name.err"; then
    tail -5 "$work/$name.err" >&2
    exit 1
  fi
}

# The instructions up to a mark from the one before it.
total() { awk '$1 == "totals:" || $1 == "summary:" { print $2; exit }' "$1"; }

# An op stands between a mark and the next.
counted ops bench ops --count
place=2
while read -r title; do
  printf '%s\t%s\n' "$title" "$(total "$work/ops.$place")"
  place=$((place + 2))
done <"$work/ops.out" >"$work/found"

# A step ends with a mark; the median of the last five.
step() {
  local name=$1
  shift
  counted "$name" bench step --config "$workloads/$name.yaml" --ranks 1 --steps 5 "$@"
  printf 'step %s\t%s\n' "$name" "$(for place in 11 12 13 14 15; do
    total "$work/$name.$place"
  done | sort -n | sed -n 3p)" >>"$work/found"
}
step mlp-784-512-512-10 --batch-per-rank 4
step lenet5-28x28 --batch-per-rank 2
step resnet20-cifar --batch-per-rank 1
step gpt-4x128-t64 --batch-per-rank 1 --set data.synthetic.tokens=16
step lstm-2x256-t35 --batch-per-rank 2 --set model.hidden=64 --set data.synthetic.tokens=8 \
  --set data.synthetic.vocabulary=200

if [ "${1:-}" = --update ]; then
  { echo "$conditions" && cat "$work/found"; } >"$here/baseline.txt"
  cat "$here/baseline.txt"
  exit 0
fi
awk -F '\t' -v percent="$percent" '
  /^#/ { next }
  FNR == NR { allowed[$1] = $2; next }
  {
    seen[$1] = 1
    if (!($1 in allowed)) { state = "not in baseline.txt: FAILED"; failed = 1 }
    else {
      change = 100 * ($2 / allowed[$1] - 1)
      state = sprintf("%+.1f%%", change)
      if (change > percent) { state = state ": FAILED"; failed = 1 }
      else if (change < -percent) state = state ": fewer, --update notes it"
      else state = state ": passed"
    }
    printf "%-56s %12d  %s\n", $1, $2, state
  }
  END {
    for (name in allowed) if (!(name in seen)) { print name ": is counted no more: FAILED"; failed = 1 }
    exit failed
  }' "$here/baseline.txt" "$work/found"
