#!/usr/bin/env bash
# Trains over three hosts that this machine plays: network namespaces with addresses, host names and /dev/shm of
# their own, a real mpirun and TCP between them. Cuts one host off in mid-run and sees the run go on on the other two;
# freezes the one with rank 0 and wakes it up when others have taken its run over; adds delay and loss. Compares every
# final checkpoint, byte for byte, with that of a run on one host. A run that is disturbed has no end of its own: it
# lasts until what is to happen to it has happened, however slow the machine, and is then stopped. Time limits are
# there to end a test that hangs.
#
#   scripts/multihost-test.sh                  handwritten digits (embedded)
#   scripts/multihost-test.sh --data FOLDER    MNIST, from the folder of its four IDX files
#
# Wants root and the right to make namespaces; where something is missing it says so, ends with 0 and leaves
# nothing behind. DLTRAIN names the program, .build/release/dltrain otherwise.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath -m "${DLTRAIN:-$root/.build/release/dltrain}")
# shellcheck source=scripts/lib/trial.sh
source "$root/scripts/lib/trial.sh"
# shellcheck source=scripts/lib/hosts.sh
source "$root/scripts/lib/hosts.sh"

hosts=(node1 node2 node3)
ranks=6                # two on each host
work=""

clean_up() {
  remove_hosts
  [ -z "$work" ] || rm -rf "$work"
}

# --- the job -----------------------------------------------------------------------------------------------------

make_job() { # [FOLDER]
  if [ -z "${1:-}" ]; then
    job=(digits --set epochs=1e6 --set checkpoint.every_steps=20)
  else
    progress "packing MNIST"
    "$program" data pack mnist "$1" -o "$work/packed" >/dev/null
    job=(lenet-mnist --set "data.train=$work/packed/train.safetensors" --set epochs=1e6
      --set "data.validation=$work/packed/test.safetensors" --set checkpoint.every_steps=50)
  fi
  job+=(--set "virtual_ranks=$ranks")
}

write_hostfile() { printf '%s slots=2\n' "$@" >"$work/hostfile"; } # HOST...

# The three settings let mpirun see a silent host after 2 + 3 x 2 seconds; by default it takes eight minutes.
# The hosts share this machine's cores: ranks that wait must give way.
limit=1800             # seconds after which a command hangs
set_launcher() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_plm_rsh_agent=$work/agent OMPI_MCA_mpi_yield_when_idle=1 TMPDIR=$work
  export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=2
  export OMPI_MCA_oob_tcp_keepalive_probes=3
}

launched() { # PROCESSES COMMAND...: by mpirun on the first host of the hostfile
  local first
  read -r first _ <"$work/hostfile"
  on "$first" timeout --foreground -k 5 "$limit" mpirun --hostfile "$work/hostfile" --bind-to none -n "$@" </dev/null
}

latest() { cat "$1/checkpoints/latest" 2>/dev/null || true; } # RUN
final_checkpoint() { echo "$1/checkpoints/$(latest "$1")"; }  # RUN
step() { latest "$1" | sed -E 's/[^0-9]*0*([0-9]+).*/\1/'; }    # RUN

# Trains to the step at which a run has ended, undisturbed: the same ranks as threads of one process, without MPI.
same_on_one_host() { # RUN
  local run=$1 single=$work/one-host first second
  rm -rf "$single"
  "$program" train "${job[@]}" --out "$single" --stop-at "$(step "$run")" >"$work/single.log" 2>&1 ||
    fail "the run on one host failed" "$work/single.log"
  first=$(final_checkpoint "$single")
  second=$(final_checkpoint "$run")
  [ "${first##*/}" = "${second##*/}" ] || fail "one host ends with ${first##*/}, ${run##*/} with ${second##*/}"
  cmp "$first" "$second" || fail "one host and ${run##*/} end with different bits"
  progress "${run##*/} ends with the bits of one host: ${first##*/}"
}

# Waits for a checkpoint of a run that a job in the background trains; fails where the job ends before.
await_checkpoint() { # RUN JOB OTHER-THAN
  eventually "$limit" has_checkpoint "$@" || fail "no checkpoint" "$1.log"
  has_other_checkpoint "$1" "$3" || fail "the job ended before its next checkpoint" "$1.log"
}
has_checkpoint() { has_other_checkpoint "$1" "$3" || ! kill -0 "$2" 2>/dev/null; }
has_other_checkpoint() { [ -n "$(latest "$1")" ] && [ "$(latest "$1")" != "$2" ]; }

# Waits for a line of a run's log; fails where its job ends before.
await_line() { # RUN JOB PATTERN WHAT
  eventually "$limit" has_line "$@" || fail "$4" "$1.log"
  grep -q "$3" "$1.log" || fail "$4, and the job has ended" "$1.log"
}
has_line() { grep -q "$3" "$1.log" || ! kill -0 "$2" 2>/dev/null; }

# --- the checks --------------------------------------------------------------------------------------------------

check_nodes() {
  local seen wanted="2 2 node1 2 2 node2 2 2 node3 "
  # shellcheck disable=SC2016 # each rank expands it
  seen=$(launched "$ranks" bash -c 'echo "$OMPI_COMM_WORLD_LOCAL_SIZE $(hostname)"' | sort -k 2 |
    uniq -c | awk '{ printf "%s %s %s ", $1, $2, $3 }')
  [ "$seen" = "$wanted" ] || fail "MPI should see two ranks on each of three hosts, but saw: $seen"
  progress "MPI sees three hosts with two ranks each"
}

check_three_hosts() {
  local before after
  before=$(bytes_received node2)
  launched "$ranks" "$program" train "${job[@]}" --stop-at 200 --out "$work/three-hosts" >"$work/three-hosts.log" 2>&1 ||
    fail "the run on three hosts failed" "$work/three-hosts.log"
  after=$(bytes_received node2)
  progress "trained on three hosts; node2 took in $(((after - before) / 1000)) kB over TCP"
  ((after - before > 1000000)) || fail "too few bytes for gradients: do the ranks talk some other way?"
  same_on_one_host "$work/three-hosts"
}

# Trains until it is stopped although a host is lost: dltrain launch sees it and starts again on the others, with three
# processes of two ranks each, the largest number that divides six and that two hosts have room for.
train_surviving() { # RUN OPTION-FOR-MPIRUN [ARGUMENT...]
  on "${hosts[0]}" timeout --foreground -k 5 "$limit" "$program" launch -n "$ranks" --max-restarts 2 \
    --hostfile "$work/hostfile" --mpirun "$2" -- train "${job[@]}" --out "$1" "${@:3}" </dev/null >"$1.log" 2>&1
}

# Cuts node3 off from a run, sees it go on without, and stops it once it has saved something new.
lose_node3() { # RUN PID PATTERN WHAT: the line by which the loss is to be noticed
  local run=$1 pid=$2 cut before code=0
  await_checkpoint "$run" "$pid" ""
  cable node3 down
  cut=$EPOCHREALTIME
  progress "cut node3 off after $(latest "$run")"
  await_line "$run" "$pid" "$3" "$4"
  progress "noticed $(seconds_since "$cut") s after the cut"
  await_line "$run" "$pid" 'starting again' "the run is not started again"
  before=$(latest "$run")
  await_line "$run" "$pid" 'node3 cannot be reached' "node3 was not left out"
  await_checkpoint "$run" "$pid" "$before"
  progress "$(grep -o 'restart 1: .*' "$run.log" || echo "the cost of the restart was not told")"
  program_on "${hosts[0]}" launch | xargs -r kill -TERM
  wait "$pid" || code=$?
  ((code == 75)) || fail "the run was to be stopped by SIGTERM to launch, with exit code 75, not $code" "$run.log"
  progress "stopped on two hosts after $(latest "$run")"
}

check_lost_host() {
  write_hostfile "${hosts[@]}"
  train_surviving "$work/survivor" "" &
  lose_node3 "$work/survivor" $! 'starting again' "the loss of node3 was not noticed"
  same_on_one_host "$work/survivor"
}

# The daemon of a host that is cut off ends its ranks as mpirun does: none comes back with the network.
check_return() {
  cable node3 up
  eventually "$limit" has_no_process node3 "$program" || fail "ranks of the lost host go on after its return"
  cmp "$(final_checkpoint "$work/one-host")" "$(final_checkpoint "$work/survivor")" ||
    fail "the run was changed after the return of node3"
  progress "node3 is back, without ranks of the old run"
}

# The hosts' own messages are what notices the loss where mpirun, left to its defaults, takes minutes: every rank ends by
# them. A host that is late by a second on a busy machine may be named beside the one that is lost.
check_heartbeats() {
  write_hostfile "${hosts[@]}"
  train_surviving "$work/heard-of" "--mca oob_tcp_keepalive_time 7200" --set watchdog.heartbeat_seconds=5 &
  lose_node3 "$work/heard-of" $! 'nothing was heard of .*node3 (ranks 4 and 5) for 5 s' \
    "the silence of node3 was not noticed"
  eventually "$limit" has_no_process node3 "$program" || fail "ranks of node3 do not notice that they are cut off"
  cable node3 up
  same_on_one_host "$work/heard-of"
}

# The host of mpirun and rank 0 stands still, as a paused machine does; its run is ended on the other two. When it wakes
# up, it must not write to the run that is no longer its own.
check_frozen_host() {
  local frozen run=$work/taken-over stop
  write_hostfile "${hosts[@]}"
  launched "$ranks" "$program" train "${job[@]}" --out "$run" >"$run.log" 2>&1 &
  frozen=$!
  await_checkpoint "$run" "$frozen" ""
  everything_on node1 STOP
  cable node1 down
  progress "froze node1, cut off, after $(latest "$run")"
  eventually "$limit" has_no_process node2 "$program" || fail "ranks of node2 do not notice the loss of node1"
  eventually "$limit" has_no_process node3 "$program" || fail "ranks of node3 do not notice the loss of node1"
  write_hostfile node2 node3
  stop=$(($(step "$run") + 100))
  launched 3 "$program" train "${job[@]}" --out "$run" --resume auto --stop-at "$stop" >"$work/second.log" 2>&1 ||
    fail "node2 could not take the run over" "$work/second.log"
  progress "node2 and node3 have taken the run over and gone on to step $stop"
  cable node1 up
  everything_on node1 CONT
  eventually "$limit" has_no_process node1 "$program" || fail "ranks of node1 go on in a run that is over"
  ! wait "$frozen" || fail "the frozen run thinks that it ended well" "$run.log"
  same_on_one_host "$run"
  [ "$(steps_in "$run")" = "$stop" ] || fail "metrics.jsonl has $(steps_in "$run") steps, not $stop"
  progress "node1 has woken up and left the run alone"
}
steps_in() { grep -c '"kind":"step"' "$1/metrics.jsonl"; } # RUN

# Delay and loss by netem; where the kernel has none, a slow line whose short queue delays and drops.
spoil_network() {
  local name line="delay 2ms 1ms loss 0.5%" kind=netem
  # shellcheck disable=SC2086 # several words
  if ! on "${hosts[0]}" tc qdisc add dev eth0 root netem $line 2>"$work/tc.log"; then
    progress "skipped: tc netem, which this machine has not ($(head -n 1 "$work/tc.log"))"
    line="rate 100mbit burst 8kb limit 16kb" kind=tbf
  fi
  for name in "${hosts[@]}"; do
    # shellcheck disable=SC2086 # several words
    on "$name" tc qdisc replace dev eth0 root $kind $line 2>"$work/tc.log" || return 1
  done
  spoilt="$kind $line"
}

check_bad_network() {
  local dropped
  if ! command -v tc >/dev/null || ! spoil_network; then
    progress "skipped: a bad network, as this machine has neither tc netem nor tc tbf"
    return
  fi
  write_hostfile "${hosts[@]}"
  launched "$ranks" "$program" train "${job[@]}" --stop-at 30 --out "$work/bad-network" >"$work/bad.log" 2>&1 ||
    fail "the run on a bad network failed" "$work/bad.log"
  dropped=$(for_all tc -s qdisc show dev eth0 | awk '/dropped/ { sub(",", "", $7); n += $7 } END { print n + 0 }')
  progress "trained over $spoilt; $dropped packets were lost"
  same_on_one_host "$work/bad-network"
}
for_all() {
  local name
  for name in "${hosts[@]}"; do on "$name" "$@"; done
}

main() {
  local data=""
  if (($# == 2)) && [ "$1" = --data ]; then data=$(realpath "$2"); elif (($#)); then
    echo "usage: scripts/multihost-test.sh [--data FOLDER]" >&2
    exit 64
  fi
  require_program
  require_namespaces
  command -v mpirun >/dev/null || skip "mpirun is missing (Debian: openmpi-bin)"
  trap clean_up EXIT
  trap 'exit 1' INT TERM
  work=$(mktemp -d)
  make_hosts
  make_agent
  make_job "$data"
  set_launcher
  write_hostfile "${hosts[@]}"
  check_nodes
  check_three_hosts
  check_lost_host
  check_return
  check_heartbeats
  check_frozen_host
  check_bad_network
  echo "$trial: passed"
}

main "$@"
