#!/usr/bin/env bash
# Builds for debugging and runs the tests whose names match: what one does between two edits.
#
#   scripts/dev.sh                     builds alone
#   scripts/dev.sh LayerScaleTests     builds, and runs the suite of that name
#   scripts/dev.sh DLLayersTests       builds, and runs a whole test target
#   scripts/dev.sh --pages             builds, and writes the pages that follow from the code: docs/configuration.md and
#                                      docs/operations.md
#
# The first build takes some minutes, one after an edit of a layer some ten seconds. Both times are printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Without an argument of its own, the sourced script would see ours.
# shellcheck source=scripts/setup.sh
source scripts/setup.sh ""

SECONDS=0
mkdir -p .build
log=.build/dev-build.log
if ! swift build --build-tests >"$log" 2>&1; then
  grep -E '(error|warning):' "$log" >&2 || tail -n 20 "$log" >&2
  exit 1
fi
grep -E '^[^ ]*: warning:' "$log" | sort -u || true
echo "built in $SECONDS s"
(($# > 0)) || exit 0

if [ "$1" = --pages ]; then
  "$(swift build --show-bin-path)/dltrain" config --reference >.build/configuration.md
  mv .build/configuration.md docs/configuration.md
  export DLTRAIN_WRITE_DOCS=1
  set -- ChecklistTests
fi

SECONDS=0
code=0
# One after another: the collectives of two tests must not share a machine's cores.
swift test --skip-build --no-parallel --filter "$1" >.build/dev-test.log 2>&1 || code=$?
grep -aE '^(✘|✔ Test run)' .build/dev-test.log | cut -c 1-500 || tail -n 20 .build/dev-test.log
echo "tested in $SECONDS s; all lines are in .build/dev-test.log"
exit "$code"
