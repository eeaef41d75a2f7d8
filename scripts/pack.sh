#!/usr/bin/env bash
# Packs a built program with what belongs to it: scripts/pack.sh PROGRAM NAME makes dist/NAME.tar.gz, or .zip of a .exe.
set -euo pipefail
program=$1
name=$2
cd "$(dirname "$0")/.."
rm -rf "dist/$name"
mkdir -p "dist/$name"
cp "$program" README.md CHANGELOG.md CITATION.cff LICENSE-MIT LICENSE-APACHE "dist/$name/"
cp -r docs experiments examples "dist/$name/"
cd dist
case "$program" in
*.exe) 7z a -bso0 "$name.zip" "$name" ;;
*) tar -czf "$name.tar.gz" "$name" ;;
esac
rm -rf "$name"
ls -l
