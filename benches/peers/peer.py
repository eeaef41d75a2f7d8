"""What the Python peers share: the command line, the clock, the line of JSON. No rule of any game is here.

A peer hands over two functions. `play(interactions, args)` plays that many from the start and returns the CPU
seconds of its loop; `agree(seed, args)` plays until all agree and returns (interactions, most words or None).
"""

import argparse
import json
import statistics
import sys
import time


def clock():
    """CPU seconds of this process, so that other programs on the machine count for less."""
    return time.process_time()


def at_least(least, most=2**62):
    def read(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number") from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text} is not from {least} to {most}")
        return number

    return read


def main(peer, version, game, play, agree, options=lambda parser: None):
    """`game` is the game's name, or a function that makes it from the arguments."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], allow_abbrev=False)
    parser.add_argument("--n", type=at_least(2, 2**31 - 1), required=True, help="agents")
    parser.add_argument("--seed", type=at_least(0, 2**31 - 1), default=1)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--interactions", type=at_least(1), help="play so many from the start, and time them")
    what.add_argument("--consensus", type=at_least(1), metavar="RUNS", help="play so many runs until all agree; their seeds follow --seed")
    options(parser)
    args = parser.parse_args()
    name = game(args) if callable(game) else game

    if args.interactions:
        seconds = play(args.interactions, args)
        interactions = args.interactions * getattr(args, "replicas", 1)
        line = {"peer": peer, "version": version, "game": name, "n": args.n, "interactions": interactions}
        line |= {"cpu_seconds": seconds, "rate": interactions / seconds if seconds > 0 else None}
    else:
        runs = [agree(args.seed + run, args) for run in range(args.consensus)]
        line = {"peer": peer, "game": name, "n": args.n, "runs": len(runs)}
        line["time"], line["time_se"] = mean([played for played, _ in runs])
        if runs[0][1] is not None:
            line["peak"], line["peak_se"] = mean([peak for _, peak in runs])
    print(json.dumps(line))


def mean(values):
    """Mean and standard error."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), spread / len(values) ** 0.5
