#!/usr/bin/env bash
# The pages of docs/ as a site in target/book, which can be searched and fetches nothing when it is read. Pages link to
# files outside docs/ (experiments, ARCHITECTURE.md and others), so all of it is put together in one folder first.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v mdbook >/dev/null; then
    echo "error: mdbook is not there; \`cargo install mdbook --locked\` builds it" >&2
    exit 2
fi
from=target/book-src
rm -rf "$from" target/book
mkdir -p "$from"
cp -r docs/. "$from"
cp -r experiments "$from"
mkdir -p "$from/benches/peers" "$from/crates/cratylus-py"
cp benches/loops.rs "$from/benches/"
cp benches/peers/README.md "$from/benches/peers/"
cp crates/cratylus-py/tutorial.ipynb "$from/crates/cratylus-py/"
# Pages of the root become pages beside the others.
for page in ARCHITECTURE CONTRIBUTING CHANGELOG; do
    sed -e 's#](docs/#](#g' "$page.md" >"$from/$page.md"
done
printf '%s\n' '- [Architecture](ARCHITECTURE.md)' '- [Contributing](CONTRIBUTING.md)' '- [Changes](CHANGELOG.md)' \
    '- [Peers of the benchmarks](benches/peers/README.md)' >>"$from/SUMMARY.md"
for page in "$from"/*.md; do
    sed -i.before -e 's#](\.\./#](#g' -e 's#](README\.md#](index.md#g' "$page"
    rm "$page.before"
done
# The first page keeps its name in the list of pages: mdBook makes index.html of it.
sed -i.before -e 's#](index\.md)#](README.md)#' "$from/SUMMARY.md"
rm "$from/SUMMARY.md.before"
# The folder of the pages is one level deeper than docs/.
mdbook build "$from" --dest-dir "$PWD/target/book"
# What is read needs no address but its own.
if grep -rlE '(src|href)="https?://[^"]*\.(js|css|woff2?)' target/book --include='*.html'; then
    echo "error: these pages would fetch something" >&2
    exit 1
fi
echo "target/book/index.html"
