"""Times the training of a network beside PyTorch, in turns, and prints medians: tokens per CPU second, on one thread.

.venv/bin/python measure_training.py [SIZE...] measures the sizes named; without one, S, M and L. Build what is measured first:
cargo bench -p cratylus-neural --bench training --no-run
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BUILD = "cargo bench -p cratylus-neural --bench training --no-run"
# Tokens of ours for each of theirs, at least.
TARGETS = {"S": 1.0, "M": 0.9, "L": 0.8}


def newest():
    """The benchmark that was built last; a test of the same name may lie beside it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "../../target"))
    built = [file for file in target.glob("release/deps/training-*") if file.suffix in ("", ".exe")]
    for file in sorted(built, key=lambda file: file.stat().st_mtime, reverse=True):
        if measured(ours(file, "S"), quiet=True):
            return file
    sys.exit(f"no benchmark that knows --json is built; build it, or name it with --bench:\n{BUILD}")


def ours(bench, size):
    return [bench, "--json", "--only", size]


def theirs(size):
    return [sys.executable, HERE / "torch_training.py", "--size", size]


def measured(command, quiet=False):
    """The line of JSON that a command prints; None where it fails, or prints something else."""
    try:
        return json.loads(subprocess.run([*map(str, command)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None).stdout)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def main():
    parser = argparse.ArgumentParser(prog=sys.argv[0], allow_abbrev=False)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help="S, M or L; all of them without one")
    parser.add_argument("--bench", type=pathlib.Path, metavar="FILE", help="the benchmark of ours; without it, the one built last")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are timed (5)")
    args = parser.parse_args()
    if not set(args.sizes) <= set(TARGETS) or args.rounds < 1:
        parser.error("sizes are S, M and L, and there is at least one round")
    bench = args.bench or newest()

    print("| size | weights | ours | PyTorch | ratio | target | |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |", flush=True)
    versions = set()
    for size in args.sizes or TARGETS:
        commands, lines = [ours(bench, size), theirs(size)], [[], []]
        for time in range(args.rounds):
            # Each goes first in every other round, so that a machine that warms up favours neither.
            for which in (0, 1) if time % 2 == 0 else (1, 0):
                line = measured(commands[which])
                if line is None or line["size"] != size:
                    sys.exit(f"this prints no line of JSON of the size {size}:\n{' '.join(map(str, commands[which]))}")
                lines[which].append(line)
        weights = {line["weights"] for line in lines[0] + lines[1]}
        if len(weights) > 1:
            sys.exit(f"the networks of size {size} are not the same: {sorted(weights)} weights")
        rates = [[line["rate"] for line in own] for own in lines]
        ratios = [own / peer for own, peer in zip(*rates)]
        ratio = statistics.median(ratios)
        cells = [size, f"{weights.pop():,}", *(f"{statistics.median(rate):,.0f}" for rate in rates)]
        cells += [f"{ratio:.2f} ({min(ratios):.2f}–{max(ratios):.2f})", f"{TARGETS[size]}", "met" if ratio >= TARGETS[size] else "missed"]
        print("|", " | ".join(cells), "|", flush=True)
        versions |= {line["version"] for line in lines[1]}
    print(f"\nTokens per CPU second, one thread; medians of {args.rounds}, and of the ratios the smallest and largest. PyTorch {', '.join(versions)}.")


if __name__ == "__main__":
    main()
