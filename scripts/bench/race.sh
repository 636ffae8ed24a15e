#!/usr/bin/env bash
# Races dltrain against PyTorch and TensorFlow: steps of the same networks, in turns, on the same cores.
#
#   scripts/bench/race.sh                                   all workloads, 1 and 2 ranks, 3 rounds
#   scripts/bench/race.sh --only resnet20 lstm --rounds 5   some of them, more often
#   scripts/bench/race.sh --write                           leaves the table in docs/benchmarks.md
#
# DLTRAIN names the program, .build/release/dltrain unless given; PYTHON one that has torch, and
# TENSORFLOW_PYTHON one that has tensorflow, the same unless given; without it PyTorch races alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# The kernels that the CPU has, whatever the environment says of them.
unset OPENBLAS_CORETYPE DLTRAIN_CPU
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
python=${PYTHON:-python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "race.sh: $python has no torch; install it, or name another by PYTHON" >&2
  exit 69
fi
exec "$python" "$here/race.py" --dltrain "${DLTRAIN:-$here/../../.build/release/dltrain}" "$@"
