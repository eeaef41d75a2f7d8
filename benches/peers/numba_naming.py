"""The minimal naming game with numba: inventories are the rows of a padded table of 32-bit words.

A row that is full stops the compiled loop, the table is made twice as wide, and the loop goes on; the time
that takes is counted.
"""

import numba
import numpy as np

import peer

WIDTH = 32
# What the compiled loop keeps between calls, by place.
PLAYED, INVENTED, WORDS, PEAK, AGREED = range(5)


@numba.njit(cache=True)
def seed_with(seed):
    np.random.seed(seed)


@numba.njit(cache=True)
def interact(inventories, sizes, kept, last, until_agreed):
    """Plays until `last` interactions, or until all agree. False: a row has become full."""
    n, width = inventories.shape
    while kept[PLAYED] < last and not (until_agreed and kept[AGREED]):
        speaker = np.random.randint(0, n)
        hearer = np.random.randint(0, n - 1)
        if hearer >= speaker:
            hearer += 1
        if sizes[speaker] == 0:
            inventories[speaker, 0] = kept[INVENTED]
            sizes[speaker] = 1
            kept[INVENTED] += 1
            kept[WORDS] += 1
        word = inventories[speaker, np.random.randint(0, sizes[speaker])]
        known = False
        for i in range(sizes[hearer]):
            if inventories[hearer, i] == word:
                known = True
                break
        if known:
            kept[WORDS] -= sizes[speaker] + sizes[hearer] - 2
            inventories[speaker, 0] = word
            inventories[hearer, 0] = word
            sizes[speaker] = 1
            sizes[hearer] = 1
        else:
            inventories[hearer, sizes[hearer]] = word
            sizes[hearer] += 1
            kept[WORDS] += 1
            kept[PEAK] = max(kept[PEAK], kept[WORDS])
        kept[PLAYED] += 1
        # After a success n words are n agents with one each, or somebody has none yet.
        if known and kept[WORDS] == n and not kept[AGREED]:
            agreed = True
            for i in range(n):
                if sizes[i] != 1 or inventories[i, 0] != word:
                    agreed = False
                    break
            kept[AGREED] = agreed
        if sizes[hearer] == width:
            return False
    return True


def run(n, seed, last, until_agreed):
    inventories, sizes, kept = np.zeros((n, WIDTH), np.int32), np.zeros(n, np.int32), np.zeros(5, np.int64)
    seed_with(seed)
    start = peer.clock()
    while not interact(inventories, sizes, kept, last, until_agreed):
        inventories = np.pad(inventories, ((0, 0), (0, inventories.shape[1])))
    return peer.clock() - start, kept


def play(interactions, args):
    run(10, 0, 100, False)  # compiles
    return run(args.n, args.seed, interactions, False)[0]


def agree(seed, args):
    _, kept = run(args.n, seed, 2**62, True)
    return int(kept[PLAYED]), int(kept[PEAK])


if __name__ == "__main__":
    peer.main("numba", numba.__version__, "minimal naming", play, agree)
