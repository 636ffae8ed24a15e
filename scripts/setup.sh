#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready to build and run dltrain; quiet when nothing is to do.
#
#   scripts/setup.sh [PACKAGE...]      also installs these packages
#
# Sourced, it puts a Swift toolchain on PATH and defines mpi_options. Nothing is changed where Swift,
# apt-get or the right to use it is missing.
set -euo pipefail

setup_stop() {
  printf 'dltrain: %s\n' "$@" >&2
  exit 1
}

# Swift 6.1 or later, from PATH or from where the usual installers put it.
setup_swift() {
  local folder version major minor found=""
  for folder in "" "${HOME:-}/.local/share/swiftly/bin" /usr/local/swift/usr/bin; do
    [ -x "${folder:-/nonexistent}/swift" ] || [ -z "$folder" ] || continue
    version=$("${folder:+$folder/}swift" --version 2>/dev/null) || continue
    read -r major minor < <(
      sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' <<<"$version" | head -n 1) || continue
    found=$major.$minor
    if ((major > 6 || (major == 6 && minor >= 1))); then
      [ -z "$folder" ] || export PATH="$folder:$PATH"
      return
    fi
  done
  setup_stop "${found:+Swift $found is too old. }Swift 6.1 or later is needed, and nothing was changed." \
    "Get it from https://www.swift.org/install/linux/ and put its usr/bin on PATH, then run this again."
}

setup_packages() {
  local package missing=() runner=()
  if ! command -v dpkg-query >/dev/null; then
    if pkg-config --exists openblas ompi-c zlib libturbojpeg libpng 2>/dev/null && command -v mpirun >/dev/null; then
      return
    fi
    setup_stop "this is not Debian or Ubuntu, and nothing was changed. Install with your package manager:" \
      "OpenBLAS, Open MPI, zlib, libjpeg-turbo (TurboJPEG) and libpng with their headers and pkg-config files," \
      "git and a C++ compiler."
  fi
  for package in "$@"; do
    [ -n "$package" ] || continue
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    setup_stop "apt-get is missing, and nothing was changed. These packages are needed: ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      setup_stop "neither root nor sudo, and nothing was changed. As root, run:" \
        "apt-get update && apt-get install -y ${missing[*]}"
    runner=(sudo)
  fi
  echo "Installing ${missing[*]}"
  runner+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  "${runner[@]}" update || setup_stop "apt-get update failed; see above"
  "${runner[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    setup_stop "apt-get install failed; see above. Wanted: ${missing[*]}"
}

# Sets the array mpi_options to what mpirun needs for N processes on this machine, and its environment.
mpi_options() {
  local cores
  # mpirun counts cores, not hardware threads, and only those that this process may use.
  cores=$(lscpu -p=core,socket 2>/dev/null | grep -v '^#' | sort -u | wc -l) || cores=0
  if ((cores == 0 || cores > $(nproc))); then cores=$(nproc); fi
  # Bound to a core, the threads of a process would share it.
  mpi_options=(--bind-to none)
  if (($1 > cores)); then mpi_options+=(--oversubscribe); fi
  if ((EUID == 0)); then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

setup_swift
setup_packages libopenblas-dev libopenmpi-dev openmpi-bin zlib1g-dev libturbojpeg0-dev \
  libpng-dev pkg-config git ca-certificates binutils g++ libc6-dev "$@"
