#!/usr/bin/env bash
# Compares the allocator calls of a warmed-up training step with the checked-in numbers.
#
#   check.sh            fails where a step makes more calls than baseline.txt says
#   check.sh --update   writes the numbers of this build to baseline.txt
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${DLTRAIN:-$here/../../.build/release/dltrain}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compiler=$(command -v clang || command -v gcc || command -v cc)
"$compiler" -O2 -shared -fPIC -o "$work/count.so" "$here/malloc_count.c"

calls() {
  MALLOC_COUNT_FILE="$work/calls" LD_PRELOAD="$work/count.so" \
    "$program" bench step --config "$1" --ranks 1 --steps "$2" >/dev/null
  cat "$work/calls"
}

# What start-up, warm-up and exit allocate cancels out between a short and a long run.
failed=0
for recipe in digits lenet-mnist; do
  short=$(calls "$recipe" 40)
  long=$(calls "$recipe" 140)
  found=$(((long - short) / 100))
  allowed=$(awk -v recipe="$recipe" '$1 == recipe { print $2 }' "$here/baseline.txt" 2>/dev/null || true)
  if [ "${1:-}" = --update ]; then
    echo "$recipe $found" >>"$work/baseline"
  elif [ -z "$allowed" ] || [ "$found" -gt "$allowed" ]; then
    echo "mallocs per step: $recipe $found, baseline ${allowed:-missing}: FAILED"
    failed=1
  else
    echo "mallocs per step: $recipe $found, baseline $allowed: passed"
  fi
done
if [ "${1:-}" = --update ]; then
  cp "$work/baseline" "$here/baseline.txt"
  cat "$here/baseline.txt"
fi
exit "$failed"
