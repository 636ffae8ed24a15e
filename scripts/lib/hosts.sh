# shellcheck shell=bash disable=SC2154 # the test that sources it sets hosts, work and program
# Sourced: hosts as network namespaces, each with an address, a host name and /dev/shm of its own. Needs trial.sh; $hosts
# has the names, $work the folder that belongs to the test.

mark=dl$$              # begins the names of our namespaces
switch=$mark-switch    # holds the bridge: nothing is added to the machine's own network

remove_hosts() {
  local name
  jobs -p | xargs -r kill || true
  for name in "${hosts[@]/#/$mark-}" "$switch"; do
    [ -e "/run/netns/$name" ] || continue
    ip netns pids "$name" | xargs -r kill -9 || true
    ip netns delete "$name" || true
  done
  wait || true
}

require_namespaces() {
  local tool
  ((EUID == 0)) || skip "only root may make network namespaces"
  for tool in ip unshare nsenter; do
    command -v "$tool" >/dev/null || skip "$tool is missing (Debian: iproute2, util-linux)"
  done
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
    eventually 300 [ -e "$work/$name.ready" ] || skip "this machine does not allow an own host name and /dev/shm"
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
answer=\$(timeout 60 bash -c ": </dev/tcp/\$host/22" 2>&1) || [[ \$answer == *refused* ]] ||
  { echo "\$host does not answer" >&2; exit 255; }
exec nsenter --target "\$(cat "$work/\$host.pid")" --net --uts --mount --wd="$work" /bin/sh -c "\$*"
AGENT
  chmod +x "$work/agent"
}

cable() { ip -n "$switch" link set "$1" "$2"; } # HOST up|down
bytes_received() { on "$1" cat /sys/class/net/eth0/statistics/rx_bytes; }
has_no_process() { ! ip netns pids "$mark-$1" | xargs -r ps -o args= -p | grep "^$2" >/dev/null; } # HOST PROGRAM
program_on() { # HOST VERB: the processes of the program that run a verb
  ip netns pids "$mark-$1" | xargs -r ps -o pid=,args= -p | awk -v program="$program" -v verb="$2" \
    '$2 == program && $3 == verb { print $1 }'
}
everything_on() { # HOST SIGNAL: to all its processes but the one that holds the namespaces
  ip netns pids "$mark-$1" | grep -vx "$(cat "$work/$1.pid")" | xargs -r kill -"$2" 2>/dev/null || true
}
