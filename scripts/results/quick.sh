#!/usr/bin/env bash
# Two steps of every recipe and study of the course, on random data of a few rows in the formats of the real files.
#
#   scripts/results/quick.sh [OPTION...]     options of all.sh, as --only NAME... or --ranks N
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" "$here/tiny_data.py" "$folder/data"
"$here/all.sh" "$folder/data" --out "$folder/course" --quick "$@"
