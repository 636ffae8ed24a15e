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

hosts=(node1 node2 node3)
ranks=6                # two on each host
mark=dl$$              # begins the names of our namespaces
switch=$mark-switch    # holds the bridge: nothing is added to the machine's own network
work=""

progress() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
skip() {
  echo "multihost-test: skipped: $*"
  exit 0
}
fail() {
  echo "multihost-test: $*" >&2
  exit 1
}
seconds_since() { awk -v start="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - start }'; }

eventually() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

# --- the hosts ---------------------------------------------------------------------------------------------------

clean_up() {
  local name
  jobs -p | xargs -r kill || true
  for name in "${hosts[@]/#/$mark-}" "$switch"; do
    [ -e "/run/netns/$name" ] || continue
    ip netns pids "$name" | xargs -r kill -9 || true
    ip netns delete "$name" || true
  done
  wait || true
  [ -z "$work" ] || rm -rf "$work"
}

require() {
  local tool
  ((EUID == 0)) || skip "only root may make network namespaces"
  for tool in ip unshare nsenter mpirun; do
    command -v "$tool" >/dev/null || skip "$tool is missing (Debian: iproute2, util-linux, openmpi-bin)"
  done
  [ -x "$program" ] || fail "$program: no such program; swift build -c release --product dltrain"
  unshare --uts --mount true 2>/dev/null || skip "this machine does not allow namespaces"
}

make_switch() {
  ip netns add "$switch" 2>/dev/null || skip "this machine does not allow network namespaces"
  ip -n "$switch" link add bridge type bridge 2>/dev/null || skip "this kernel has no bridge"
  ip -n "$switch" link set bridge up
}

make_host() { # NAME NUMBER: a namespace with a cable to the switch, and a process that holds it
  local name=$1 number=$2
  ip netns add "$mark-$name"
  ip -n "$switch" link add "$name" type veth peer name eth0 netns "$mark-$name" 2>/dev/null ||
    skip "this kernel has no veth pairs"
  ip -n "$switch" link set "$name" master bridge up
  ip -n "$mark-$name" address add "10.77.0.$number/24" dev eth0
  ip -n "$mark-$name" link set lo up
  ip -n "$mark-$name" link set eth0 up
  echo "10.77.0.$number $name" >>"$work/etc-hosts"
  # shellcheck disable=SC2016 # the inner shell expands them
  ip netns exec "$mark-$name" unshare --uts --mount bash -euc '
    hostname "$1"
    mount --bind "$2/etc-hosts" /etc/hosts
    mount -t tmpfs -o size=64m tmpfs /dev/shm
    touch "$2/$1.ready"
    exec sleep infinity' host "$name" "$work" &
  echo $! >"$work/$name.pid"
  disown # no message about its end
}

make_hosts() {
  local number name
  echo "127.0.0.1 localhost" >"$work/etc-hosts"
  make_switch
  for number in "${!hosts[@]}"; do make_host "${hosts[number]}" $((number + 1)); done
  for name in "${hosts[@]}"; do
    eventually 10 [ -e "$work/$name.ready" ] || skip "this machine does not allow an own host name and /dev/shm"
  done
}

on() { # HOST COMMAND...
  nsenter --target "$(cat "$work/$1.pid")" --net --uts --mount --wd="$work" "${@:2}"
}

# Stands for ssh: takes HOST COMMAND..., reaches no host that does not answer on the network.
make_agent() {
  cat >"$work/agent" <<AGENT
#!/usr/bin/env bash
host=\$1
shift
answer=\$(timeout 5 bash -c ": </dev/tcp/\$host/22" 2>&1) || [[ \$answer == *refused* ]] ||
  { echo "\$host does not answer" >&2; exit 255; }
exec nsenter --target "\$(cat "$work/\$host.pid")" --net --uts --mount --wd="$work" /bin/sh -c "\$*"
AGENT
  chmod +x "$work/agent"
}

cable() { ip -n "$switch" link set "$1" "$2"; } # HOST up|down
bytes_received() { on "$1" cat /sys/class/net/eth0/statistics/rx_bytes; }

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
    fail "the run on one host failed: $(tail -n 20 "$work/single.log")"
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
    fail "the run on three hosts failed: $(tail -n 20 "$work/three-hosts.log")"
  after=$(bytes_received node2)
  progress "trained on three hosts; node2 took in $(((after - before) / 1000)) kB over TCP"
  ((after - before > 1000000)) || fail "too few bytes for gradients: do the ranks talk some other way?"
  same_checkpoint "$work/one-host" "$work/three-hosts"
}

# Trains to the end although a host is lost: dltrain launch sees it and starts again on the others, with three
# processes of two ranks each, the largest number that divides six and that two hosts have room for.
train_surviving() {
  if ! has_launch; then
    train_surviving_by_hand
    return
  fi
  on "${hosts[0]}" timeout --foreground -k 5 100 "$program" launch -n "$ranks" --max-restarts 2 --hostfile "$work/hostfile" -- \
    train "${job[@]}" --out "$work/survivor" </dev/null >"$work/survivor.log" 2>&1
}

has_launch() { "$program" --help | grep -q '^  launch '; }
train_surviving_by_hand() {
  launched "$ranks" "$program" train "${job[@]}" --out "$work/survivor" >"$work/survivor.log" 2>&1 && return
  on "${hosts[0]}" "$work/agent" node3 true || echo "node3 cannot be reached" >>"$work/survivor.log"
  write_hostfile node1 node2
  echo "starting again" >>"$work/survivor.log"
  launched 3 "$program" train "${job[@]}" --out "$work/survivor" --resume auto >>"$work/survivor.log" 2>&1
}

check_lost_host() {
  local survivor cut
  write_hostfile "${hosts[@]}"
  train_surviving &
  survivor=$!
  eventually 60 [ -e "$work/survivor/checkpoints/latest" ] ||
    fail "no checkpoint: $(tail -n 20 "$work/survivor.log")"
  cable node3 down
  cut=$EPOCHREALTIME
  progress "cut node3 off after $(cat "$work/survivor/checkpoints/latest")"
  eventually 30 grep -q 'starting again' "$work/survivor.log" ||
    fail "the loss of node3 was not noticed, or the run was over before: $(tail -n 20 "$work/survivor.log")"
  progress "the run starts again, $(seconds_since "$cut") s after the cut"
  wait "$survivor" || fail "the run did not survive: $(tail -n 40 "$work/survivor.log")"
  grep 'node3 cannot be reached' "$work/survivor.log" || fail "node3 was not left out"
  progress "trained to the end on two hosts, $(seconds_since "$cut") s after the cut"
  same_checkpoint "$work/one-host" "$work/survivor"
}

# The daemon of a host that is cut off ends its ranks as mpirun does: none comes back with the network.
check_return() {
  cable node3 up
  eventually 30 has_no_ranks node3 || fail "ranks of the lost host go on after its return"
  cmp "$(final_checkpoint "$work/one-host")" "$(final_checkpoint "$work/survivor")" ||
    fail "the run was changed after the return of node3"
  progress "node3 is back, without ranks of the old run"
}
has_no_ranks() { ! ip netns pids "$mark-$1" | xargs -r ps -o args= -p | grep -q "^$program"; } # HOST

everything_on() { # HOST SIGNAL: to all its processes but the one that holds the namespaces
  ip netns pids "$mark-$1" | grep -vx "$(cat "$work/$1.pid")" | xargs -r kill -"$2" 2>/dev/null || true
}

# The host of mpirun and rank 0 stands still, as a paused machine does; its run is ended on the other two. When it wakes
# up, it must not write to the run that is no longer its own.
check_frozen_host() {
  local frozen
  if ! has_launch; then
    progress "skipped: a frozen host, as this program has no lease on its run folder"
    return
  fi
  write_hostfile "${hosts[@]}"
  launched "$ranks" "$program" train "${job[@]}" --out "$work/taken-over" >"$work/frozen.log" 2>&1 &
  frozen=$!
  eventually 60 [ -e "$work/taken-over/checkpoints/latest" ] ||
    fail "no checkpoint: $(tail -n 20 "$work/frozen.log")"
  everything_on node1 STOP
  cable node1 down
  progress "froze node1, cut off, after $(cat "$work/taken-over/checkpoints/latest")"
  eventually 30 has_no_ranks node2 || fail "ranks of node2 do not notice the loss of node1"
  eventually 30 has_no_ranks node3 || fail "ranks of node3 do not notice the loss of node1"
  write_hostfile node2 node3
  launched 3 "$program" train "${job[@]}" --out "$work/taken-over" --resume auto >"$work/taken-over.log" 2>&1 ||
    fail "node2 could not take the run over: $(tail -n 20 "$work/taken-over.log")"
  progress "node2 and node3 have taken the run over and ended it"
  cable node1 up
  everything_on node1 CONT
  eventually 60 has_no_ranks node1 || fail "ranks of node1 go on in a run that is over"
  ! wait "$frozen" || fail "the frozen run thinks that it ended well: $(tail -n 20 "$work/frozen.log")"
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
    fail "the run on a bad network failed: $(tail -n 20 "$work/bad.log")"
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
  require
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
  check_frozen_host
  check_bad_network
  echo "multihost-test: passed"
}

main "$@"
