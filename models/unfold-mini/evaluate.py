"""Bits per byte on the held-out documents of every domain.

    python evaluate.py CORPUS [--documents N] [--model FOLDER] [--out evaluation.json]

Each document starts with the begin token, which is not scored. A document
longer than the context is read in windows of 512 that advance by 256; a
window after the first scores only its new tokens. The nats are summed over a
domain and divided by its bytes times ln 2. `gzip -9` and `xz -9` compress the
same documents, joined by a blank line. Writes evaluation.json and, next to
it, evaluation.md.
"""
import argparse
import gzip
import json
import lzma
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, GPT2LMHeadModel

from data import HERE, documents, domains, split

WINDOW, STRIDE = 512, 256
LANGUAGE = {"citations", "english-prose", "facts", "legal", "mathematics", "plays", "poetry", "qa",
            "recipes", "reviews", "speeches", "stories"}    # and every lang-*


def windows(ids):
    """(tokens to read, how many of the last ones to score)."""
    yield ids[:WINDOW], min(len(ids), WINDOW) - 1
    end = WINDOW
    while end < len(ids):
        new = min(STRIDE, len(ids) - end)
        end += new
        yield ids[end - WINDOW:end], new


@torch.no_grad()
def nats(model, documents):
    """The nats of all tokens of all documents; full windows go through eight at a time."""
    todo = [w for ids in documents for w in windows(ids) if w[1] > 0]
    todo.sort(key=lambda w: -len(w[0]))
    total = 0.0
    while todo:
        group = [w for w in todo[:8] if len(w[0]) == len(todo[0][0])]
        todo = todo[len(group):]
        read = torch.tensor([ids for ids, _ in group])
        for ids, states, (_, score) in zip(read, model.transformer(read).last_hidden_state, group):
            total += F.cross_entropy(model.lm_head(states[-score - 1:-1]), ids[-score:], reduction="sum").item()
    return total


def compressed(text):
    # `gzip -9` and `xz -9` as the command-line tools write them (headers included).
    raw = text.encode()
    return 8 * len(gzip.compress(raw, 9)) / len(raw), 8 * len(lzma.compress(raw, preset=9)) / len(raw)


def target(name, row):
    """The bits per byte to stay below, and what sets it."""
    if name == "english-prose":
        return 2.05, "2.05"
    if name in LANGUAGE or name.startswith("lang-"):
        return 0.8 * row["xz"], "0.8 xz"
    return row["gzip"], "gzip"


def table(rows):
    lines = ["| domain | documents | bytes | unfold-mini | gzip -9 | xz -9 | target | |", "|---|--:|--:|--:|--:|--:|--:|---|"]
    for name, row in rows.items():
        goal, why = target(name, row)
        gap = row["model"] - goal
        verdict = "met" if gap <= 0 else f"missed by {gap:.2f}"
        lines.append(f"| {name} | {row['documents']} | {row['bytes']} | **{row['model']:.2f}** | {row['gzip']:.2f} "
                     f"| {row['xz']:.2f} | {goal:.2f} ({why}) | {verdict} |")
    whole = sum(r["bytes"] for r in rows.values())
    mean = {k: sum(r[k] * r["bytes"] for r in rows.values()) / whole for k in ("model", "gzip", "xz")}
    lines.append(f"| all, by bytes | {sum(r['documents'] for r in rows.values())} | {whole} | **{mean['model']:.2f}** "
                 f"| {mean['gzip']:.2f} | {mean['xz']:.2f} | | |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("--model", default=str(HERE))
    parser.add_argument("--documents", type=int, help="only the first N held-out documents a domain")
    parser.add_argument("--out", type=Path, default=HERE / "evaluation.json")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = GPT2LMHeadModel.from_pretrained(args.model, dtype=torch.float32,
                                            activation_function="gelu_pytorch_tanh").eval()  # gelu_new, faster
    rows = {}
    for name in domains(args.corpus):
        _, held = split(documents(args.corpus, name))
        texts = [doc["text"] for doc in held[:args.documents]]
        joined = "\n\n".join(texts)
        size = sum(len(t.encode()) for t in texts)
        total = nats(model, tokenizer(texts).input_ids)
        small, smaller = compressed(joined)
        rows[name] = {"documents": len(texts), "bytes": size, "model": total / size / math.log(2),
                      "gzip": small, "xz": smaller}
        print(f"{name:18} {rows[name]['model']:.3f} gzip {small:.2f} xz {smaller:.2f} "
              f"target {target(name, rows[name])[0]:.2f}", flush=True)
    args.out.write_text(json.dumps(rows, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(table(rows))


if __name__ == "__main__":
    main()
