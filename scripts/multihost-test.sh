#!/usr/bin/env bash
# Trains over three hosts that this machine plays: network namespaces with addresses, host names and /dev/shm of
# their own, a real mpirun and TCP between them. Cuts one host off in mid-run and sees the run go on on the other two;
# freezes the one with rank 0 and wakes it up when others have ended its run; adds delay and loss. Compares every
# final checkpoint, byte for byte, with that of a run on one host.
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
    job=(digits --set epochs=30 --set checkpoint.every_steps=20)
  else
    progress "packing MNIST"
    "$program" data pack mnist "$1" -o "$work/packed" >/dev/null
    job=(lenet-mnist --set "data.train=$work/packed/train.safetensors" --set epochs=1
      --set "data.validation=$work/packed/test.safetensors" --set checkpoint.every_steps=50)
  fi
  job+=(--set "virtual_ranks=$ranks")
}

write_hostfile() { printf '%s slots=2\n' "$@" >"$work/hostfile"; } # HOST...

# The three settings let mpirun see a silent host after 2 + 3 x 2 seconds; by default it takes eight minutes.
# The hosts share this machine's cores: ranks that wait must give way.
set_launcher() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_plm_rsh_agent=$work/agent OMPI_MCA_mpi_yield_when_idle=1 TMPDIR=$work
  export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=2
  export OMPI_MCA_oob_tcp_keepalive_probes=3
}

launched() { # PROCESSES COMMAND...: by mpirun on the first host of the hostfile
  local first
  read -r first _ <"$work/hostfile"
  on "$first" timeout --foreground -k 5 100 mpirun --hostfile "$work/hostfile" --bind-to none -n "$@" </dev/null
}

single() { # RUN ARGUMENT...: the same ranks as threads of one process, without MPI
  "$program" train "${job[@]}" --out "$@" >"$work/single.log" 2>&1 ||
    fail "the run on one host failed" "$work/single.log"
}

final_checkpoint() { echo "$1/checkpoints/$(cat "$1/checkpoints/latest")"; } # RUN

same_checkpoint() { # RUN RUN
  local first second
  first=$(final_checkpoint "$1")
  second=$(final_checkpoint "$2")
  [ "${first##*/}" = "${second##*/}" ] || fail "$1 ends with ${first##*/}, $2 with ${second##*/}"
  cmp "$first" "$second" || fail "${1##*/} and ${2##*/} end with different bits"
  progress "${2##*/} ends with the bits of ${1##*/}: ${first##*/}"
}

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
  launched "$ranks" "$program" train "${job[@]}" --out "$work/three-hosts" >"$work/three-hosts.log" 2>&1 ||
    fail "the run on three hosts failed" "$work/three-hosts.log"
  after=$(bytes_received node2)
  progress "trained on three hosts; node2 took in $(((after - before) / 1000)) kB over TCP"
  ((after - before > 1000000)) || fail "too few bytes for gradients: do the ranks talk some other way?"
  same_checkpoint "$work/one-host" "$work/three-hosts"
}

# Trains to the end although a host is lost: dltrain launch sees it and starts again on the others, with three
# processes of two ranks each, the largest number that divides six and that two hosts have room for.
train_surviving() { # RUN [ARGUMENT...]
  on "${hosts[0]}" timeout --foreground -k 5 100 "$program" launch -n "$ranks" --max-restarts 2 --hostfile "$work/hostfile" -- \
    train "${job[@]}" --out "$work/$1" "${@:2}" </dev/null >"$work/$1.log" 2>&1
}

check_lost_host() {
  local survivor cut
  write_hostfile "${hosts[@]}"
  train_surviving survivor &
  survivor=$!
  eventually 60 [ -e "$work/survivor/checkpoints/latest" ] ||
    fail "no checkpoint" "$work/survivor.log"
  cable node3 down
  cut=$EPOCHREALTIME
  progress "cut node3 off after $(cat "$work/survivor/checkpoints/latest")"
  eventually 30 grep -q 'starting again' "$work/survivor.log" ||
    fail "the loss of node3 was not noticed, or the run was over before" "$work/survivor.log"
  progress "the run starts again, $(seconds_since "$cut") s after the cut"
  wait "$survivor" || fail "the run did not survive" "$work/survivor.log"
  grep 'node3 cannot be reached' "$work/survivor.log" || fail "node3 was not left out"
  progress "$(grep -o 'restart 1: .*' "$work/survivor.log" || echo "the cost of the restart was not told")"
  progress "trained to the end on two hosts, $(seconds_since "$cut") s after the cut"
  same_checkpoint "$work/one-host" "$work/survivor"
}

# The daemon of a host that is cut off ends its ranks as mpirun does: none comes back with the network.
check_return() {
  cable node3 up
  eventually 30 has_no_process node3 "$program" || fail "ranks of the lost host go on after its return"
  cmp "$(final_checkpoint "$work/one-host")" "$(final_checkpoint "$work/survivor")" ||
    fail "the run was changed after the return of node3"
  progress "node3 is back, without ranks of the old run"
}

# The hosts' own messages are faster than mpirun where they are to be: every rank ends by them.
check_heartbeats() {
  local survivor cut
  write_hostfile "${hosts[@]}"
  train_surviving heard-of --set watchdog.heartbeat_seconds=3 &
  survivor=$!
  eventually 60 [ -e "$work/heard-of/checkpoints/latest" ] || fail "no checkpoint" "$work/heard-of.log"
  cable node3 down
  cut=$EPOCHREALTIME
  eventually 30 grep -q 'nothing was heard of node3 (ranks 4 and 5) for 3 s' "$work/heard-of.log" ||
    fail "the silence of node3 was not noticed" "$work/heard-of.log"
  progress "node3 is missed by the others, $(seconds_since "$cut") s after the cut"
  eventually 10 has_no_process node3 "$program" || fail "ranks of node3 do not notice that they are cut off"
  wait "$survivor" || fail "the run did not survive" "$work/heard-of.log"
  cable node3 up
  same_checkpoint "$work/one-host" "$work/heard-of"
}

# The host of mpirun and rank 0 stands still, as a paused machine does; its run is ended on the other two. When it wakes
# up, it must not write to the run that is no longer its own.
check_frozen_host() {
  local frozen
  write_hostfile "${hosts[@]}"
  launched "$ranks" "$program" train "${job[@]}" --out "$work/taken-over" >"$work/frozen.log" 2>&1 &
  frozen=$!
  eventually 60 [ -e "$work/taken-over/checkpoints/latest" ] ||
    fail "no checkpoint" "$work/frozen.log"
  everything_on node1 STOP
  cable node1 down
  progress "froze node1, cut off, after $(cat "$work/taken-over/checkpoints/latest")"
  eventually 30 has_no_process node2 "$program" || fail "ranks of node2 do not notice the loss of node1"
  eventually 30 has_no_process node3 "$program" || fail "ranks of node3 do not notice the loss of node1"
  write_hostfile node2 node3
  launched 3 "$program" train "${job[@]}" --out "$work/taken-over" --resume auto >"$work/taken-over.log" 2>&1 ||
    fail "node2 could not take the run over" "$work/taken-over.log"
  progress "node2 and node3 have taken the run over and ended it"
  cable node1 up
  everything_on node1 CONT
  eventually 60 has_no_process node1 "$program" || fail "ranks of node1 go on in a run that is over"
  ! wait "$frozen" || fail "the frozen run thinks that it ended well" "$work/frozen.log"
  same_checkpoint "$work/one-host" "$work/taken-over"
  [ "$(steps_in "$work/taken-over")" = "$(steps_in "$work/one-host")" ] ||
    fail "metrics.jsonl has $(steps_in "$work/taken-over") steps, not $(steps_in "$work/one-host")"
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
  single "$work/short" --stop-at 30
  write_hostfile "${hosts[@]}"
  launched "$ranks" "$program" train "${job[@]}" --stop-at 30 --out "$work/bad-network" >"$work/bad.log" 2>&1 ||
    fail "the run on a bad network failed" "$work/bad.log"
  dropped=$(for_all tc -s qdisc show dev eth0 | awk '/dropped/ { sub(",", "", $7); n += $7 } END { print n + 0 }')
  progress "trained over $spoilt; $dropped packets were lost"
  same_checkpoint "$work/short" "$work/bad-network"
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
  single "$work/one-host"
  progress "trained on one host"
  check_three_hosts
  check_lost_host
  check_return
  check_heartbeats
  check_frozen_host
  check_bad_network
  echo "$trial: passed"
}

main "$@"
