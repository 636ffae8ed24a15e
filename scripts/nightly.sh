#!/usr/bin/env bash
# The tests that take long: what scripts/test.sh tries a few times, many times over.
#
#   scripts/nightly.sh           50 ranks killed, ten in each phase of a run
#   KILLS=200 scripts/nightly.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh

quiet_build .build/test-build.log -c release --build-tests
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
