#!/usr/bin/env bash
# Runs the commands that the documents show: every ```sh block of README.md, CONTRIBUTING.md and docs/, from the top
# folder.
# A block that follows a line <!-- not run: REASON --> is left out. What a block exports holds for those after it, as
# in the shell of a reader who begins with README.md; nothing else is set for them. A block, of ```python too, that follows
# <!-- needs: MODULE... --> runs where Python has these modules.
#
#   [DLTRAIN_PYTHON=PYTHON] scripts/check-docs.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
blocks=$(mktemp -d)
trap 'rm -rf "$blocks"' EXIT

unset "${!OMPI_@}"
environment=$blocks/environment
export -p >"$environment"
# shellcheck disable=SC2016 # the inner shell expands them
run_block='source "$1"; source "$2"; export -p >"$1"'

if (($# == 0)); then
  shopt -s nullglob
  for file in README.md CONTRIBUTING.md docs/*.md docs/adding/*.md; do [ ! -f "$file" ] || set -- "$@" "$file"; done
fi

# One file per block, named by document and line, in the order of the documents.
awk -v folder="$blocks" '
  FNR == 1 { document = FILENAME; gsub("/", "%", document); skipped = 0; inside = 0; needs = "" }
  inside && /^[ ]*```[ ]*$/ { inside = 0; close(target); next }
  inside { if (target != "") print > target; next }
  /^[ ]*```/ {
    inside = 1
    target = ""
    isPython = $0 ~ /^[ ]*```python[ ]*$/ && needs != ""
    if (($0 ~ /^[ ]*```sh[ ]*$/ || isPython) && !skipped) {
      target = sprintf("%s/%04d:%s:%d%s", folder, ++number, document, FNR, isPython ? ".py" : "")
      printf "%s", needs == "" ? "" : "# needs: " needs "\n" > target
    }
    skipped = 0
    needs = ""
    next
  }
  /<!-- not run: .+ -->/ { skipped = 1; next }
  /<!-- needs: .+ -->/ { needs = $0; gsub(/.*<!-- needs: | -->.*/, "", needs); next }
  /[^ ]/ { skipped = 0; needs = "" }
' "$@" /dev/null

# Seconds after which a block hangs: for a machine under load, since nothing is measured by it.
limit=3600
python=${DLTRAIN_PYTHON:-python3}
code=0
for block in "$blocks"/*:*; do
  [ -e "$block" ] || continue
  name=${block##*/}
  name=${name#*:}
  name=${name//%//}
  needs=$(sed -n '1s/^# needs: //p' "$block")
  if [ -n "$needs" ] && ! "$python" -c "import ${needs// /, }" 2>/dev/null; then
    echo "$name: left out, no Python with $needs"
    continue
  fi
  echo "$name: $(grep -v '^# needs: ' "$block" | head -n 1)"
  command=(bash -euo pipefail -c "$run_block" "$name" "$environment" "$block")
  [ "${name%.py}" = "$name" ] || command=("$python" "$block")
  if ! output=$(timeout -k 5 "$limit" "${command[@]}" 2>&1 </dev/null); then
    printf '%s\n' "$output" | tail -n 30
    echo "check-docs: $name: failed" >&2
    code=1
  fi
done
exit "$code"
