"""Puts the bits-per-byte table and three samples into README.md, between its markers.

    python card.py
"""
import re

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from data import HERE

PROMPTS = ["The old woman opened the door and", "def read_lines(path):\n", "Le lendemain matin,"]


def samples():
    tokenizer = AutoTokenizer.from_pretrained(str(HERE))
    model = GPT2LMHeadModel.from_pretrained(str(HERE), dtype=torch.float32).eval()
    for prompt in PROMPTS:
        torch.manual_seed(1)
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=90, do_sample=True,
                              temperature=0.7, top_k=40, pad_token_id=tokenizer.eos_token_id)[0]
        yield f"```text\n{tokenizer.decode(made, skip_special_tokens=True).strip()}\n```\n"


def put(text, name, body):
    block = f"<!-- {name} -->\n{body}<!-- end of {name} -->"
    return re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _: block, text, flags=re.S)


def main():
    card = HERE / "README.md"
    text = card.read_text()
    text = put(text, "table", (HERE / "evaluation.md").read_text())
    text = put(text, "samples", "\n".join(samples()))
    card.write_text(text)


if __name__ == "__main__":
    main()
