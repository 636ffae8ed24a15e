#!/usr/bin/env bash
# The tests that take long: what scripts/test.sh tries a few times, many times over.
#
#   scripts/nightly.sh           50 ranks killed, ten in each phase of a run
#   KILLS=200 scripts/nightly.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
mkdir -p .build

swift build -c release --build-tests >.build/test-build.log 2>&1 || {
  grep -E 'error' .build/test-build.log >&2 || tail -n 20 .build/test-build.log >&2
  exit 1
}
code=0
DLTRAIN_KILLS=${KILLS:-50} timeout 7200 \
  swift test -c release --skip-build --no-parallel --filter 'ProcessTests.KillTests' \
  >.build/nightly.log 2>&1 || code=$?
grep -aE '^kill [0-9]+: ' .build/nightly.log || true
if ((code != 0)); then
  grep -aE '^✘' .build/nightly.log | cut -c 1-500 >&2 || tail -n 40 .build/nightly.log >&2
  echo "nightly: failed; the whole output is in .build/nightly.log" >&2
  exit 1
fi
grep -acE '^kill [0-9]+: ' .build/nightly.log | sed 's/$/ ranks killed, every run ended with the same bits/'
