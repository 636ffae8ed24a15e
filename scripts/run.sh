#!/usr/bin/env bash
# Builds dltrain and runs it under mpirun; the arguments are dltrain's.
#
#   scripts/run.sh                                   the built-in job: handwritten digits on 4 ranks
#   RANKS=2 scripts/run.sh train job.yaml            a job of your own on 2 ranks
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

ranks=${RANKS:-4}
if ! [[ $ranks =~ ^[1-9][0-9]{0,3}$ ]]; then
  echo "dltrain: RANKS is '$ranks': expected the number of ranks, as in RANKS=4" >&2
  exit 64
fi
# Without an argument of its own, the sourced script would see dltrain's.
# shellcheck source=scripts/setup.sh
source "$root/scripts/setup.sh" ""

mkdir -p "$root/.build"
log=$root/.build/run-build.log
build=(swift build --package-path "$root" -c release --product dltrain)
echo "Building dltrain (the first time takes some minutes)"
if ! "${build[@]}" >"$log" 2>&1; then
  grep -E 'error' "$log" >&2 || tail -n 20 "$log" >&2
  echo "dltrain: the build failed; the whole output is in $log" >&2
  exit 70
fi
binary=$("${build[@]}" --show-bin-path)/dltrain

mpi_options "$ranks"
exec mpirun "${mpi_options[@]}" -n "$ranks" "$binary" "$@"
