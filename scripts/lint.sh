#!/usr/bin/env bash
# Checks the format of every Swift and C file, the shell scripts, and that our own sources build without a warning.
#
#   scripts/lint.sh                 makes a debug build of what has changed, then checks
#   scripts/lint.sh BUILD_LOG       checks this log of a build that --mark-changed preceded
#   scripts/lint.sh --mark-changed  makes the next build compile our sources anew if any has changed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .build
stamp=.build/free-of-warnings

# An incremental build repeats no warning of a file that it does not compile again.
mark_changed() {
  if [ ! -e "$stamp" ] || [ -n "$(find Package.swift Sources Tests -newer "$stamp" -print -quit)" ]; then
    rm -f "$stamp"
    find Sources Tests \( -name '*.swift' -o -name '*.c' \) -exec touch {} +
  fi
}

if [ "${1:-}" = --mark-changed ]; then
  mark_changed
  exit 0
fi

log=${1:-}
if [ -z "$log" ]; then
  # Warnings of files that an earlier build compiled are left to the whole build of scripts/test.sh.
  log=.build/lint-build.log
  swift build --build-tests >"$log" 2>&1 || { grep error "$log" >&2; exit 1; }
fi

code=0
if grep -E "^($PWD/)?(Sources|Tests|Package\.swift)[^ ]*: warning:" "$log" | sort -u; then
  echo "lint: warnings in our own sources" >&2
  code=1
fi
git ls-files -z --cached --others --exclude-standard -- '*.swift' |
  xargs -0 swift format lint --strict --configuration .swift-format || code=1
if command -v clang-format >/dev/null; then
  # Bodies for two element types (.inc) are C as well.
  while IFS= read -r file; do
    text=$(clang-format --assume-filename="${file%.*}.c" <"$file")
    if [ "$text" != "$(<"$file")" ]; then
      echo "lint: $file: not as .clang-format says" >&2
      code=1
    fi
  done < <(git ls-files --cached --others --exclude-standard -- 'Sources/C*.c' 'Sources/C*.h' 'Sources/C*.inc' 'Tests/*.c')
fi
if command -v shellcheck >/dev/null; then
  git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run |
    xargs -0 shellcheck -x || code=1
fi
((code != 0)) || [ -z "${1:-}" ] || touch "$stamp"
exit "$code"
