"""The minimal naming game on Mesa: an agent class, and a model whose step lets n agents speak.

With `--order uniform`, which is the rule, a speaker is drawn from all each time. With `--order turns` every
agent speaks once a step in a shuffled order, which is how most Mesa models are written and another game.
"""

import mesa

import peer


class Talker(mesa.Agent):
    def __init__(self, model):
        super().__init__(model)
        self.inventory = []

    def speak(self):
        model = self.model
        if model.played == model.last:
            return
        hearer = model.random.choice(model.everybody)
        while hearer is self:
            hearer = model.random.choice(model.everybody)
        if not self.inventory:
            self.inventory.append(model.invented)
            model.invented += 1
            model.words += 1
        word = model.random.choice(self.inventory)
        model.played += 1
        if word in hearer.inventory:
            model.words -= len(self.inventory) + len(hearer.inventory) - 2
            self.inventory = [word]
            hearer.inventory = [word]
            # After a success n words are n agents with one each, or somebody has none yet.
            if model.words == len(model.everybody) and model.agreed is None:
                if all(agent.inventory == [word] for agent in model.everybody):
                    model.agreed = model.played
        else:
            hearer.inventory.append(word)
            model.words += 1
            model.peak = max(model.peak, model.words)


class NamingGame(mesa.Model):
    def __init__(self, n, seed, order, last=None):
        super().__init__(seed=seed)
        self.order = order
        self.invented = self.words = self.peak = self.played = 0
        self.last = last
        self.agreed = None
        Talker.create_agents(model=self, n=n)
        # A list of its own: to index an AgentSet is to copy it.
        self.everybody = list(self.agents)

    def step(self):
        if self.order == "turns":
            self.agents.shuffle_do("speak")
        else:
            for _ in range(len(self.everybody)):
                self.random.choice(self.everybody).speak()


def play(interactions, args):
    model = NamingGame(args.n, args.seed, args.order, last=interactions)
    start = peer.clock()
    while model.played < interactions:
        model.step()
    return peer.clock() - start


def agree(seed, args):
    model = NamingGame(args.n, seed, args.order)
    while model.agreed is None:
        model.step()
    return model.agreed, model.peak


def game(args):
    return "minimal naming, in turns" if args.order == "turns" else "minimal naming"


def options(parser):
    parser.add_argument("--order", choices=["uniform", "turns"], default="uniform")


if __name__ == "__main__":
    peer.main("mesa", mesa.__version__, game, play, agree, options)
