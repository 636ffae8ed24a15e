#!/usr/bin/env bash
# Runs every test: Swift test targets, processes under mpirun, format and warnings, documented commands, examples.
# Ends with "N passed, N failed"; exits 1 if anything failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh python3 python3-yaml python3-jsonschema python3-kubernetes iproute2 util-linux
mkdir -p .build

passed=0
failed=0
faults=()
heading() { printf '\n== %s\n' "$*"; }
count() { # NAME EXIT_CODE
  if (($2 == 0)); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    faults+=("$1")
    echo "FAILED: $1 (exit code $2)"
  fi
}
attempt() { # NAME COMMAND...: shows the output of a command only when it fails
  local name=$1 code=0 output
  shift
  output=$("$@" 2>&1) || code=$?
  ((code == 0)) || printf '%s\n' "$output" | tail -n 40
  count "$name" "$code"
}
attempt_if_allowed() { # NAME COMMAND...: as attempt, for a test that says so and ends well where it may not run
  local name=$1 code=0 output
  shift
  output=$("$@" 2>&1) || code=$?
  grep -F skipped <<<"$output" || true
  if ((code != 0)); then printf '%s\n' "$output" | tail -n 40; elif [[ $output != *passed* ]]; then return; fi
  count "$name" "$code"
}
finish() {
  heading "Result"
  ((${#faults[@]} == 0)) || printf 'failed: %s\n' "${faults[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
  exit 0
}

heading "Build (release, with tests)"
scripts/lint.sh --mark-changed
if ! swift build -c release --build-tests >.build/test-build.log 2>&1; then
  grep -E 'error' .build/test-build.log || tail -n 20 .build/test-build.log
  count build 1
  finish
fi
count build 0
binaries=$(swift build -c release --show-bin-path)

heading "Swift tests"
code=0
# One after another: the collectives of two tests must not share a machine's cores and ports.
timeout 7200 swift test -c release --skip-build --no-parallel >.build/test.log 2>&1 || code=$?
good=$(grep -acE '^✔ Test .* passed after' .build/test.log || true)
bad=$(grep -acE '^✘ Test .* failed after' .build/test.log || true)
# The summary of the whole run is no test.
good=$((good - $(grep -acE '^✔ Test run with .* passed after' .build/test.log || true)))
bad=$((bad - $(grep -acE '^✘ Test run with .* failed after' .build/test.log || true)))
echo "$good passed, $bad failed"
passed=$((passed + good))
failed=$((failed + bad))
if ((bad > 0)); then
  grep -aE '^✘' .build/test.log | cut -c 1-500
  faults+=("$bad Swift tests, see .build/test.log")
elif ((code != 0 || good == 0)); then
  tail -n 40 .build/test.log
  count "the run of the Swift tests" "$((code == 0 ? 1 : code))"
fi

if [ -d Tests/ClusterCheck ]; then
  heading "Processes and threads under mpirun"
  for processes in 2 3 4; do
    for threads in 1 2; do
      mpi_options "$processes"
      echo "$processes processes of $threads threads"
      attempt "ClusterCheck, $processes processes of $threads threads" \
        timeout -k 5 900 mpirun "${mpi_options[@]}" -n "$processes" \
        "$binaries/ClusterCheck" "$threads"
    done
  done
fi

heading "Several hosts, Slurm, Kubernetes"
export DLTRAIN=$binaries/dltrain
attempt_if_allowed "three hosts, one of them lost" timeout -k 30 3600 scripts/multihost-test.sh
attempt_if_allowed "a job under Slurm, requeued" timeout -k 30 3600 scripts/slurm-test.sh
attempt_if_allowed "the manifest of an MPIJob" timeout 900 scripts/check-mpijob.py

heading "Allocator calls of a warmed-up step"
code=0
Tests/MallocCount/check.sh || code=$?
count "mallocs per step" "$code"

heading "Format and warnings"
attempt lint scripts/lint.sh .build/test-build.log

heading "Commands of the documents"
code=0
PATH="$binaries:$PATH" scripts/check-docs.sh || code=$?
count "documents" "$code"

heading "Examples/MyModel"
# The commands of the documents have built it.
mpi_options 2
attempt "MyModel on 2 ranks" timeout -k 5 900 mpirun "${mpi_options[@]}" -n 2 "$binaries/MyModel"

finish
