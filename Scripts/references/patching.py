"""Activation and path patching by plain PyTorch hooks, on tiny random models: what `InterventionsTests` compares with.

    python Scripts/references/patching.py

Writes Tests/InterventionsTests/Fixtures/patching.json. The models are those of Tests/TransformerTests/Fixtures. Float64; each
cell is a run of its own, with the value of the other run put in by a hook on the module, so that nothing is shared with
how Unfold does it. The grids of GPT-2 are computed with TransformerLens's patching.py too, and must agree.
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "Tests/TransformerTests/Fixtures"
torch.set_grad_enabled(False)
torch.manual_seed(0)


def layers_of(model):
    inner = getattr(model, "transformer", None) or model.model
    return inner.h if hasattr(inner, "h") else inner.layers


def attention_of(layer):
    return layer.attn if hasattr(layer, "attn") else layer.self_attn


def output_of(attention):
    return attention.c_proj if hasattr(attention, "c_proj") else attention.o_proj


def inputs(module, args, kwargs):
    return args[0] if args else kwargs["hidden_states"]


class Runs:
    """A model's runs with values read and replaced at sites."""

    def __init__(self, name):
        self.model = AutoModelForCausalLM.from_pretrained(MODELS / name, dtype=torch.float64, attn_implementation="eager",
                                                          experts_implementation="eager")
        self.model.eval()
        if name.startswith("gemma"):
            # Gemma rounds √d_model to the type that its embedding is stored in, here bfloat16; in float64 the class does not.
            embedding = self.model.get_input_embeddings()
            self.model.lm_head.weight = torch.nn.Parameter(embedding.weight.clone())
            scale = torch.tensor(self.model.config.hidden_size**0.5, dtype=torch.float64)
            embedding.weight *= scale.to(torch.bfloat16).double() / scale
        self.layers = layers_of(self.model)
        self.heads = self.model.config.num_attention_heads

    def hook(self, site, layer, body):
        """Calls body(value) with the value at a site; what it returns takes the value's place."""
        block = self.layers[layer]
        if site == "resid_pre":
            def pre(module, args, kwargs):
                value = body(inputs(module, args, kwargs))
                return ((value, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": value})
            return block.register_forward_pre_hook(pre, with_kwargs=True)
        if site == "z":
            return output_of(attention_of(block)).register_forward_pre_hook(lambda module, args: (body(args[0]), *args[1:]))
        if site == "attn_out":
            # Behind the norm of the branch, where there is one.
            last = getattr(block, "post_attention_layernorm", None) if hasattr(block, "pre_feedforward_layernorm") else None
            def post(module, args, output):
                return (body(output[0]), *output[1:]) if isinstance(output, tuple) else body(output)
            return (last or attention_of(block)).register_forward_hook(post)
        if site == "mlp_out":
            last = getattr(block, "post_feedforward_layernorm", None) or block.mlp
            return last.register_forward_hook(lambda module, args, output: body(output))
        raise ValueError(site)

    def run(self, tokens, hooks=()):
        handles = [self.hook(*hook) for hook in hooks]
        try:
            return self.model(torch.tensor([tokens])).logits[0, -1]
        finally:
            for handle in handles:
                handle.remove()

    def values(self, tokens, sites):
        kept = {}

        def keep(key):
            def body(value):
                kept[key] = value.clone()
                return value
            return body

        logits = self.run(tokens, [(site, layer, keep((site, layer))) for site, layer in sites])
        return logits, kept


def replaced(value, other, position=None, head=None, heads=1):
    value = value.clone()
    rows = slice(None) if position is None else position
    width = value.shape[-1] // heads
    part = slice(None) if head is None else slice(head * width, (head + 1) * width)
    value[0, rows, part] = other[0, rows, part]
    return value


def grids(name, clean, corrupt, right, wrong):
    runs = Runs(name)
    every = [(site, layer) for site in ("resid_pre", "attn_out", "mlp_out", "z") for layer in range(len(runs.layers))]
    clean_logits, clean_values = runs.values(clean, every)
    corrupt_logits, corrupt_values = runs.values(corrupt, every)
    clean_difference = (clean_logits[right] - clean_logits[wrong]).item()
    corrupt_difference = (corrupt_logits[right] - corrupt_logits[wrong]).item()

    def reading(logits):
        logs = torch.log_softmax(logits, -1)
        reference = torch.log_softmax(clean_logits, -1)
        return [
            ((logits[right] - logits[wrong]).item() - corrupt_difference) / (clean_difference - corrupt_difference),
            logs[right].exp().item(), (reference.exp() * (reference - logs)).sum().item(),
        ]

    result = {"model": name, "clean": clean, "corrupt": corrupt, "right": right, "wrong": wrong,
              "clean_difference": clean_difference, "corrupt_difference": corrupt_difference, "grids": []}
    for direction, base, other in (("denoising", corrupt, clean_values), ("noising", clean, corrupt_values)):
        for site in ("resid_pre", "attn_out", "mlp_out"):
            cells = []
            for layer in range(len(runs.layers)):
                for position in range(len(clean)):
                    def body(value, layer=layer, position=position):
                        return replaced(value, other[(site, layer)], position)
                    cells.append(reading(runs.run(base, [(site, layer, body)])))
            result["grids"].append({"direction": direction, "site": site, "cells": cells})
        cells = []
        for layer in range(len(runs.layers)):
            for head in range(runs.heads):
                def body(value, layer=layer, head=head):
                    return replaced(value, other[("z", layer)], None, head, runs.heads)
                cells.append(reading(runs.run(base, [("z", layer, body)])))
        result["grids"].append({"direction": direction, "site": "z", "cells": cells})

    # Path patching by its definition: everything but the sender is frozen while the receiver's input is recorded. The
    # receiver is the last layer's attention (its input), then the logits.
    base, frozen, other = corrupt, corrupt_values, clean_values
    last = len(runs.layers) - 1

    def freeze(layers, sender, head):
        hooks = []
        for layer in layers:
            for site in ("z", "mlp_out"):
                def body(value, layer=layer, site=site):
                    if (site, layer) == ("z", sender):
                        return replaced(frozen[(site, layer)], other[(site, layer)], None, head, runs.heads)
                    return frozen[(site, layer)].clone()
                hooks.append((site, layer, body))
        return hooks

    direct, to_attention = [], []
    for layer in range(last):
        for head in range(runs.heads):
            direct.append(reading(runs.run(base, freeze(range(last + 1), layer, head))))
            recorded = {}

            def keep(value):
                recorded["z"] = value.clone()
                return value

            # The last layer's attention reads the frozen stream with the sender's change; its own z is recorded.
            runs.run(base, [*freeze(range(last), layer, head), ("z", last, keep)])
            to_attention.append(reading(runs.run(base, [("z", last, lambda value: recorded["z"])])))
    result["paths"] = {"logits": direct, "attention": to_attention}
    return result


def lens_agrees(case):
    """TransformerLens's own grids of the same pair, for GPT-2."""
    from transformer_lens import patching
    from transformer_lens.model_bridge import TransformerBridge

    path = str(MODELS / case["model"])
    weights = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float64, attn_implementation="eager",
                                                          experts_implementation="eager")
    tiny = TransformerBridge.boot_transformers(path, hf_model=weights, dtype=torch.float64, device="cpu").eval()
    clean, corrupt = torch.tensor([case["clean"]]), torch.tensor([case["corrupt"]])
    _, cache = tiny.run_with_cache(clean)

    def metric(logits):
        difference = logits[0, -1, case["right"]] - logits[0, -1, case["wrong"]]
        return (difference - case["corrupt_difference"]) / (case["clean_difference"] - case["corrupt_difference"])

    functions = {"resid_pre": patching.get_act_patch_resid_pre, "attn_out": patching.get_act_patch_attn_out,
                 "mlp_out": patching.get_act_patch_mlp_out, "z": patching.get_act_patch_attn_head_out_all_pos}
    for grid in case["grids"]:
        if grid["direction"] != "denoising":
            continue
        theirs = functions[grid["site"]](tiny, corrupt, cache, metric).flatten()
        ours = torch.tensor([cell[0] for cell in grid["cells"]], dtype=theirs.dtype)
        error = (theirs - ours).abs().max().item()
        print(case["model"], grid["site"], "TransformerLens differs by", error)
        assert error < 1e-5


def main():
    cases = []
    for name in ("gpt2", "llama", "gemma2", "mixtral"):
        generator = torch.Generator().manual_seed(7)
        vocabulary = AutoModelForCausalLM.from_pretrained(MODELS / name).config.vocab_size
        clean = torch.randint(3, vocabulary, (9,), generator=generator).tolist()
        corrupt = list(clean)
        corrupt[3] = (clean[3] + 5) % vocabulary
        corrupt[6] = (clean[6] + 2) % vocabulary
        case = grids(name, clean, corrupt, right=4, wrong=7)
        if name == "gpt2":
            lens_agrees(case)
        cases.append(case)
    for case in cases:
        for grid in case["grids"]:
            grid["cells"] = [[float(f"{value:.9g}") for value in cell] for cell in grid["cells"]]
        case["paths"] = {key: [[float(f"{v:.9g}") for v in cell] for cell in cells] for key, cells in case["paths"].items()}
    path = ROOT / "Tests/InterventionsTests/Fixtures/patching.json"
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
