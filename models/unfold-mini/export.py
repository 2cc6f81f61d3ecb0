"""Writes a checkpoint in Hugging Face layout: float16 weights and config.json.

    python export.py CHECKPOINT
"""
import json
import sys

import torch
from safetensors.torch import save_file

from data import BEGIN, HERE
from model import CONTEXT, HEADS, LAYERS, NEURONS, VOCABULARY, WIDTH

CONFIG = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
    "vocab_size": VOCABULARY, "n_positions": CONTEXT, "n_ctx": CONTEXT,
    "n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_inner": NEURONS,
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
    "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0,
    "scale_attn_weights": True, "tie_word_embeddings": True,
    "bos_token_id": BEGIN, "eos_token_id": BEGIN, "torch_dtype": "float16",
}
NAMES = {"c_attn": "attn.c_attn", "attn_proj": "attn.c_proj", "c_fc": "mlp.c_fc", "mlp_proj": "mlp.c_proj"}


def convert(model):
    """GPT-2's names; the matrices of its blocks stand as [in, out]."""
    out = {}
    for name, value in model.items():
        for mine, theirs in NAMES.items():
            if f".{mine}." in name:
                name = name.replace(f".{mine}.", f".{theirs}.")
                value = value.t() if value.ndim == 2 else value
                break
        out[f"transformer.{name}"] = value.to(torch.float16).contiguous()
    return out


def main(checkpoint):
    saved = torch.load(checkpoint, weights_only=False)
    save_file(convert(saved["model"]), str(HERE / "model.safetensors"), metadata={"format": "pt"})
    (HERE / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    print(f"exported after {saved['tokens']} tokens, {saved['step']} steps")


if __name__ == "__main__":
    main(sys.argv[1])
