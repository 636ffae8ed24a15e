#!/usr/bin/env bash
# Makes the documentation site: what programs import as DLTrain, the guides of docs/, and the reference of keys, commands
# and exit codes as the program itself prints it. A warning of DocC is an error.
#
#   scripts/docs.sh                        to .build/docs
#   scripts/docs.sh FOLDER                 to another folder, which is replaced
#   CONFIGURATION=release scripts/docs.sh  from the modules of a release build
#   BASE_PATH=dltrain scripts/docs.sh      for a server that has the site under /dltrain
#
# To read it: python3 -m http.server -d .build/docs, and http://localhost:8000/documentation/dltrain
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=$(realpath -m "${1:-.build/docs}")
# Without an argument of its own, the sourced script would see ours.
# shellcheck source=scripts/setup.sh
source scripts/setup.sh python3
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh
if [ -e "$output" ] && [ ! -e "$output/metadata.json" ]; then
  echo "docs: $output: is there, and no documentation site" >&2
  exit 64
fi

work=$PWD/.build/docs-work
rm -rf "$work"
mkdir -p "$work/symbols" "$work/DLTrain.docc"
configuration=${CONFIGURATION:-debug}
echo "Building dltrain ($configuration)"
quiet_build "$work/build.log" -c "$configuration"
binaries=$(swift build -c "$configuration" --show-bin-path)

# The symbols of all modules that DLTrain exports again, as one module: what a program sees that imports it.
modules=$(sed -n 's/^@_exported import //p' Sources/DLTrain/*.swift | paste -sd ,)
mapfile -t flags < <(scripts/docs/module-flags.sh "$binaries")
target=$(swift -print-target-info | sed -nE 's/^ *"unversionedTriple": "([^"]*)".*/\1/p')
swift symbolgraph-extract -module-name DLTrain -target "$target" "${flags[@]}" \
  -minimum-access-level public -skip-synthesized-members -omit-extension-block-symbols \
  "-experimental-allowed-reexported-modules=$modules" -output-dir "$work/symbols"

scripts/docs/catalogue.py --symbols "$work/symbols/DLTrain.symbols.json" --program "$binaries/dltrain" \
  --output "$work/DLTrain.docc"

code=0
docc convert "$work/DLTrain.docc" --additional-symbol-graph-dir "$work/symbols" \
  --fallback-display-name dltrain --fallback-bundle-identifier dltrain \
  --warnings-as-errors --transform-for-static-hosting ${BASE_PATH:+--hosting-base-path "$BASE_PATH"} \
  --output-path "$work/site" >"$work/docc.log" 2>&1 || code=$?
if ((code != 0)); then
  cat "$work/docc.log" >&2
  exit "$code"
fi
# The first page is not at the root of the site.
cat >"$work/site/index.html" <<'HTML'
<!doctype html>
<meta http-equiv="refresh" content="0; url=documentation/dltrain/">
<a href="documentation/dltrain/">dltrain</a>
HTML
rm -rf "$output"
mkdir -p "$(dirname "$output")"
mv "$work/site" "$output"
echo "$(find "$output/data" -name '*.json' | wc -l) pages in $output"
