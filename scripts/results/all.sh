#!/usr/bin/env bash
# Runs every recipe and study of the course to its end and prints the table of docs/results.md.
#
#   scripts/results/all.sh DATA                      all of them on 2 ranks, below runs/course
#   scripts/results/all.sh DATA --only digits gcn-cora --ranks 4
#   scripts/results/all.sh DATA --quick              two steps of each, without validation
#   scripts/results/all.sh DATA --table              the table of what is there
#   scripts/results/all.sh --help                    the rest
#
# DATA holds folders of what recipes are trained on, as those of `dltrain recipes NAME` name them: mnist, cora, polarity
# and so on; what is not there is left out with a word. What has ended is not run again, what was stopped goes on.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [ -z "${DLTRAIN:-}" ] && [[ " $* " != *" --help "* ]]; then
  # shellcheck source=scripts/lib/build.sh
  source "$root/scripts/lib/build.sh"
  build=(--package-path "$root" -c release --product dltrain)
  echo "Building dltrain; DLTRAIN=BINARY takes one that is there" >&2
  quiet_build "$root/.build/results-build.log" "${build[@]}"
  DLTRAIN=$(swift build "${build[@]}" --show-bin-path)/dltrain
fi
export DLTRAIN
exec "${PYTHON:-python3}" "$root/scripts/results/course.py" "$@"
