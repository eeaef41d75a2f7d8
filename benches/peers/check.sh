#!/usr/bin/env bash
# Plays every peer to consensus and compares with what is known of its game: ./check.sh [SEED]. Half a minute.
set -euo pipefail
cd "$(dirname "$0")"
if [ ! -x .venv/bin/python ]; then
    echo "check.sh: .venv is absent; run ./setup.sh first" >&2
    exit 1
fi
exec .venv/bin/python check.py "$@"
