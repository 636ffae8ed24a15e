#!/usr/bin/env bash
# Trains under Slurm on a cluster of one node that lives in a temporary folder: submits scripts/examples/job.sbatch,
# stops it in mid-run by the signal that Slurm sends before a time limit, and once more by `scontrol requeue`, sees it
# go on from its checkpoint both times, and compares the final checkpoint with an undisturbed run, byte for byte.
#
#   scripts/slurm-test.sh
#
# Installs Debian's slurm-wlm and munge where they are missing. Wants root, but neither systemd nor cgroups; where
# something is missing it says so and ends with 0. Ends all its daemons. DLTRAIN names the program,
# .build/release/dltrain otherwise.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath -m "${DLTRAIN:-$root/.build/release/dltrain}")
# shellcheck source=scripts/lib/trial.sh
source "$root/scripts/lib/trial.sh"

work=""
daemons=()
limit=900              # seconds after which something hangs

# --- the cluster -------------------------------------------------------------------------------------------------

require() {
  ((EUID == 0)) || skip "only root may start Slurm's daemons here"
  require_program
  # Of several names `command -v` is content with one.
  if ! { command -v slurmctld && command -v slurmd && command -v sbatch && command -v munged; } >/dev/null; then
    command -v apt-get >/dev/null || skip "Slurm is missing, and so is apt-get to install it"
    install || skip "apt-get could not install slurm-wlm and munge"
  fi
}

# Without starting the services of the packages.
install() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  progress "installing slurm-wlm and munge"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq install -y --no-install-recommends slurm-wlm munge >/dev/null 2>&1
)

write_configuration() {
  local node port=$((20000 + $$ % 10000))
  node=$(hostname -s)
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthInfo=socket=$work/munge.socket,cred_expire=5
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
KillWait=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=2
PartitionName=test Nodes=ALL Default=YES
CONF
}

daemon() { # NAME ARGUMENT...
  "$@" >"$work/$1.log" 2>&1 &
  daemons=($! "${daemons[@]}") # the last one is ended first
}

start_cluster() {
  mkdir "$work/state" "$work/spool"
  (umask 077 && head -c 128 /dev/urandom >"$work/munge.key")
  daemon munged --foreground --force --socket="$work/munge.socket" --key-file="$work/munge.key" \
    --pid-file="$work/munged.pid" --seed-file="$work/munge.seed" --log-file="$work/munge.log"
  eventually "$limit" test -S "$work/munge.socket" || fail "munged does not start" "$work/munged.log"
  daemon slurmctld -D -c
  daemon slurmd -D -c
  eventually "$limit" node_is_idle || fail "Slurm does not start" "$work/slurmctld.log" "$work/slurmd.log"
  srun --mpi=list 2>&1 | grep -w pmix >/dev/null || skip "this Slurm has no --mpi=pmix, which Open MPI needs to start by srun"
}
node_is_idle() { [ "$(sinfo -h -o %t 2>/dev/null)" = idle ]; }

clean_up() {
  local pid
  if [ -n "${job:-}" ]; then
    scancel "$job" 2>/dev/null || true
    eventually 60 node_is_idle || true
  fi
  for pid in "${daemons[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  [ -z "$work" ] || rm -rf "$work"
}

# --- the job -----------------------------------------------------------------------------------------------------

field() { scontrol --oneliner show job "$job" | tr ' ' '\n' | sed -n "s/^$1=//p"; } # NAME
starts_of_steps() { grep -c '^digits: ' "$log" || true; }
step() { sed -E 's/.*step-0*([0-9]+).*/\1/' "$work/runs/slurm-$job/checkpoints/latest" 2>/dev/null || echo 0; }
is_past() { (($(step) > $1)) || is_over; } # STEP
is_over() { [[ $(field JobState) =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT)$ ]]; }
has_restarted() { # TIMES
  is_over || { [ "$(field Restarts)" = "$1" ] && [ "$(starts_of_steps)" = $(($1 + 1)) ]; }
}

# Stands for the program: a job that has no end of its own goes on for so many steps after its last checkpoint once the
# file `rest` says so. The ranks of a start find the same checkpoint there: none trains before all are there.
write_program() {
  cat >"$work/dltrain" <<PROGRAM
#!/usr/bin/env bash
rest=()
if [ -e "$work/rest" ]; then
  latest=\$(sed -E 's/.*step-0*([0-9]+).*/\1/' "$work/runs/slurm-\$SLURM_JOB_ID/checkpoints/latest")
  rest=(--stop-at \$((latest + \$(cat "$work/rest"))))
fi
exec "$program" "\$@" "\${rest[@]}"
PROGRAM
  chmod +x "$work/dltrain"
}

submit() {
  job=$(sbatch --parsable --chdir="$work" "$root/scripts/examples/job.sbatch" \
    digits --set epochs=1e6 --set checkpoint.every_steps=10)
  log=$work/dltrain-$job.log
  progress "submitted job $job"
}

# Waits for a checkpoint after STEP, ends the job's processes by COMMAND, waits until they have been started again.
disturb() { # TIMES STEP COMMAND...
  eventually "$limit" is_past "$2" || fail "job $job gets nowhere" "$log" "$work/slurmctld.log"
  ! is_over || fail "job $job has ended as $(field JobState)" "$log"
  "${@:3}" || fail "${*:3} failed" "$work/slurmctld.log"
  progress "at step $(step): ${*:3}"
  # A job that was requeued waits until its credential has expired: two minutes by default.
  eventually "$limit" has_restarted "$1" || fail "job $job does not start again" "$log" "$work/slurmctld.log"
  progress "$(grep -o 'going on from step [0-9]*' "$log" | tail -n 1)"
}

train_disturbed() {
  submit
  disturb 1 0 scancel --signal=USR1 "$job"
  echo 200 >"$work/rest"
  disturb 2 "$(step)" scontrol requeue "$job"
  eventually "$limit" is_over || fail "job $job does not end" "$log"
  [ "$(field JobState)" = COMPLETED ] || fail "job $job ends as $(field JobState)" "$log"
  (($(grep -c 'going on from step' "$log") == 2)) || fail "job $job did not go on from its checkpoint twice" "$log"
  progress "job $job has ended well: $(grep '^validation accuracy' "$log" | tail -n 1)"
}

check_bits() {
  local one two
  "$program" train digits --ranks 2 --set epochs=1e6 --set checkpoint.every_steps=10 --stop-at "$(step)" \
    --out "$work/undisturbed" >"$work/undisturbed.log"
  one=$work/undisturbed/checkpoints
  two=$work/runs/slurm-$job/checkpoints
  cmp "$one/$(cat "$one/latest")" "$two/$(cat "$two/latest")" || fail "the job and an undisturbed run differ"
  progress "the same bits as an undisturbed run: $(cat "$two/latest")"
}

main() {
  require
  trap clean_up EXIT
  trap 'exit 1' INT TERM
  work=$(mktemp -d)
  export SLURM_CONF=$work/slurm.conf DLTRAIN=$work/dltrain OMPI_MCA_mpi_yield_when_idle=1
  write_configuration
  write_program
  start_cluster
  progress "Slurm $(slurmd -V | cut -d ' ' -f 2) runs on this machine"
  train_disturbed
  check_bits
  echo "$trial: passed"
}

main
