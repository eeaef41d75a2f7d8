#!/usr/bin/env python3
"""A Ray task for each cell of an experiment, all in one run directory:

    ray_cells.py EXPERIMENT.toml --out DIR

Nothing is kept in Ray: what is done is what is in the directory. So a task whose worker dies is tried again, a
driver that is started again goes on, and neither plays a finished cell twice. With several machines, the program,
the experiment and the directory must be at the same paths on all of them.
"""

import argparse
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

try:
    import ray
except ImportError:
    sys.exit("ray_cells.py: Ray is not installed for this Python; pip install -r requirements.txt, beside this file")


class Failed(Exception):
    """May go well another time."""


class Mistaken(Exception):
    """Will never go well."""


def die_with_worker():
    """A program whose worker is killed must not go on beside the one that takes its place. Linux knows how."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@ray.remote(num_cpus=1)
def compute(command):
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=die_with_worker)
    if done.returncode == 2:
        raise Mistaken(done.stderr.strip())
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}: {done.stderr.strip()}")


def read_arguments():
    parser = argparse.ArgumentParser(description="A Ray task for each cell of an experiment.")
    parser.add_argument("experiment", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help="the run directory; the same one goes on")
    parser.add_argument("--address", help="a running cluster (auto, or HOST:PORT); without it, Ray is started on this machine")
    parser.add_argument("--retries", type=int, default=3, help="how often a cell is tried again [3]")
    args = parser.parse_args()
    if not args.experiment.exists():
        parser.error(f"there is no {args.experiment}")
    return args


def main():
    args = read_arguments()
    name = os.environ.get("CRATYLUS", "cratylus")
    cratylus = shutil.which(name)
    if cratylus is None:
        sys.exit(f"ray_cells.py: there is no program {name}; set CRATYLUS to its path")
    cratylus, experiment, out = (str(pathlib.Path(path).absolute()) for path in (cratylus, args.experiment, args.out))
    plan = subprocess.run([cratylus, "plan", experiment, "--json"], stdout=subprocess.PIPE)
    if plan.returncode != 0:
        sys.exit(plan.returncode)
    cells = [cell["hash"] for cell in json.loads(plan.stdout)["cells"]]

    ray.init(address=args.address or "local", include_dashboard=None if args.address else False, log_to_driver=False)
    task = compute.options(max_retries=args.retries, retry_exceptions=[Failed])
    run = [cratylus, "run", experiment, "--quiet", "--threads", "1", "--out", out, "--cell"]
    waiting = {task.remote([*run, cell]): cell for cell in cells}
    failures = {}
    while waiting:
        [ready], _ = ray.wait(list(waiting), num_returns=1)
        cell = waiting.pop(ready)
        try:
            ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            failures[cell] = str(error.cause)
        except ray.exceptions.RayError as error:
            failures[cell] = str(error)
        print(f"\r{len(cells) - len(waiting)} of {len(cells)} cells", end="" if waiting else "\n", file=sys.stderr, flush=True)
    ray.shutdown()

    if failures:
        for cell, why in list(failures.items())[:5]:
            print(f"ray_cells.py: cell {cell}: {why}", file=sys.stderr)
        sys.exit(f"ray_cells.py: {len(failures)} of {len(cells)} cells failed; the same command tries them again")
    sys.exit(subprocess.run([cratylus, "merge", out]).returncode)


if __name__ == "__main__":
    main()
