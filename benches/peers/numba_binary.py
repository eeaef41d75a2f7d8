"""The naming game with two names with numba, one byte for an agent, some of them committed to A.

Without committed agents half of the population starts with A and half with B; with them, all others start
with B. Committed agents speak A, and hear without learning.
"""

import argparse

import numba
import numpy as np

import peer

A, B, BOTH = 0, 1, 2


@numba.njit(cache=True)
def seed_with(seed):
    np.random.seed(seed)


@numba.njit(cache=True)
def interact(states, committed, counts, interactions, until_agreed):
    """The first `committed` agents are committed. Returns how many interactions were played."""
    n = len(states)
    for played in range(interactions):
        if until_agreed and (counts[A] == n or counts[B] == n):
            return played
        speaker = np.random.randint(0, n)
        hearer = np.random.randint(0, n - 1)
        if hearer >= speaker:
            hearer += 1
        word = states[speaker]
        if word == BOTH:
            word = np.random.randint(0, 2)
        if states[hearer] == word or states[hearer] == BOTH:
            if speaker >= committed:
                counts[states[speaker]] -= 1
                states[speaker] = word
                counts[word] += 1
            if hearer >= committed:
                counts[states[hearer]] -= 1
                states[hearer] = word
                counts[word] += 1
        elif hearer >= committed:
            counts[states[hearer]] -= 1
            states[hearer] = BOTH
            counts[BOTH] += 1
    return interactions


def run(n, seed, share, interactions, until_agreed):
    committed = round(share * n)
    states = np.full(n, B, np.int8)
    states[: committed or n // 2] = A
    counts = np.bincount(states, minlength=3)
    seed_with(seed)
    start = peer.clock()
    played = interact(states, committed, counts, interactions, until_agreed)
    return peer.clock() - start, played


def play(interactions, args):
    run(10, 0, args.committed, 100, False)  # compiles
    return run(args.n, args.seed, args.committed, interactions, False)[0]


def agree(seed, args):
    return run(args.n, seed, args.committed, 2**62, True)[1], None


def options(parser):
    parser.add_argument("--committed", type=share, default=0.0, help="the share of agents committed to A (0.1)")


def share(text):
    try:
        if 0 <= float(text) < 1:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a share from 0 to below 1, such as 0.1")


def game(args):
    return f"binary naming, {args.committed:g} committed" if args.committed else "binary naming"


if __name__ == "__main__":
    peer.main("numba", numba.__version__, game, play, agree, options)
