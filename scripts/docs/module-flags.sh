#!/usr/bin/env bash
# Prints the options, one a line, by which Swift's tools find the modules that a build has left, and the C modules
# below them.
#
#   scripts/docs/module-flags.sh BINARIES     as `swift build --show-bin-path` says
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binaries=$1
printf '%s\n' -I "$binaries/Modules"
for map in Sources/C*/module.modulemap "$binaries"/*.build/module.modulemap \
  .build/checkouts/*/Sources/C*/include/module.modulemap; do
  [ ! -e "$map" ] || printf '%s\n' -Xcc "-fmodule-map-file=$(realpath "$map")"
done
read -ra flags < <(pkg-config --cflags openblas ompi-c zlib libturbojpeg libpng)
for flag in "${flags[@]}"; do printf '%s\n' -Xcc "$flag"; done
