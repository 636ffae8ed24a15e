#!/usr/bin/env bash
# Runs the thread-group tests under ThreadSanitizer and the file readers' tests under AddressSanitizer.
#
#   scripts/sanitize.sh           both
#   scripts/sanitize.sh thread    ThreadSanitizer alone
#   scripts/sanitize.sh address   AddressSanitizer alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh ""

# The Swift runtime keeps some of what it allocates to the end; leaks are not what is looked for here.
export ASAN_OPTIONS=detect_leaks=0

run() { # SANITIZER FILTER
  echo "== $1 sanitizer over $2"
  swift build --build-tests --sanitize="$1" --scratch-path ".build-$1" 2>&1 | grep -E 'error:|Compiling|Build' | tail -n 3
  timeout 1200 swift test --skip-build --sanitize="$1" --scratch-path ".build-$1" --no-parallel \
    --filter "$2"
}

case "${1:-both}" in
  thread | both) run thread 'DLClusterTests|RankInvariance|LoaderTests' ;;&
  address | both) run address 'DLFormatsTests|DLDataTests|ConfigurationTests' ;;&
  thread | address | both) ;;
  *) echo "usage: scripts/sanitize.sh [thread|address]" >&2 && exit 64 ;;
esac
