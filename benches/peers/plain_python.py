"""The minimal naming game in plain Python: a list of words for each agent, one interaction after the other."""

import platform
import random

import peer


class Population:
    def __init__(self, n, seed):
        self.rng = random.Random(seed)
        self.inventories = [[] for _ in range(n)]
        self.invented = self.words = self.peak = 0
        self.agreed = False

    def interact(self):
        inventories, rng = self.inventories, self.rng
        n = len(inventories)
        speaker = rng.randrange(n)
        hearer = rng.randrange(n - 1)
        hearer += hearer >= speaker
        known, heard = inventories[speaker], inventories[hearer]
        if not known:
            known.append(self.invented)
            self.invented += 1
            self.words += 1
        word = rng.choice(known)
        if word in heard:
            self.words -= len(known) + len(heard) - 2
            inventories[speaker] = [word]
            inventories[hearer] = [word]
            # After a success n words are n agents with one each, or somebody has none yet.
            if self.words == n and not self.agreed:
                self.agreed = all(inventory == [word] for inventory in inventories)
        else:
            heard.append(word)
            self.words += 1
            self.peak = max(self.peak, self.words)


def play(interactions, args):
    population = Population(args.n, args.seed)
    start = peer.clock()
    for _ in range(interactions):
        population.interact()
    return peer.clock() - start


def agree(seed, args):
    population, played = Population(args.n, seed), 0
    while not population.agreed:
        population.interact()
        played += 1
    return played, population.peak


if __name__ == "__main__":
    peer.main("python", platform.python_version(), "minimal naming", play, agree)
