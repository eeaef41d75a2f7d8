"""Two names, agents that remember the last three rounds and answer best to them, with numba and tables.

Both players choose at once: the name that their partners chose most often in memory, either where that is a
tie. A memory is a number, and a table says what it chooses and which memory follows each outcome. `--plain`
plays the same without tables, with lists in plain Python: a second way to the same numbers, and much slower.
"""

import random

import numba
import numpy as np

import peer

MEMORY = 3


def memories():
    """Every memory of up to three rounds, each round an (own, partner's) pair of names 0 and 1."""
    rounds = [(own, partner) for own in (0, 1) for partner in (0, 1)]
    found = layer = [()]
    for _ in range(MEMORY):
        layer = [memory + (new,) for memory in layer for new in rounds]
        found = found + layer
    return found


def best(memory):
    """The probability of name 0."""
    ones = sum(partner for _, partner in memory)
    return 0.5 if 2 * ones == len(memory) else float(2 * ones < len(memory))


def tables():
    """The probability of name 0 in each memory, and the memory after each outcome, at 2 * own + partner's."""
    number = {memory: i for i, memory in enumerate(memories())}
    after = [[number[(memory + ((own, partner),))[-MEMORY:]] for own in (0, 1) for partner in (0, 1)] for memory in number]
    return np.array([best(memory) for memory in number]), np.array(after, np.uint8)


@numba.njit(cache=True)
def seed_with(seed):
    np.random.seed(seed)


@numba.njit(cache=True)
def interact(states, p, after, sure, interactions, until_agreed):
    """`sure` counts the agents that would choose 0 for certain, and those that would choose 1."""
    n = len(states)
    for played in range(interactions):
        if until_agreed and (sure[0] == n or sure[1] == n):
            return played
        first = np.random.randint(0, n)
        second = np.random.randint(0, n - 1)
        if second >= first:
            second += 1
        was_first, was_second = states[first], states[second]
        name_first = int(np.random.random() >= p[was_first])
        name_second = int(np.random.random() >= p[was_second])
        states[first] = after[was_first, 2 * name_first + name_second]
        states[second] = after[was_second, 2 * name_second + name_first]
        if until_agreed:
            for was, now in ((was_first, states[first]), (was_second, states[second])):
                sure[0] += int(p[now] == 1.0) - int(p[was] == 1.0)
                sure[1] += int(p[now] == 0.0) - int(p[was] == 0.0)
    return interactions


def run(n, seed, replicas, interactions, until_agreed):
    """Plays the replicas one after another; the interactions of the last one are returned."""
    p, after = tables()
    states = np.zeros((replicas, n), np.uint8)
    seed_with(seed)
    start = peer.clock()
    for replica in range(replicas):
        played = interact(states[replica], p, after, np.zeros(2, np.int64), interactions, until_agreed)
    return peer.clock() - start, played


def run_plain(n, seed, interactions, until_agreed):
    rng = random.Random(seed)
    heard = [[] for _ in range(n)]  # what partners chose, latest last

    def choose(names):
        ones = sum(names)
        return rng.randrange(2) if 2 * ones == len(names) else int(2 * ones > len(names))

    start = peer.clock()
    played = 0
    while played < interactions:
        # To look at everybody is slow: now and then, so the time is rounded up to a tenth of a round.
        if until_agreed and played % (n // 10 or 1) == 0:
            leanings = {(2 * sum(names) > len(names)) - (2 * sum(names) < len(names)) for names in heard}
            if leanings in ({1}, {-1}):
                break
        first, second = rng.sample(range(n), 2)
        name_first, name_second = choose(heard[first]), choose(heard[second])
        heard[first] = (heard[first] + [name_second])[-MEMORY:]
        heard[second] = (heard[second] + [name_first])[-MEMORY:]
        played += 1
    return peer.clock() - start, played


def play(interactions, args):
    if args.plain:
        return sum(run_plain(args.n, args.seed + replica, interactions, False)[0] for replica in range(args.replicas))
    run(10, 0, 1, 100, False)  # compiles
    return run(args.n, args.seed, args.replicas, interactions, False)[0]


def agree(seed, args):
    played = run_plain(args.n, seed, 2**62, True)[1] if args.plain else run(args.n, seed, 1, 2**62, True)[1]
    return played, None


def options(parser):
    parser.add_argument("--replicas", type=peer.at_least(1), default=1, help="populations, each of so many interactions")
    parser.add_argument("--plain", action="store_true", help="lists in plain Python in place of tables")


def game(args):
    return "best response, memory of 3, in plain Python" if args.plain else "best response, memory of 3"


if __name__ == "__main__":
    peer.main("numba", numba.__version__, game, play, agree, options)
