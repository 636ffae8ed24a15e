# shellcheck shell=bash
# Sourced by scripts that build before they do anything else.

quiet_build() { # LOG OPTION...: swift build, of which only the errors are shown
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! swift build "$@" >"$log" 2>&1; then
    grep -E 'error' "$log" >&2 || tail -n 20 "$log" >&2
    return 1
  fi
}
