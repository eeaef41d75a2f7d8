"""Plays every peer to consensus, and compares with what is known of its game.

The minimal naming game (Baronchelli et al., J. Stat. Mech. 2006, P06014): both the time to consensus and the
largest number of words grow as n^1.5. The game of two names: 3.5 ln n rounds from an even start, and with a
share above 0.098 committed, rounds that grow as ln n (Xie et al., Phys. Rev. E 84, 011130, 2011). The numbers
are means of 1000 runs (200 where two names are) of another program, in another language. The windows of
`numba_kernel.py` are compared with its own plain form.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
KRABMAGA = HERE / "krabmaga_naming/target/release/krabmaga_naming"
PYTHON = [sys.executable]
NAMING = {"time": (49_300, 215), "peak": (10_702, 12)}
SEED = sys.argv[1] if len(sys.argv) > 1 else "1"
# A mean may differ by so many standard errors of the difference.
SIGMAS = 4


def consensus(command, n, runs, *options):
    line = subprocess.run([*map(str, command), "--n", str(n), "--consensus", str(runs), "--seed", SEED, *options], check=True, capture_output=True, text=True).stdout
    return json.loads(line)


def compare(title, found, expected):
    good = True
    for key, (mean, error) in expected.items():
        sigmas = (found[key] - mean) / (found[f"{key}_se"] ** 2 + error**2) ** 0.5
        good &= abs(sigmas) <= SIGMAS
        print(f"{'ok  ' if abs(sigmas) <= SIGMAS else 'BAD '} {title:34} {key:5} {found[key]:10.0f} ± {found[f'{key}_se']:<6.0f} expected {mean:8.0f}  {sigmas:+.1f} s.e.")
    return good


def main():
    good = True
    for title, command, runs in [
        ("plain_python.py", [*PYTHON, HERE / "plain_python.py"], 100),
        ("mesa_naming.py", [*PYTHON, HERE / "mesa_naming.py"], 100),
        ("numba_naming.py", [*PYTHON, HERE / "numba_naming.py"], 200),
        ("krabmaga_naming", [KRABMAGA], 200),
    ]:
        if command == [KRABMAGA] and not KRABMAGA.exists():
            print(f"SKIPPED {title}: it is not built; ./setup.sh builds it")
            continue
        good &= compare(title, consensus(command, 1000, runs), NAMING)

    binary = [*PYTHON, HERE / "numba_binary.py"]
    for share, rounds in [("0", 24.6), ("0.12", 39.7), ("0.2", 20.4)]:
        found = consensus(binary, 1000, 200, "--committed", share)
        # Of the expected mean, of 200 runs too, no error is known: take the same.
        good &= compare(f"numba_binary.py --committed {share}", found, {"time": (1000 * rounds, found["time_se"])})

    kernel = [*PYTHON, HERE / "numba_kernel.py"]
    plain = consensus(kernel, 200, 200, "--plain")
    # The plain form looks ten times a round, so it is a twentieth of a round late on average.
    good &= compare("numba_kernel.py, from --plain", consensus(kernel, 200, 2000), {"time": (plain["time"] - 10, plain["time_se"])})
    print("all peers are right" if good else "a peer is wrong, or chance was unkind: see whether another seed says so too (./check.sh 1000)")
    sys.exit(not good)


if __name__ == "__main__":
    main()
