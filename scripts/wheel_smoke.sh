#!/usr/bin/env bash
# Installs the built wheel alone, without extras, and runs the tutorial's commands with it.
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
.venv/bin/python tests/tutorial_runner.py docs/tutorial.md "$room/venv/bin/assay"
