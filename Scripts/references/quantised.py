#!/usr/bin/env python3
"""Makes the fixtures of TransformerTests whose safetensors hold quantised weights: gpt-oss in MXFP4, DeepSeek V3 and
Qwen 3 in F8_E4M3 with a scale a tile.

    python3 Scripts/references/quantised.py

Weights are rounded to values that the stored form holds exactly before anything is computed, so that what every site
must hold follows as in transformer.py, which says what the files are and pins the packages. Then the file is written
anew with those weights in their stored form.
"""
import json

import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from families import case as cases
from families.cases_rotating import COMMON

torch.set_default_dtype(torch.float64)
TILE = 8
FOURS = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
plain_rounding = cases.rounded


def is_eight(name):
    return name.endswith("_proj.weight") or name.endswith("_proj_with_mqa.weight")


def tiles(w):
    """A power of two for each tile, [⌈rows / 8⌉, ⌈columns / 8⌉]."""
    rows, columns = (w.shape[0] + TILE - 1) // TILE, (w.shape[1] + TILE - 1) // TILE
    padded = torch.zeros(rows * TILE, columns * TILE)
    padded[:w.shape[0], :w.shape[1]] = w.abs()
    largest = padded.view(rows, TILE, columns, TILE).amax((1, 3)).clamp_min(2.0 ** -40)
    return 2.0 ** torch.ceil(torch.log2(largest / 448))


def spread(scales, shape):
    return scales.repeat_interleave(TILE, 0).repeat_interleave(TILE, 1)[:shape[0], :shape[1]]


def eight(w):
    scales = tiles(w)
    return (w / spread(scales, w.shape)).float().to(torch.float8_e4m3fn), scales.float()


def from_eight(q, scales):
    return q.float().double() * spread(scales.double(), q.shape)


def four(w):
    """[experts, inputs, outputs] → codes [experts, outputs, inputs] and exponents [experts, outputs, inputs / 32]."""
    w = w.transpose(1, 2).contiguous()
    groups = w.view(*w.shape[:2], -1, 32)
    exponent = torch.floor(torch.log2(groups.abs().amax(-1).clamp_min(2.0 ** -40))) - 2
    scaled = groups / 2.0 ** exponent[..., None]
    nearest = (scaled.abs()[..., None] - FOURS).abs().argmin(-1)
    return nearest + 8 * (scaled < 0), exponent + 127


def from_four(codes, exponents):
    values = torch.cat([FOURS, -FOURS])[codes] * 2.0 ** (exponents[..., None] - 127)
    return values.flatten(-2).transpose(1, 2)


def rounding(model, dtype):
    plain_rounding(model, dtype)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if model.config.model_type == "gpt_oss":
                if name.endswith(("gate_up_proj", "down_proj")) and p.ndim == 3:
                    p.copy_(from_four(*four(p)))
            elif p.ndim == 2 and is_eight(name):
                p.copy_(from_eight(*eight(p)))
            elif p.ndim == 3:
                # Experts, which transformers holds in one tensor and stores one by one: gates and ups are two matrices.
                for expert in p:
                    halves = expert.chunk(2) if "gate_up" in name else [expert]
                    for part in halves:
                        part.copy_(from_eight(*eight(part)))


def stored(folder, kind):
    tensors, out = load_file(folder / "model.safetensors"), {}
    for name, w in tensors.items():
        w = w.double()
        if kind == "mxfp4" and name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            codes, exponents = four(w)
            assert torch.equal(from_four(codes, exponents), w), name
            out[name + "_blocks"] = (codes[..., 0::2] + 16 * codes[..., 1::2]).to(torch.uint8).contiguous()
            out[name + "_scales"] = exponents.to(torch.uint8)
        elif kind == "fp8" and is_eight(name):
            q, scales = eight(w)
            assert torch.equal(from_eight(q, scales), w), name
            out[name], out[name + "_scale_inv"] = q, scales
        else:
            out[name] = tensors[name]
    save_file(out, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = dict(quant_method=kind, modules_to_not_convert=["lm_head"]) | (
        dict(weight_block_size=[TILE, TILE], fmt="e4m3") if kind == "fp8" else {})
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    print(f"{folder.name}: {sum(f.stat().st_size for f in folder.iterdir()) / 1000:.0f} kB")


def make(name, kind, model):
    cases.case(name, model)
    stored(cases.OUT / name, kind)


cases.rounded = rounding
make("gpt_oss-mxfp4", "mxfp4", hf.GptOssForCausalLM(hf.GptOssConfig(**(COMMON | dict(
    hidden_size=32, head_dim=8, intermediate_size=32, num_local_experts=3, num_experts_per_tok=2, sliding_window=7,
    num_hidden_layers=2)))))
make("qwen3-f8", "fp8", hf.Qwen3ForCausalLM(hf.Qwen3Config(**(COMMON | dict(head_dim=6)))))
make("deepseek_v3-f8", "fp8", hf.DeepseekV3ForCausalLM(hf.DeepseekV3Config(**(COMMON | dict(
    num_key_value_heads=4, kv_lora_rank=10, q_lora_rank=12, qk_rope_head_dim=4, qk_nope_head_dim=6, v_head_dim=5,
    moe_intermediate_size=8, n_routed_experts=4, num_experts_per_tok=2, n_group=2, topk_group=1, n_shared_experts=1,
    first_k_dense_replace=1, hidden_size=24)))))
