# shellcheck shell=bash disable=SC2154 # the test that sources it sets hosts, work and program
# Sourced by the tests that try dltrain on hosts and clusters of their own: what they say, and how they wait.

trial=$(basename "$0" .sh)

progress() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
skip() {
  echo "$trial: skipped: $*"
  exit 0
}
fail() { # MESSAGE [LOG...]: ends the test, with what the logs say last
  echo "$trial: $1" >&2
  (($# == 1)) || tail -n 20 "${@:2}" >&2 || true
  exit 1
}
require_program() {
  [ -x "$program" ] || fail "$program: no such program; swift build -c release --product dltrain"
}
seconds_since() { awk -v start="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - start }'; }

eventually() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}
