#!/usr/bin/env bash
# Remakes every golden file under Tests/GoldenTests/Golden.
# Takes $PYTHON (python3) where it has the pinned versions, else a virtual environment under .build.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}

has_versions() {
  "$1" - <<'END' 2>/dev/null
import re, sys
from importlib.metadata import version
wanted = re.findall(r"^([\w.-]+)==(\S+)$", open("requirements.txt").read(), re.M)
sys.exit(any(version(name).split("+")[0] != pinned.split("+")[0] for name, pinned in wanted))
END
}

if ! has_versions "$python"; then
  venv=../../.build/golden-venv
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  python=$venv/bin/python
  has_versions "$python" || "$python" -m pip install --quiet -r requirements.txt
fi

for script in make_*.py; do
  "$python" "$script"
done
