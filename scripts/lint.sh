#!/usr/bin/env bash
# Checks the format of every Swift and C file, the shell scripts, and that our own sources build without a warning.
#
#   scripts/lint.sh                   makes a debug build of what has changed, then checks everything
#   scripts/lint.sh --format          checks what needs no build: formats, shell scripts, code that the documents quote
#   scripts/lint.sh --warnings LOG    checks this log of a build that --mark-changed preceded
#   scripts/lint.sh --mark-changed    makes the next build compile our sources anew if any has changed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh
mkdir -p .build
stamp=.build/free-of-warnings
code=0

# An incremental build repeats no warning of a file that it does not compile again.
mark_changed() {
  if [ ! -e "$stamp" ] || [ -n "$(find Package.swift Sources Tests -newer "$stamp" -print -quit)" ]; then
    rm -f "$stamp"
    find Sources Tests \( -name '*.swift' -o -name '*.c' \) -exec touch {} +
  fi
}

check_warnings() { # BUILD_LOG
  if grep -E "^($PWD/)?(Sources|Tests|Package\.swift)[^ ]*: warning:" "$1" | sort -u; then
    echo "lint: warnings in our own sources" >&2
    code=1
  fi
}

files() { git ls-files -z --cached --others --exclude-standard -- "$@"; } # PATTERN...

# What a protocol says of a requirement is not said again where the package's own types meet it.
check_comments() {
  files 'Sources/*.swift' | xargs -0 awk -f scripts/lib/comments.awk || code=1
}

# Swift's zip ends with the shorter side, so that a test over it may compare nothing: `zipped` and `compared` say so.
check_pairs() {
  if files 'Tests/*.swift' | xargs -0 grep -nE '\bzip\(' |
    grep -vE 'dropFirst\(\)|arguments: zip|^Tests/DLTestSupport/|print\('; then
    echo "lint: zip in a test: take zipped or compared of DLTestSupport" >&2
    code=1
  fi
}

check_formats() {
  local file text
  files '*.swift' | xargs -0 swift format lint --strict --configuration .swift-format || code=1
  if command -v clang-format >/dev/null; then
    # Bodies for two element types (.inc) are C as well.
    while IFS= read -r -d '' file; do
      text=$(clang-format --assume-filename="${file%.*}.c" <"$file")
      if [ "$text" != "$(<"$file")" ]; then
        echo "lint: $file: not as .clang-format says" >&2
        code=1
      fi
    done < <(files 'Sources/C*.c' 'Sources/C*.h' 'Sources/C*.inc' 'Tests/*.c')
  else
    echo "lint: warning: clang-format is missing: the C files were not checked" >&2
  fi
  if command -v shellcheck >/dev/null; then
    files '*.sh' .ci/run | xargs -0 shellcheck -x || code=1
  else
    echo "lint: warning: shellcheck is missing: the shell scripts were not checked" >&2
  fi
  check_comments
  check_pairs
  scripts/docs/check-code.py quotes || code=1
}

case "${1:-}" in
  --mark-changed) mark_changed ;;
  --format) check_formats ;;
  --warnings)
    check_warnings "$2"
    ((code != 0)) || touch "$stamp"
    ;;
  "")
    # Warnings of files that an earlier build compiled are left to the whole build of scripts/test.sh.
    quiet_build .build/lint-build.log --build-tests
    check_warnings .build/lint-build.log
    check_formats
    ;;
  *) echo "usage: scripts/lint.sh [--format|--warnings LOG|--mark-changed]" >&2 && exit 64 ;;
esac
exit "$code"
