#!/usr/bin/env bash
# Runs the thread-group tests under ThreadSanitizer, and what reads files of others (data, images, weights, checkpoints,
# configurations) under AddressSanitizer, in the tests' own process and in the programs that they start.
#
#   scripts/sanitize.sh           both
#   scripts/sanitize.sh thread    ThreadSanitizer alone
#   scripts/sanitize.sh address   AddressSanitizer alone
#   scripts/sanitize.sh address 'ConfigurationFuzzTests'    what matches this name alone
#
# Each sanitizer has a build of its own, in .build-thread and .build-address: some ten minutes the first time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Without an argument of its own, the sourced script would see ours.
# shellcheck source=scripts/setup.sh
source scripts/setup.sh ""
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh

# The Swift runtime keeps some of what it allocates to the end; leaks are not what is looked for here.
export ASAN_OPTIONS=detect_leaks=0
# A mutated configuration takes a tenth of a second and more under a sanitizer: fewer than elsewhere, unless asked for.
export DLTRAIN_MUTATIONS=${DLTRAIN_MUTATIONS:-500}

threads='DLClusterTests|RankInvariance|Loader[A-Za-z]*Tests'
# Configuration...: fuzz, fault, loading, data, optimizer and loss. Of the tests of programs, those that read files and
# neither limit a program's address space, which the sanitizer needs, nor train for long.
files='DLFormatsTests|DLDataTests|DLConfigurationTests|DLTrainingTests\.[A-Za-z]*Configuration[A-Za-z]*Tests|CanonicalTextTests'
files+='|InitialWeightsTests|GoldenTests\.(SavedWeights|PartialWeights)Tests|ProcessTests\.(ConfigCommand|DataCheck|PackCommand)Tests'

run() { # SANITIZER FILTER
  local log=.build-$1/build.log
  echo "== $1 sanitizer over $2"
  quiet_build "$log" --build-tests --sanitize="$1" --scratch-path ".build-$1"
  timeout 3600 swift test --skip-build --sanitize="$1" --scratch-path ".build-$1" --no-parallel --filter "$2"
}

case "${1:-both}" in
  thread | both) run thread "${2:-$threads}" ;;&
  address | both) run address "${2:-$files}" ;;&
  thread | address | both) ;;
  *) echo "usage: scripts/sanitize.sh [thread|address [FILTER]]" >&2 && exit 64 ;;
esac
