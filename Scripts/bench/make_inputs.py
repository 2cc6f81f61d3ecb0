"""Writes what the benchmarks run on: a model of GPT-2 small's shape with random weights, and two corpora of tokens.

    make_inputs.py FOLDER [--llama]

FOLDER/gpt2-small-random: config.json and model.safetensors in Hugging Face layout, float32, seed 0.
FOLDER/llama-1b-random, where it is asked for: the same of Llama's shape with a gated MLP and grouped queries, bfloat16.
FOLDER/even.jsonl: 32 documents of 512 tokens; half.jsonl: 16 of them. FOLDER/ragged.jsonl: documents of 5 to 500 tokens,
about 16,384 in all.
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


def llama(folder):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=32000, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192, rope_theta=500000.0, bos_token_id=1, eos_token_id=2)
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)


def corpus(path, lengths):
    generator = random.Random(0)
    with open(path, "w") as file:
        for number, length in enumerate(lengths):
            tokens = [generator.randrange(32000) for _ in range(length)]
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
    if "--llama" in sys.argv and not (folder / "llama-1b-random" / "model.safetensors").exists():
        llama(folder / "llama-1b-random")
    corpus(folder / "even.jsonl", [512] * 32)
    corpus(folder / "half.jsonl", [512] * 16)
    corpus(folder / "ragged.jsonl", ragged_lengths(16384))


main()
