"""What the lens and the heads of three tiny models must show, computed by PyTorch, NumPy and TransformerLens.

Run with torch, transformers and transformer-lens: python Scripts/references/lens.py
Writes Tests/InterventionsTests/Fixtures/lens.json. The models are those of Tests/TransformerTests/Fixtures.
"""

import json
import pathlib

import numpy as np
import torch
from transformer_lens import head_detector
from transformers import AutoModelForCausalLM

TESTS = pathlib.Path(__file__).resolve().parents[2] / "Tests"
MODELS = ["gpt2", "llama", "gemma2"]


def numbers(values):
    return [float(f"{value:.9g}") for value in np.asarray(values, dtype=np.float64).reshape(-1)]


def parts(name, model):
    """The blocks, the final norm and the modules that read the stream between attention and MLP."""
    if name == "gpt2":
        return model.transformer.h, model.transformer.ln_f, [block.ln_2 for block in model.transformer.h]
    blocks = model.model.layers
    middle = [b.pre_feedforward_layernorm if name == "gemma2" else b.post_attention_layernorm for b in blocks]
    return blocks, model.model.norm, middle


def head(name, model, stream):
    """The final norm with each stream's own scale, then the unembedding and what bends its result."""
    logits = model.lm_head(parts(name, model)[1](stream))
    if name == "gemma2":
        cap = model.config.final_logit_softcapping
        logits = torch.tanh(logits / cap) * cap
    return logits


def lens(name, model, ids):
    blocks, _, middle = parts(name, model)
    found = {}
    hooks = [
        module.register_forward_pre_hook(lambda _, args, layer=layer: found.__setitem__(layer, args[0]))
        for layer, module in enumerate(middle)
    ]
    with torch.no_grad():
        result = model(ids, output_hidden_states=True)
        for hook in hooks:
            hook.remove()
        streams = [result.hidden_states[0]]
        for layer in range(len(blocks)):
            streams.append(found[layer])
            if layer + 1 < len(blocks):
                streams.append(result.hidden_states[layer + 1])
        rows = [head(name, model, stream)[0] for stream in streams] + [result.logits[0]]
    rows = [row.double().log_softmax(-1) for row in rows]
    return {
        "log_probabilities": [numbers(row) for row in rows],
        "entropy": [numbers(-(row.exp() * row).sum(-1)) for row in rows],
        "divergence": [numbers((rows[-1].exp() * (rows[-1] - row)).sum(-1)) for row in rows],
    }


def tuned(name, model, ids, seed):
    """The gradient of the mean divergence by random translators, by autograd."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        result = model(ids, output_hidden_states=True)
        output = result.logits[0].log_softmax(-1)
    sites = []
    for stream in result.hidden_states[:-1]:
        width = stream.shape[-1]
        weights = (0.1 * torch.randn(width, width, generator=generator)).requires_grad_()
        bias = (0.1 * torch.randn(width, generator=generator)).requires_grad_()
        translated = stream + stream @ weights.T + bias
        own = head(name, model, translated)[0].log_softmax(-1)
        loss = (output.exp() * (output - own)).sum(-1).mean()
        loss.backward()
        sites.append(
            {
                "weights": numbers(weights.detach()),
                "bias": numbers(bias.detach()),
                "loss": loss.item(),
                "weights_gradient": numbers(weights.grad),
                "bias_gradient": numbers(bias.grad),
            }
        )
    return sites


def scores(model, ids):
    """Scores of each head on one text, straight from their definitions; TransformerLens's beside them."""
    tokens = ids[0].tolist()
    with torch.no_grad():
        patterns = model(ids, output_attentions=True).attentions
    detections = {
        kind: getattr(head_detector, f"get_{kind}_head_detection_pattern")(ids)
        for kind in ["previous_token", "duplicate_token", "induction"]
    }
    places = {
        "previous": [[q - 1] if q > 0 else [] for q in range(len(tokens))],
        "duplicate": [[k for k in range(q) if tokens[k] == tokens[q]] for q in range(len(tokens))],
        "induction": [[k for k in range(1, q + 1) if tokens[k - 1] == tokens[q]] for q in range(len(tokens))],
    }
    layers = []
    for pattern in patterns:
        heads = []
        for own in pattern[0]:
            values = own.double().numpy()
            entry = {
                kind: float(np.mean([values[q, keys].sum() for q, keys in enumerate(some) if keys]))
                for kind, some in places.items()
            }
            later = values[1:]
            entry["first"] = float(later[:, 0].mean())
            logs = np.log(np.where(later > 0, later, 1))
            entry["entropy"] = float(-(later * logs).sum(1).mean())
            entry["detected"] = [
                head_detector.compute_head_attention_similarity_score(
                    own, detection, exclude_bos=False, exclude_current_token=False, error_measure="mul"
                )
                for detection in detections.values()
            ]
            heads.append(entry)
        layers.append(heads)
    return layers


def circuits(name, model):
    """W_Q, W_K, W_V [d_model, d_head] and W_O [d_head, d_model] of each head, with the norms beside them folded in."""
    config = model.config
    width, count = config.hidden_size, config.num_attention_heads
    layers = []
    for block in parts(name, model)[0]:
        double = lambda tensor: tensor.detach().double().numpy()
        if name == "gpt2":
            q, k, v = np.split(double(block.attn.c_attn.weight), 3, axis=1)
            o = double(block.attn.c_proj.weight)
            before = (np.eye(width) - 1 / width) @ np.diag(double(block.ln_1.weight))
            behind = np.eye(width)
            shared = 1
        else:
            q, k, v, o = (double(getattr(block.self_attn, f"{part}_proj").weight).T for part in "qkvo")
            offset = 1 if name == "gemma2" else 0
            before = np.diag(double(block.input_layernorm.weight) + offset)
            behind = (
                np.diag(double(block.post_attention_layernorm.weight) + 1) if name == "gemma2" else np.eye(width)
            )
            shared = count // config.num_key_value_heads
        size = q.shape[1] // count
        cut = lambda matrix, head: matrix[:, head * size : (head + 1) * size]
        layers.append(
            [
                {
                    "q": before @ cut(q, head),
                    "k": before @ cut(k, head // shared),
                    "v": before @ cut(v, head // shared),
                    "o": o[head * size : (head + 1) * size] @ behind,
                }
                for head in range(count)
            ]
        )
    return layers


def balance(matrix):
    values = np.linalg.eigvals(matrix)
    return float(values.sum().real / np.abs(values).sum())


def weights(name, model):
    made = circuits(name, model)
    double = lambda tensor: tensor.detach().double().numpy()
    embed, unembed = double(model.get_input_embeddings().weight), double(model.lm_head.weight)
    norm = parts(name, model)[1]
    width = embed.shape[1]
    final = np.diag(double(norm.weight) + (1 if name == "gemma2" else 0))
    if name == "gpt2":
        final = (np.eye(width) - 1 / width) @ final
    copying = [[balance(embed @ h["v"] @ h["o"] @ final @ unembed.T) for h in layer] for layer in made]
    result = {"copying": copying}
    if name == "gpt2":
        result["matching"] = [[balance(embed @ h["q"] @ h["k"].T @ embed.T) for h in layer] for layer in made]
    pairs = []
    size = np.linalg.norm
    for later in range(len(made)):
        for earlier in range(later):
            for i, a in enumerate(made[earlier]):
                for j, b in enumerate(made[later]):
                    ov, ov2, qk = a["v"] @ a["o"], b["v"] @ b["o"], b["q"] @ b["k"].T
                    entry = {
                        "from": f"L{earlier}H{i}",
                        "to": f"L{later}H{j}",
                        "value": size(ov @ ov2) / size(ov) / size(ov2),
                    }
                    if name == "gpt2":
                        entry["query"] = size(ov @ qk) / size(ov) / size(qk)
                        entry["key"] = size(qk @ ov.T) / size(ov) / size(qk)
                    pairs.append(entry)
    result["composition"] = pairs
    return result


def main():
    generator = np.random.default_rng(12)
    result = {}
    for number, name in enumerate(MODELS):
        model = AutoModelForCausalLM.from_pretrained(
            TESTS / "TransformerTests/Fixtures" / name, attn_implementation="eager", dtype=torch.float32
        ).eval()
        if name == "gemma2":
            # As where the model runs in the type that it is stored in.
            scale = model.model.embed_tokens.embed_scale
            scale.copy_(scale.bfloat16().float())
        # Few different tokens, so that copies of all kinds occur.
        ids = torch.tensor([generator.integers(0, 8, size=14).tolist()])
        result[name] = {
            "ids": ids[0].tolist(),
            "lens": lens(name, model, ids),
            "tuned": tuned(name, model, ids, number),
            "heads": scores(model, ids),
            "weights": weights(name, model),
        }
    path = TESTS / "InterventionsTests/Fixtures/lens.json"
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
