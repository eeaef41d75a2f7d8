"""Times every peer, three times each, and prints the medians: millions of interactions per CPU second.

.venv/bin/python measure.py [SIZE...] measures the sizes named; without one, 1000, 10000, 100000 and 1000000.
"""

import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
KRABMAGA = [HERE / "krabmaga_naming/target/release/krabmaga_naming"]
TIMES = 3


def script(name):
    return [sys.executable, HERE / name]


# What is timed, and how many interactions for each agent at each size; 50 is as far as consensus at 1000 agents.
PEERS = [
    ("Mesa", [*script("mesa_naming.py")], 5),
    ("Mesa, in turns", [*script("mesa_naming.py"), "--order", "turns"], 5),
    ("plain Python", script("plain_python.py"), 5),
    ("krABMaga", KRABMAGA, 5),
    ("krABMaga, in turns", [*KRABMAGA, "--order", "turns"], 5),
    ("numba", script("numba_naming.py"), 5),
    ("numba, two names, 10 % committed", [*script("numba_binary.py"), "--committed", "0.1"], 20),
    ("numba, best response to 3 rounds", script("numba_kernel.py"), 20),
    ("the same in plain Python", [*script("numba_kernel.py"), "--plain"], 5),
]


def rate(command, n, interactions, seed):
    command = [*map(str, command), "--n", str(n), "--interactions", str(interactions), "--seed", str(seed)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["rate"]


def main():
    sizes = [int(size) for size in sys.argv[1:]] or [1000, 10_000, 100_000, 1_000_000]
    print("| peer |", " | ".join(f"{size:,}" for size in sizes), "|\n| --- |" + " ---: |" * len(sizes))
    for title, command, each in PEERS:
        cells = []
        for size in sizes:
            # Small populations are followed for longer: a loop of a millisecond cannot be timed.
            interactions = max(each * size, 50_000)
            # Where a peer plays many populations, small ones are many.
            many = ["--replicas", str(max(1, 2_000_000 // interactions))] if "--plain" not in command and "kernel" in str(command[1:]) else []
            rates = [rate([*command, *many], size, interactions, seed) for seed in range(1, TIMES + 1)]
            cells.append(f"{statistics.median(rates) / 1e6:.2f} ({min(rates) / 1e6:.2f}–{max(rates) / 1e6:.2f})")
        print(f"| {title} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
