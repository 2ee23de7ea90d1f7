#!/usr/bin/env bash
# Installs the built wheel alone, without extras, and runs the tutorials' commands with it.
#   scripts/wheel_smoke.sh [WHEEL]
set -euo pipefail
cd "$(dirname "$0")/.."

wheel="${1:-$(ls dist/assay-*.whl)}"
room="$(mktemp -d)"
trap 'rm -rf "$room"' EXIT

.venv/bin/python -m venv "$room/venv"
"$room/venv/bin/python" -m pip install --quiet "$wheel"
"$room/venv/bin/python" -m pip check
"$room/venv/bin/assay" --version
for page in docs/tutorial.md docs/first-release.md; do
  .venv/bin/python tests/tutorial_runner.py "$page" "$room/venv/bin/assay"
done
