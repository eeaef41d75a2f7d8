"""A program that answers for agents: a JSON object on each line in, one on each line out, in any order.

Without an argument it gives probabilities; with `text` it gives words.
"""

import json
import random
import sys


def likes(names, memory):
    """How much each option is liked: as often as it succeeded, and a little for being shown first."""
    weights = {name: 1.0 for name in names}
    weights[names[0]] += 0.1
    for own, partner in memory:
        if own == partner:
            weights[own] += 10.0
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


words = sys.argv[1:] == ["text"]
for line in sys.stdin:
    asked = json.loads(line)
    p = likes(asked["names"], asked["memory"])
    if words:
        # Equal draws must get equal answers, so the draw is the seed.
        chance = random.Random(asked["draw"])
        name = chance.choices(list(p), list(p.values()))[0]
        answer = {"text": f"{{'value': '{name}'; 'reason': 'it worked'}}"}
    else:
        answer = {"probabilities": p}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
