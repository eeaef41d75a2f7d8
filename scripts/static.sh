#!/usr/bin/env bash
# One file for any Linux on x86-64, whatever its libraries: target/x86_64-unknown-linux-musl/release/cratylus.
# Options go to cargo, such as --no-default-features, which needs no C compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-musl
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    echo "error: Rust's library for $target is not installed" >&2
    echo "  help: rustup target add $target" >&2
    exit 2
fi
# Cryptography (https) is built by a C compiler for the target.
case " $* " in
*" --no-default-features "*) ;;
*)
    if [ -z "${CC_x86_64_unknown_linux_musl:-}" ]; then
        if ! command -v musl-gcc >/dev/null; then
            echo "error: musl-gcc is not there, which builds the cryptography behind https" >&2
            echo "  help: install the package musl-tools, set CC_x86_64_unknown_linux_musl, or give --no-default-features (no https, no viewer)" >&2
            exit 2
        fi
        export CC_x86_64_unknown_linux_musl=musl-gcc
    fi
    ;;
esac
cargo build --release --locked -p cratylus --target "$target" "$@"
program="${CARGO_TARGET_DIR:-target}/$target/release/cratylus"
# A program that names an interpreter is not static.
if command -v readelf >/dev/null && readelf -lW "$program" | grep -q INTERP; then
    echo "error: $program needs libraries of the system" >&2
    exit 1
fi
echo "$program"
