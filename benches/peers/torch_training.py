"""The network that `cratylus train` trains, in PyTorch: Llama's block, AdamW, one thread, fused attention.

--size S trains it on random rows whose second half repeats the first, 2,048 tokens a step, and prints one line of JSON.
--check MODEL reads a folder that `cratylus train` wrote, and rows from standard input, and prints the loss of the rows.
"""

import argparse
import json
import math
import pathlib
import re
import sys
from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy, linear, scaled_dot_product_attention, silu

import peer

TOKENS = 2048  # of a step
WARM_UP = 3  # steps that are not timed
BEGIN = "<bos>"


@dataclass
class Shape:
    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    context: int
    tied: bool = True
    base: float = 10_000.0
    eps: float = 1e-5


SIZES = {
    "S": Shape(64, 64, 2, 4, 176, 64),
    "M": Shape(1024, 128, 4, 4, 352, 128),
    "L": Shape(2048, 192, 6, 6, 512, 256),
}


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads = shape.heads
        self.norm = nn.RMSNorm(shape.width, eps=shape.eps)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.hidden_norm = nn.RMSNorm(shape.width, eps=shape.eps)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x, cos, sin):
        rows, context, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(rows, context, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, context, width))
        gate, up = self.gate_up(self.hidden_norm(x)).chunk(2, dim=-1)
        return x + self.down(silu(gate) * up)


def rotate(x, cos, sin):
    """Rotary positions; the two numbers of a pair are half a head apart."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Network(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.eps)
        self.head = None if shape.tied else nn.Linear(shape.width, shape.vocabulary, bias=False)
        head = shape.width // shape.heads
        frequencies = shape.base ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
        angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), frequencies)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                added = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * shape.layers) if added else 0.02)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return linear(self.norm(x), (self.head or self.embedding).weight)


def train(shape, seconds, seed):
    """Tokens learnt, and the CPU seconds of the loop; it lasts `seconds` at least."""
    torch.manual_seed(seed)
    network = Network(shape)
    weights = list(network.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.dim() == 2], "weight_decay": 0.01},
        {"params": [weight for weight in weights if weight.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))

    def step():
        first = torch.randint(shape.vocabulary, (TOKENS // shape.context, shape.context // 2))
        rows = torch.cat((first, first, first[:, :1]), dim=1)
        loss = cross_entropy(network(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()

    for _ in range(WARM_UP):
        step()
    steps, start = 0, peer.clock()
    while steps == 0 or peer.clock() - start < seconds:
        step()
        steps += 1
    return sum(weight.numel() for weight in weights), steps * TOKENS, peer.clock() - start


def read_model(folder):
    """The network of a folder in Llama's layout, and the token of each word."""
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] != "llama" or config["num_key_value_heads"] != config["num_attention_heads"]:
        sys.exit(f"{folder}: this network is a Llama with as many heads for keys as for queries")
    keys = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings", "tie_word_embeddings", "rope_theta", "rms_norm_eps"]
    network = Network(Shape(*(config[key] for key in keys)))
    tensors = load_file(folder / "model.safetensors")
    take = lambda name: tensors.pop(f"{name}.weight")
    weights = {"embedding.weight": take("model.embed_tokens"), "norm.weight": take("model.norm")}
    if not config["tie_word_embeddings"]:
        weights["head.weight"] = take("lm_head")
    for i in range(config["num_hidden_layers"]):
        of, into = f"model.layers.{i}", f"blocks.{i}"
        weights[f"{into}.norm.weight"] = take(f"{of}.input_layernorm")
        weights[f"{into}.qkv.weight"] = torch.cat([take(f"{of}.self_attn.{part}_proj") for part in "qkv"])
        weights[f"{into}.out.weight"] = take(f"{of}.self_attn.o_proj")
        weights[f"{into}.hidden_norm.weight"] = take(f"{of}.post_attention_layernorm")
        weights[f"{into}.gate_up.weight"] = torch.cat([take(f"{of}.mlp.{part}_proj") for part in ("gate", "up")])
        weights[f"{into}.down.weight"] = take(f"{of}.mlp.down_proj")
    if tensors:
        sys.exit(f"{folder}: tensors that this network has not: {', '.join(tensors)}")
    network.load_state_dict(weights)
    return network, json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]


def read_rows(lines, words):
    """Rows by ingredient. A row is a line of words from <bos> on, or a line of tokens; `NAME, row 7` names the ingredient
    of those that follow, as `cratylus corpus FILE --show N` prints them; all else is passed over."""
    rows, ingredient = {}, None
    for line in lines:
        heading, found = re.match(r"(\S.*), row \d+$", line), line.split()
        if heading:
            ingredient = heading[1]
        elif found and found[0] == BEGIN:
            rows.setdefault(ingredient, []).append([words.get(word, 0) for word in found])
        elif found and all(word.isdecimal() for word in found):
            rows.setdefault(ingredient, []).append([int(word) for word in found])
    return rows


@torch.inference_mode()
def loss(network, row):
    """The sum of a row's losses in nats, and of how many tokens."""
    tokens = torch.tensor(row[: len(network.cos) + 1])
    if len(tokens) < 2:
        return 0.0, 0
    padded = nn.functional.pad(tokens[:-1], (0, len(network.cos) + 1 - len(tokens)))
    logits = network(padded[None])[0, : len(tokens) - 1]
    return cross_entropy(logits, tokens[1:], reduction="none").double().sum().item(), len(tokens) - 1


def check(folder):
    """Prints the loss of rows by ingredient, beside that of the model's card; gives whether all agree to 1e-4."""
    network, words = read_model(folder)
    card = folder / "card.json"
    judged = json.loads(card.read_text())["judged"] if card.exists() else []
    rows, good = read_rows(sys.stdin, words), True
    if not rows:
        sys.exit("there are no rows; they are read from standard input, a line each")
    for ingredient, own in rows.items():
        sums, tokens = map(sum, zip(*(loss(network, row) for row in own)))
        line = {"peer": "PyTorch", "version": torch.__version__, "ingredient": ingredient, "rows": len(own), "tokens": tokens, "loss": sums / max(1, tokens)}
        # The card has the loss of the first rows of each ingredient, and of how many.
        for one in judged:
            if one["ingredient"] == ingredient and one["rows"] == len(own) and one["read"] is not None:
                line |= {"card": one["read"], "apart": abs(one["read"] - line["loss"])}
                good &= line["apart"] < 1e-4
        print(json.dumps(line))
    return good


def main():
    parser = argparse.ArgumentParser(prog=sys.argv[0], allow_abbrev=False)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--size", choices=SIZES, help="train a network of this size, and time it")
    what.add_argument("--check", type=pathlib.Path, metavar="MODEL", help="a folder that cratylus train wrote; rows come from standard input")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds that are timed, at least")
    parser.add_argument("--seed", type=peer.at_least(0, 2**31 - 1), default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)

    if args.check:
        sys.exit(not check(args.check))
    weights, tokens, seconds = train(SIZES[args.size], args.seconds, args.seed)
    line = {"peer": "PyTorch", "version": torch.__version__, "size": args.size, "weights": weights, "tokens": tokens}
    print(json.dumps(line | {"cpu_seconds": seconds, "rate": tokens / seconds}))


if __name__ == "__main__":
    main()
