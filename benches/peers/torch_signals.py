"""Networks that learn to signal in PyTorch, as a user writes them: reconstruction with REINFORCE, step by step.

The same networks, batch, symbols and rules as `cargo bench -p cratylus-neural --bench signals`: the sender's view through a
linear layer to the start state, a GRU cell for each symbol, the receiver's GRU over all symbols (its state at the end of each
message), K linear heads, one step of Adam. It prints milliseconds of one processor for each row.

    benches/peers/.venv/bin/python benches/peers/torch_signals.py [--only NAME] [--topsim]
"""

import argparse
import time

import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional as F

ROWS = {
    # attributes, values, hidden, vocabulary, length, batch, steps
    "2x5-64-32": (2, 5, 64, 50, 5, 32, 100),
    "5x5-128-32": (5, 5, 128, 50, 5, 32, 50),
    "2x5-128-1024": (2, 5, 128, 50, 5, 1024, 5),
    "2x5-64-256-first-200": (2, 5, 64, 10, 3, 256, 200),
}


class Pair(nn.Module):
    def __init__(self, attributes, values, hidden, vocabulary, length, embedding=16):
        super().__init__()
        self.attributes, self.values, self.length = attributes, values, length
        self.view = nn.Linear(attributes * values, hidden)
        self.start = nn.Parameter(0.01 * torch.randn(embedding))
        self.spoken, self.heard = nn.Embedding(vocabulary, embedding), nn.Embedding(vocabulary, embedding)
        self.speak, self.hear = nn.GRUCell(embedding, hidden), nn.GRU(embedding, hidden, batch_first=True)
        self.symbols = nn.Linear(hidden, vocabulary)
        self.answers = nn.Linear(hidden, attributes * values)

    def forward(self, items, baseline, entropy_weight):
        n = items.shape[0]
        seen = F.one_hot(items, self.values).float().flatten(1)
        state, said = self.view(seen), self.start.expand(n, -1)
        symbols, log_probs, entropies = [], [], []
        for _ in range(self.length):
            state = self.speak(said, state)
            over = Categorical(logits=self.symbols(state))
            symbol = over.sample()
            symbols.append(symbol), log_probs.append(over.log_prob(symbol)), entropies.append(over.entropy())
            said = self.spoken(symbol)
        symbols = torch.stack(symbols + [torch.zeros(n, dtype=torch.long)], 1)
        stops = (symbols == 0).long()
        lengths = stops.argmax(1) + 1
        live = torch.arange(self.length)[None] < lengths[:, None]
        log_prob = (torch.stack(log_probs, 1) * live).sum(1)
        entropy = ((torch.stack(entropies, 1) * live).sum(1) / lengths).mean()
        states, _ = self.hear(self.heard(symbols))
        answers = self.answers(states[torch.arange(n), lengths - 1]).view(n * self.attributes, self.values)
        loss = F.cross_entropy(answers, items.flatten(), reduction="none").view(n, self.attributes).mean(1)
        total = ((loss.detach() - baseline) * log_prob).mean() - entropy_weight * entropy + loss.mean()
        return total, loss.mean().item()


def steps(row):
    attributes, values, hidden, vocabulary, length, batch, n = ROWS[row]
    torch.manual_seed(1)
    pair = Pair(attributes, values, hidden, vocabulary, length)
    optimiser = torch.optim.Adam(pair.parameters(), lr=0.005)
    baseline, seen = 0.0, 0
    for step in range(n + 3):
        if step == 3:
            begun = time.process_time()
        items = torch.randint(values, (batch, attributes))
        total, loss = pair(items, baseline, 0.3 if row.endswith("200") else 0.1)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        baseline, seen = (baseline * seen + loss) / (seen + 1), seen + 1
    return 1e3 * (time.process_time() - begun) / n


def topsim():
    """Topographic similarity of a thousand messages as EGG has it: scipy's pairwise distances, editdistance, Spearman."""
    import editdistance
    import numpy
    from scipy.spatial import distance
    from scipy.stats import spearmanr

    random = numpy.random.default_rng(1)
    meanings, messages = random.integers(0, 10, (1000, 3)), random.integers(1, 10, (1000, 5))
    begun = time.process_time()
    far = distance.pdist(meanings, "hamming")
    edits = distance.pdist(messages, lambda a, b: editdistance.eval(a, b) / ((len(a) + len(b)) / 2))
    value = spearmanr(far, edits).statistic
    return time.process_time() - begun, value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(ROWS))
    parser.add_argument("--topsim", action="store_true", help="needs scipy and editdistance, too")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for row in [given.only] if given.only else ROWS:
        print(f"{row:24} {steps(row):8.2f} CPU-ms a step")
    if given.topsim:
        seconds, value = topsim()
        print(f"topsim of 1,000 messages {seconds:8.2f} CPU-s ({value:.4f})")
