#!/usr/bin/env python3
"""Makes the fixtures of InterventionsTests that have to do with steering.

    python3 Scripts/references/steering.py

Pinned: torch 2.13.0, transformers 5.23.0, safetensors 0.8.0, gguf 0.19.0, repeng 0.4.0.

repeng.gguf          repeng's own `ControlVector.export_gguf`: element j of layer n is n + j / 256
bare.safetensors     a vector in float16, one too short, a matrix
steering.safetensors for each of three tiny models of TransformerTests, run by Hugging Face in float64 with a plain
                     forward hook behind one block:
  <model>/ids          a document
  <model>/vector       added with strength 3 at every token: <model>/all, the logits of every token
                       added from the fifth token on: <model>/from4
  <model>/encoder, encoder_bias, decoder, decoder_bias
                       a ReLU dictionary of that place, [features, width]; its feature 2 set to 4 by adding
                       (4 - activation) * decoder row at every token: <model>/clamp; the activations: <model>/activations
"""
from pathlib import Path

import numpy as np
import torch
np.float_ = np.float64  # repeng 0.4.0 names a type that numpy 2 has not
from repeng import ControlVector
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

OUT = Path(__file__).parents[2] / "Tests/InterventionsTests/Fixtures"


def files():
    row = np.arange(256, dtype=np.float32) / 256
    ControlVector("gpt2", {n: n + row for n in (3, 2, 1)}).export_gguf(OUT / "repeng.gguf")
    save_file({"half": torch.tensor(row).half(), "short": torch.ones(255), "matrix": torch.ones(2, 128)},
              OUT / "bare.safetensors")


def logits(model, layer, ids, edit):
    """The logits of every token, with `edit` on what the block puts out."""
    def hook(_, __, output):
        if isinstance(output, tuple):
            return (edit(output[0]),) + output[1:]
        return edit(output)
    blocks = model.transformer.h if hasattr(model, "transformer") else model.model.layers
    handle = blocks[layer].register_forward_hook(hook)
    with torch.no_grad():
        out = model(ids[None]).logits[0]
    handle.remove()
    return out


def steering():
    torch.manual_seed(0)
    tensors = {}
    for name in ("gpt2", "llama", "gemma2"):
        folder = OUT.parents[1] / "TransformerTests/Fixtures" / name
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").double().eval()
        width, layer = model.config.hidden_size, 1
        ids = torch.randint(3, model.config.vocab_size, (12,))
        vector = torch.randn(width).double()
        encoder, decoder = torch.randn(6, width).double() / width**0.5, torch.randn(6, width).double()
        encoder_bias, decoder_bias = torch.randn(6).double(), torch.randn(width).double()
        encoder_bias[2] = 0.5  # active at some tokens, silent at others
        seen = {}

        def clamp(x):
            a = torch.relu((x - decoder_bias) @ encoder.T + encoder_bias)[..., 2:3]
            seen["activations"] = a[0, :, 0]
            return x + (4 - a) * decoder[2]

        behind = (torch.arange(len(ids)) >= 4)[:, None]
        out = dict(
            ids=ids.int(), vector=vector, encoder=encoder, encoder_bias=encoder_bias, decoder=decoder,
            decoder_bias=decoder_bias, all=logits(model, layer, ids, lambda x: x + 3 * vector),
            from4=logits(model, layer, ids, lambda x: x + 3 * behind * vector),
            clamp=logits(model, layer, ids, clamp), **seen)
        assert 0 < (seen["activations"] > 0).sum() < len(ids), seen
        for key, value in out.items():
            tensors[f"{name}/{key}"] = (value if value.dtype == torch.int32 else value.float()).contiguous()
    save_file(tensors, OUT / "steering.safetensors")


if __name__ == "__main__":
    files()
    steering()
