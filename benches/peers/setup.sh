#!/usr/bin/env bash
# Installs what the peers need, in this folder alone: .venv for Python, krabmaga_naming/target for Rust.
# --torch installs PyTorch for the peer of the training engine, and nothing else. It is large.
set -euo pipefail
cd "$(dirname "$0")"

case "$#:${1:-}" in
    0: | 1:--torch) ;;
    *)
        echo "setup.sh: it takes --torch or nothing, found: $*" >&2
        exit 2
        ;;
esac

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    echo "setup.sh: $python is not a Python from 3.11 to 3.13." >&2
    echo "Install one, or name it: PYTHON=/path/to/python3.12 $0" >&2
    exit 1
fi
if ! "$python" -m venv .venv; then
    echo "setup.sh: $python cannot make a virtual environment; on Debian and Ubuntu, install the package python3-venv." >&2
    exit 1
fi
if [ "${1:-}" = --torch ]; then
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements-torch.txt
    echo "PyTorch is ready: $PWD/.venv/bin/python $PWD/torch_training.py --size S"
    exit
fi
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt

if ! command -v cargo >/dev/null; then
    echo "setup.sh: cargo is absent, so the krABMaga peer is not built; the peers in Python are ready." >&2
    echo "Install Rust, and run $0 again." >&2
    exit 1
fi
cargo build --quiet --release --manifest-path krabmaga_naming/Cargo.toml --target-dir krabmaga_naming/target
echo "The peers are ready: $PWD/check.sh shows that they are right."
