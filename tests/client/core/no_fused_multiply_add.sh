#!/bin/sh
# Usage: no_fused_multiply_add.sh OBJDUMP FILE...
# Fails where a fused multiply-add stands in the machine code: it rounds once where the noise contract
# rounds twice. Exit status 77 (skipped) without objdump.
objdump=$1
shift
if ! command -v "$objdump" >/dev/null; then
  echo "skipped: no objdump; install binutils"
  exit 77
fi
# x86: vfmadd132ps and its kin; ARM: fmadd, fmla and their kin.
fused=$(printf '\tv?fn?m(add|sub)[^ \t]*[ \t]|\tfml[as]l?2?[ \t]')
for file in "$@"; do
  code=$("$objdump" --disassemble --no-show-raw-insn "$file") || exit 1
  if ! printf '%s' "$code" | grep -q '^[0-9a-f]* <'; then
    echo "$file: no code found"
    exit 1
  fi
  if printf '%s' "$code" | grep -E "$fused"; then
    echo "$file: fused multiply-add found"
    exit 1
  fi
done
