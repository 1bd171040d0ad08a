#!/bin/bash
# Compares the trainer with the PyTorch that is installed, on weights that the golden file does not hold.
# Usage: torch_live_test.sh TRAINER_TORCH_TEST       exits with 77 where PyTorch is not installed
set -euo pipefail

oracle="$(dirname "${BASH_SOURCE[0]}")/../golden/trainer/torch_oracle.py"
golden="$(mktemp)"
trap 'rm -f "$golden"' EXIT

command -v /usr/bin/python3 > /dev/null || exit 77
/usr/bin/python3 "$oracle" 20 "$golden" || exit $?
LEHR_TORCH_GOLDEN="$golden" "$1"
