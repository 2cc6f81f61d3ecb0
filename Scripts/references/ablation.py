#!/usr/bin/env python3
"""Makes the fixture of AblationReferenceTests: losses and divergences of tiny models without parts of them.

    python3 Scripts/references/ablation.py

Pinned: torch 2.13.0, transformers 5.23.0, transformer-lens 4.3.0. The tiny random GPT-2, Llama and Gemma 2 of TransformerTests
are run by Hugging Face in float64, with plain PyTorch hooks in the place of Unfold's: a neuron at what the last projection of the
MLP reads, a head at what the output projection of attention reads, a layer's attention and MLP at what is added to the stream (in
Gemma 2 behind the norms). Each is replaced by zero and by its mean over all tokens of all documents. TransformerLens, given the
weights of the same GPT-2, sets one head to zero.

Written to Tests/InterventionsTests/Fixtures/ablation.json: the documents' tokens, the clean loss, and for each item and
replacement the loss and KL(clean || ablated), in nats a prediction.
"""
import json, pathlib

import torch
import transformers
from safetensors import safe_open

ROOT = pathlib.Path(__file__).parents[2]
MODELS = ROOT / "Tests/TransformerTests/Fixtures"
torch.set_default_dtype(torch.float64)


def modules(model, kind):
    """Of each layer: what reads the neurons and the heads' values, and what gives what is added to the stream."""
    if kind == "gpt2":
        return [dict(neurons=b.mlp.c_proj, heads=b.attn.c_proj, attention=b.attn, mlp=b.mlp)
                for b in model.transformer.h]
    last = dict(llama=("self_attn", "mlp"), gemma2=("post_attention_layernorm", "post_feedforward_layernorm"))[kind]
    return [dict(neurons=b.mlp.down_proj, heads=b.self_attn.o_proj, attention=getattr(b, last[0]),
                 mlp=getattr(b, last[1])) for b in model.model.layers]


class Place:
    """Some columns of what a module reads or gives."""

    def __init__(self, module, columns, reads):
        self.module, self.columns, self.reads = module, columns, reads

    def hook(self, change):
        def apply(values):
            values = values.clone()
            values[..., self.columns] = change(values[..., self.columns])
            return values

        if self.reads:
            return self.module.register_forward_pre_hook(lambda _, inputs: (apply(inputs[0]), *inputs[1:]))
        return self.module.register_forward_hook(
            lambda _, __, out: (apply(out[0]), *out[1:]) if isinstance(out, tuple) else apply(out))


def logits(model, documents, hooks=()):
    handles = [place.hook(change) for place, change in hooks]
    with torch.no_grad():
        result = [model(torch.tensor(d)[None], use_cache=False).logits[0].log_softmax(-1) for d in documents]
    for handle in handles:
        handle.remove()
    return result


def compare(documents, clean, other):
    loss = sum(-o[:-1].gather(1, torch.tensor(d[1:])[:, None]).sum() for d, o in zip(documents, other))
    kl = sum((c.exp() * (c - o))[:-1].sum() for c, o in zip(clean, other))
    count = sum(len(d) - 1 for d in documents)
    return dict(loss=(loss / count).item(), kl=(kl / count).item())


def main():
    result = {}
    for kind in ("gpt2", "llama", "gemma2"):
        model = transformers.AutoModelForCausalLM.from_pretrained(
            MODELS / kind, attn_implementation="eager", dtype=torch.float64).eval()
        if kind == "gemma2":
            # As in the file's own type, in which Gemma was trained.
            scale = model.model.embed_tokens.embed_scale
            with safe_open(MODELS / kind / "model.safetensors", "pt") as file:
                stored = file.get_tensor("model.embed_tokens.weight").dtype
            model.model.embed_tokens.embed_scale = torch.tensor(scale.item()).to(stored).double()
        generator = torch.Generator().manual_seed(12)
        vocabulary = model.config.vocab_size
        documents = [torch.randint(vocabulary, (n,), generator=generator).tolist() for n in (9, 5, 14, 2, 11, 7)]
        layers = modules(model, kind)
        heads = model.config.num_attention_heads
        width = getattr(model.config, "head_dim", None) or model.config.hidden_size // heads
        d = model.config.hidden_size
        items = {
            "L0.3": [Place(layers[0]["neurons"], slice(3, 4), True)],
            "L1.7": [Place(layers[1]["neurons"], slice(7, 8), True)],
            "L0.H1": [Place(layers[0]["heads"], slice(width, 2 * width), True)],
            "L1.H0": [Place(layers[1]["heads"], slice(0, width), True)],
            "L1.attention": [Place(layers[1]["attention"], slice(0, d), False)],
            "L0.mlp": [Place(layers[0]["mlp"], slice(0, d), False)],
            "L1": [Place(layers[1]["attention"], slice(0, d), False), Place(layers[1]["mlp"], slice(0, d), False)],
        }
        clean = logits(model, documents)
        out = dict(documents=documents, clean=compare(documents, clean, clean)["loss"], zero={}, mean={})
        for name, places in items.items():
            out["zero"][name] = compare(documents, clean, logits(model, documents, [(p, torch.zeros_like) for p in places]))
            means = []
            for place in places:
                seen = []
                logits(model, documents, [(place, lambda v: (seen.append(v.reshape(-1, v.shape[-1])), v)[1])])
                means.append(torch.cat(seen).mean(0))
            out["mean"][name] = compare(
                documents, clean,
                logits(model, documents, [(p, lambda v, m=m: m.expand_as(v)) for p, m in zip(places, means)]))
        if kind == "gpt2":
            out["lens"] = lens(documents, clean, "L1.H0", out["zero"])
        result[kind] = out
    path = ROOT / "Tests/InterventionsTests/Fixtures/ablation.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")


def lens(documents, clean, item, zero):
    """The same head set to zero by TransformerLens."""
    from transformer_lens.model_bridge import TransformerBridge
    model = TransformerBridge.boot_transformers(str(MODELS / "gpt2"), device="cpu", dtype=torch.float64)

    def clear(z, hook):
        z = z.clone()
        z.view(*z.shape[:2], model.cfg.n_heads, -1)[:, :, 0] = 0
        return z

    with torch.no_grad():
        own = [model(torch.tensor(d)[None])[0].log_softmax(-1) for d in documents]
        cleared = [model.run_with_hooks(torch.tensor(d)[None], fwd_hooks=[("blocks.1.attn.hook_z", clear)])[0]
                   .log_softmax(-1) for d in documents]
    difference = max((a - b).abs().max().item() for a, b in zip(own, clean))
    found = compare(documents, clean, cleared)
    print("TransformerLens: clean differs by", difference, "loss", found["loss"], "by hooks", zero[item]["loss"])
    assert difference < 1e-6
    return {item: found}


if __name__ == "__main__":
    main()
