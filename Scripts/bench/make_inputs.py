"""Writes what the benchmarks run on: a model of GPT-2 small's shape with random weights, and two corpora of tokens.

    make_inputs.py FOLDER

FOLDER/gpt2-small-random: config.json and model.safetensors in Hugging Face layout, float32, seed 0.
FOLDER/even.jsonl: 32 documents of 512 tokens. FOLDER/ragged.jsonl: documents of 5 to 500 tokens, about 16,384 in all.
"""

import json
import pathlib
import random
import sys

import torch
import transformers


def model(folder):
    torch.manual_seed(0)
    config = transformers.GPT2Config(bos_token_id=None, eos_token_id=None)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder, safe_serialization=True)


def corpus(path, lengths):
    generator = random.Random(0)
    with open(path, "w") as file:
        for number, length in enumerate(lengths):
            tokens = [generator.randrange(50257) for _ in range(length)]
            file.write(json.dumps({"id": f"document-{number}", "tokens": tokens}) + "\n")


def ragged_lengths(total):
    generator = random.Random(1)
    while total > 0:
        length = min(generator.randint(5, 500), max(total, 5))
        yield length
        total -= length


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "gpt2-small-random" / "model.safetensors").exists():
        model(folder / "gpt2-small-random")
    corpus(folder / "even.jsonl", [512] * 32)
    corpus(folder / "ragged.jsonl", ragged_lengths(16384))


main()
