#!/usr/bin/env bash
# The notes of a release, out of CHANGELOG.md: scripts/notes.sh 0.1.0 prints the section "## 0.1.0".
set -euo pipefail
cd "$(dirname "$0")/.."
notes=$(awk -v head="## $1" '/^## /{ on = ($0 == head || index($0, head " ") == 1); next } on' CHANGELOG.md)
if [ -z "${notes//[[:space:]]/}" ]; then
    echo "error: CHANGELOG.md has no section \"## $1\", or it is empty" >&2
    exit 2
fi
printf '%s\n' "$notes"
