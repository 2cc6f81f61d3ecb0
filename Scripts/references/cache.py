"""TransformerLens's arithmetic on a cache of activations, for `ActivationCacheTests`: accumulated_resid, decompose_resid,
stack_head_results and logit_attrs of a tiny random GPT-2.

    python Scripts/references/cache.py

Writes Tests/TransformerTests/Fixtures/cache.json. Float64, weights as they are (no folding, no centring); logit_attrs is told
the final norm's weight by multiplying the unembedding with it.
"""

import json
from pathlib import Path

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "Tests/TransformerTests/Fixtures/gpt2")
TOKENS, RIGHT, WRONG = [3, 7, 1, 9, 12, 4], 5, 2
torch.set_grad_enabled(False)

weights = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float64)
model = TransformerBridge.boot_transformers(MODEL, hf_model=weights, dtype=torch.float64, device="cpu").eval()
_, cache = model.run_with_cache(torch.tensor([TOKENS]))


def rounded(values):
    return [float(f"{value:.9g}") for value in values.flatten().tolist()]


result = {"tokens": TOKENS, "right": RIGHT, "wrong": WRONG}
stack, labels = cache.accumulated_resid(incl_mid=True, apply_ln=False, return_labels=True)
result["accumulated"] = {"labels": labels, "values": rounded(stack[:, 0, -1])}
stack, labels = cache.decompose_resid(apply_ln=False, return_labels=True)
result["decomposed"] = {"labels": labels, "values": rounded(stack[:, 0, -1])}
norm = weights.transformer.ln_f
direction = (weights.lm_head.weight[RIGHT] - weights.lm_head.weight[WRONG]) * norm.weight
scaled = cache.apply_ln_to_stack(stack, layer=-1, pos_slice=None)
result["logits"] = rounded(scaled[:, 0] @ direction)
heads = []
for layer in range(weights.config.n_layer):
    z = cache[f"blocks.{layer}.attn.hook_z"][0, -1].reshape(weights.config.n_head, -1)
    output = weights.transformer.h[layer].attn.c_proj.weight.reshape(weights.config.n_head, -1, weights.config.n_embd)
    heads.append(torch.einsum("hd,hdm->hm", z, output))
result["heads"] = rounded(torch.stack(heads))
path = ROOT / "Tests/TransformerTests/Fixtures/cache.json"
path.write_text(json.dumps(result) + "\n")
print(result["accumulated"]["labels"], result["decomposed"]["labels"], path.stat().st_size)
