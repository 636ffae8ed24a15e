#!/usr/bin/env bash
# Gives the program what nobody meant for it: sizes in every key, mutated configurations, and files that are cut short at
# every byte or have every byte changed. All must be refused by a line of its own or end well, by no signal.
#
#   scripts/fuzz.sh                   1000 jobs with mutated sizes, 10,000 mutated configurations
#   scripts/fuzz.sh 20000             as many jobs, and ten times as many configurations
#   SANITIZE=1 scripts/fuzz.sh 100    configurations and files under AddressSanitizer, without the jobs
#
# The same mutations at each start. A job that fails is printed with the arguments that show it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mutations=${1:-1000}
if ! [[ $mutations =~ ^[1-9][0-9]{0,6}$ ]]; then
  echo "fuzz: $mutations: expected a number of mutations, as in scripts/fuzz.sh 1000" >&2
  exit 64
fi
# Without an argument of its own, the sourced script would see ours.
# shellcheck source=scripts/setup.sh
source scripts/setup.sh ""
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh

readers='ConfigurationFuzzTests|JSONTests|IDXTests|SafetensorsTests|TarTests|ImageTests|ImageKindTests|CSVTests|CoNLLUTests|WAVTests'
if [ -n "${SANITIZE:-}" ]; then
  DLTRAIN_MUTATIONS=$((mutations * 10)) exec scripts/sanitize.sh address "$readers"
fi

quiet_build .build/fuzz-build.log --build-tests
code=0
fuzz() { # MUTATIONS FILTER
  local log=.build/fuzz.log
  echo "== $2, $1 mutations"
  if ! DLTRAIN_MUTATIONS=$1 swift test --skip-build --no-parallel --filter "$2" >"$log" 2>&1; then
    grep -aE '^✘' "$log" | cut -c 1-1000 >&2 || tail -n 40 "$log" >&2
    code=1
  fi
  grep -aE '^[✔✘] Test run with' "$log" || true
}
fuzz $((mutations * 10)) "$readers"
fuzz "$mutations" SizeFuzzTests
exit "$code"
