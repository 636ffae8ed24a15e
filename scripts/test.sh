#!/usr/bin/env bash
# Runs the tests in stages, the quick ones first, and stops after the first stage in which something failed.
#
#   scripts/test.sh            all stages, in this order
#   scripts/test.sh STAGE...   these alone
#
#   lint        formats, shell scripts, code that the documents quote: no build
#   unit        the build with its warnings, and every Swift test that runs in one process
#   processes   tests of whole programs, and of communicators under mpirun
#   hosts       several hosts, Slurm, Kubernetes
#   rest        allocator calls, instructions, commands and code of the documents, the documentation site, recipes, examples
#
# Ends with "N passed, N failed"; exits 1 if anything failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all_stages=(lint unit processes hosts rest)
stages=("$@")
((${#stages[@]})) || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
  if [[ " ${all_stages[*]} " != *" $stage "* ]]; then
    echo "test: $stage: no such stage, known: ${all_stages[*]}" >&2
    exit 64
  fi
done

# shellcheck source=scripts/setup.sh
source scripts/setup.sh python3 python3-yaml python3-jsonschema python3-kubernetes iproute2 util-linux \
  clang-format shellcheck valgrind
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh
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
attempt_aloud() { # NAME COMMAND...: shows what the command prints as it goes
  local name=$1 code=0
  shift
  "$@" || code=$?
  count "$name" "$code"
}
finish() {
  heading "Result"
  ((${#faults[@]} == 0)) || printf 'failed: %s\n' "${faults[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
  exit 0
}

binaries=""
build() { # once for all stages
  [ -z "$binaries" ] || return 0
  heading "Build (release, with tests)"
  scripts/lint.sh --mark-changed
  if ! quiet_build .build/test-build.log -c release --build-tests; then
    count build 1
    finish
  fi
  count build 0
  attempt "no warnings" scripts/lint.sh --warnings .build/test-build.log
  binaries=$(swift build -c release --show-bin-path)
}

# One test after another: the collectives of two tests must not share cores and ports. The program is that of
# `swift test`, which itself would wait for another one that runs.
start_swift_tests() { # LOG OPTION...
  local log=.build/$1
  shift
  rm -f "$log.code"
  {
    local code=0
    timeout 7200 "$binaries/dltrainPackageTests.xctest" --testing-library swift-testing --no-parallel "$@" \
      >"$log" 2>&1 || code=$?
    echo "$code" >"$log.code"
  } &
}
finish_swift_tests() { # LOG PID
  local log=.build/$1 code good bad started=$SECONDS told=$SECONDS
  while kill -0 "$2" 2>/dev/null; do
    sleep 1
    if ((SECONDS - told >= 60)); then
      told=$SECONDS
      echo "$(grep -acE '^. Test .* (passed|failed) after' "$log") tests after $((SECONDS - started)) s"
    fi
  done
  wait "$2" || true
  code=$(cat "$log.code")
  # The summary of the whole run is no test.
  good=$(grep -aE '^✔ Test .* passed after' "$log" | grep -vcE '^✔ Test run with ' || true)
  bad=$(grep -aE '^✘ Test .* failed after' "$log" | grep -vcE '^✘ Test run with ' || true)
  echo "$good passed, $bad failed"
  passed=$((passed + good))
  failed=$((failed + bad))
  if ((bad > 0)); then
    grep -aE '^✘' "$log" | cut -c 1-500
    faults+=("$bad Swift tests, see $log")
  elif ((code != 0 || good == 0)); then
    tail -n 40 "$log"
    count "the run of the Swift tests" "$((code == 0 ? 1 : code))"
  fi
}

run_lint() {
  heading "Format"
  attempt lint scripts/lint.sh --format
}

run_unit() {
  build
  heading "Swift tests within one process"
  start_swift_tests test-unit.log --skip '^ProcessTests\.'
  local units=$!
  # Where both are asked for, the tests of programs, which wait for most of their time, run beside these.
  if [[ " ${stages[*]} " == *" processes "* ]]; then start_processes; fi
  finish_swift_tests test-unit.log "$units"
}

processes=""
start_processes() {
  [ -z "$processes" ] || return 0
  start_swift_tests test-processes.log --filter '^ProcessTests\.'
  processes=$!
}

run_processes() {
  local ranks threads
  build
  heading "Swift tests of whole programs"
  start_processes
  finish_swift_tests test-processes.log "$processes"
  heading "Processes and threads under mpirun"
  for ranks in 2 3 4; do
    for threads in 1 2; do
      mpi_options "$ranks"
      echo "$ranks processes of $threads threads"
      attempt "ClusterCheck, $ranks processes of $threads threads" \
        timeout -k 5 900 mpirun "${mpi_options[@]}" -n "$ranks" "$binaries/ClusterCheck" "$threads"
    done
  done
}

run_hosts() {
  build
  export DLTRAIN=$binaries/dltrain
  heading "Several hosts, Slurm, Kubernetes"
  attempt_if_allowed "three hosts, one of them lost" timeout -k 30 3600 scripts/multihost-test.sh
  attempt_if_allowed "a job under Slurm, requeued" timeout -k 30 3600 scripts/slurm-test.sh
  attempt_if_allowed "the manifest of an MPIJob" timeout 900 scripts/check-mpijob.py
}

run_rest() {
  build
  export DLTRAIN=$binaries/dltrain
  local counting code=0 counts=.build/instruction-count.log
  # Beside all the rest, which does not change a count.
  Tests/InstructionCount/check.sh >"$counts" 2>&1 &
  counting=$!
  heading "Allocator calls of a warmed-up step"
  attempt_aloud "mallocs per step" Tests/MallocCount/check.sh

  heading "Bits of kernels by instruction set"
  attempt_aloud "bits of kernels" Tests/KernelBits/check.sh

  heading "Code of the documents"
  attempt "code of the documents" scripts/docs/check-code.py compile --binaries "$binaries"

  heading "Documentation site"
  CONFIGURATION=release attempt "documentation site" scripts/docs.sh

  heading "Commands of the documents"
  PATH="$binaries:$PATH" attempt_aloud "documents" scripts/check-docs.sh

  heading "Two steps of every recipe and study"
  attempt "quick form of the course" timeout -k 5 3600 scripts/results/quick.sh

  heading "Examples/MyModel"
  # The commands of the documents have built it.
  mpi_options 2
  attempt "MyModel on 2 ranks" timeout -k 5 900 mpirun "${mpi_options[@]}" -n 2 "$binaries/MyModel"

  heading "Instructions of ops and of whole steps"
  wait "$counting" || code=$?
  attempt_if_allowed "instructions" sh -c "cat '$counts'; exit $code"
}

for stage in "${stages[@]}"; do
  SECONDS=0
  case $stage in
    lint) run_lint ;;
    unit) run_unit ;;
    processes) run_processes ;;
    hosts) run_hosts ;;
    rest) run_rest ;;
  esac
  echo "stage $stage: $SECONDS s"
  if ((failed > 0)); then
    # Its output would come too late to be told. What it has started is told first: it passes the signal on.
    if [ -n "$processes" ]; then
      children=()
      read -ra children 2>/dev/null <"/proc/$processes/task/$processes/children" || true
      kill "${children[@]}" "$processes" 2>/dev/null || true
    fi
    [ "$stage" = "${stages[-1]}" ] || echo "stopped after the stage $stage, in which something failed"
    break
  fi
done
finish
