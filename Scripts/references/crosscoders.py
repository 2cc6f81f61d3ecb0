#!/usr/bin/env python3
"""Losses, gradients and weights after three steps of training crosscoders, by PyTorch's autograd and Adam.

    python Scripts/references/crosscoders.py > Tests/DictionariesTests/Fixtures/crosscoders.json

Written from Lindsey et al. 2024 (Sparse Crosscoders for Cross-Layer Features and Model Diffing), in float64 (torch 2.13),
site by site: nothing is joined. Each site has an encoder, a decoder, a bias and a scale of its own.
"""

import json

import torch

from rounding import rounded

torch.set_default_dtype(torch.float64)
WIDTHS, F, B, RATE = [6, 4, 5], 16, 12, 0.01


def largest(p, count):
    values, indices = p.relu().topk(count, dim=-1)
    return torch.zeros_like(p).scatter(-1, indices, values)


def loss_of(case, w, sites):
    p = w["encoderBias"]
    for l, x in enumerate(sites):
        p = p + (x - w[f"decoderBias{l}"] if case["centred"] else x) @ w[f"encoder{l}"].T
    # What a latent counts with: the sum of its norms, not the norm of all.
    norms = sum(w[f"decoder{l}"].norm(dim=1) for l in range(len(sites)))
    sparsity, auxiliary = torch.tensor(0.0), torch.tensor(0.0)
    kind = case["architecture"]
    if kind == "topk":
        f = largest(p * norms, case["k"]) / norms
    elif kind == "batchtopk":
        f = largest((p * norms).flatten(), case["k"] * B).reshape(p.shape) / norms
    elif kind == "jumprelu":
        # The bandwidth is so small that no product lies within it: the thresholds get no gradient.
        f = p * (p > w["threshold"].detach())
        sparsity = case["sparsity"] * torch.tanh(4 * f * norms).sum(-1).mean()
    else:
        f = p.relu()
        sparsity = case["sparsity"] * (f * norms).sum(-1).mean()
    reconstruction = torch.tensor(0.0)
    errors = []
    for l, x in enumerate(sites):
        error = x - f @ w[f"decoder{l}"] - w[f"decoderBias{l}"]
        errors.append(error.detach())
        reconstruction = reconstruction + error.square().sum(-1).mean()
    if case.get("dead"):
        dead, wanted = case["dead"], case["auxiliaryK"]
        values = largest((p * norms)[:, dead], min(wanted, len(dead))) / norms[dead]
        weight = case["auxiliaryWeight"] * min(1, len(dead) / wanted)
        missed = sum((values @ w[f"decoder{l}"][dead] - e).square().sum() for l, e in enumerate(errors))
        auxiliary = weight * missed / sum((e - e.mean(0)).square().sum() for e in errors)
    return reconstruction, sparsity, auxiliary


def joined(w, gradient=False):
    """The arrays as one dictionary on the sites side by side has them."""
    def part(name):
        value = w[name].grad if gradient else w[name]
        return (torch.zeros_like(w[name]) if value is None else value).detach()

    sites = range(len(WIDTHS))
    result = {
        "encoder": torch.cat([part(f"encoder{l}") for l in sites], 1),
        "encoderBias": part("encoderBias"),
        "decoder": torch.cat([part(f"decoder{l}") for l in sites], 1),
        "decoderBias": torch.cat([part(f"decoderBias{l}") for l in sites]),
    }
    if "threshold" in w and not gradient:
        result["threshold"] = part("threshold")
    return {name: value.flatten().tolist() for name, value in result.items()}


def run(name, **case):
    torch.manual_seed(len(name) * 7919 + 5)
    case = {"centred": True} | case
    w = {"encoderBias": torch.randn(F) * 0.1}
    for l, n in enumerate(WIDTHS):
        # Norms that differ from latent to latent and from site to site.
        direction = torch.randn(F, n)
        w[f"decoder{l}"] = direction / direction.norm(dim=1, keepdim=True) * torch.rand(F, 1).mul(1.5).add(0.1)
        w[f"encoder{l}"] = torch.randn(F, n) * 0.3
        w[f"decoderBias{l}"] = torch.randn(n) * 0.1
    if case["architecture"] == "jumprelu":
        w["threshold"] = torch.full((F,), 0.2)
    w = {key: value.float().double().requires_grad_() for key, value in w.items()}
    # Sites of unequal lengths, each brought to a mean norm of √n.
    raw = [(torch.randn(B, n) * (3.0 ** l) + 0.3).float().double() for l, n in enumerate(WIDTHS)]
    scales = [n**0.5 / x.norm(dim=1).mean() for n, x in zip(WIDTHS, raw)]
    sites = [x * s for x, s in zip(raw, scales)]
    result = {"name": name, "widths": WIDTHS, "latents": F, "rows": B, "rate": RATE} | case
    result |= {"x": torch.cat(raw, 1).flatten().tolist(), "scales": [float(s) for s in scales], "start": joined(w)}
    optimizer = torch.optim.Adam([value for key, value in w.items() if key != "threshold"], lr=RATE)
    for step in range(3):
        optimizer.zero_grad()
        parts = loss_of(case, w, sites)
        sum(parts).backward()
        if step == 0:
            result["loss"] = [float(part) for part in parts]
            result["gradients"] = joined(w, gradient=True)
        optimizer.step()
    result["after"] = joined(w)
    # What the finished crosscoder makes of the activations as they are.
    with torch.no_grad():
        p = w["encoderBias"]
        for l, x in enumerate(sites):
            p = p + (x - w[f"decoderBias{l}"] if case["centred"] else x) @ w[f"encoder{l}"].T
        norms = sum(w[f"decoder{l}"].norm(dim=1) for l in range(len(WIDTHS)))
        f = largest(p * norms, case["k"]) / norms if case["architecture"] == "topk" else p.relu()
        rebuilt = [(f @ w[f"decoder{l}"] + w[f"decoderBias{l}"]) / s for l, s in enumerate(scales)]
        if case["architecture"] in ("topk", "standard"):
            result["rebuilt"] = torch.cat(rebuilt, 1).flatten().tolist()
            result["norms"] = torch.stack([w[f"decoder{l}"].norm(dim=1) for l in range(len(WIDTHS))], 1).flatten().tolist()
            result["fvu"] = [
                float((x - y).square().sum() / (x - x.mean(0)).square().sum()) for x, y in zip(raw, rebuilt)
            ]
            result["fvuOfAll"] = float(
                sum(((x - y) * s).square().sum() for x, y, s in zip(raw, rebuilt, scales))
                / sum(((x - x.mean(0)) * s).square().sum() for x, s in zip(raw, scales))
            )
    return result


cases = [
    run("standard", architecture="standard", sparsity=0.3),
    run("standard, input as it is", architecture="standard", sparsity=0.3, centred=False),
    run("topk", architecture="topk", k=3),
    run("topk with dead latents", architecture="topk", k=3, dead=[1, 4, 5, 11, 12], auxiliaryK=3, auxiliaryWeight=0.5),
    run("batchtopk", architecture="batchtopk", k=3),
    run("jumprelu, tanh", architecture="jumprelu", sparsity=0.2, bandwidth=1e-6, penalty="tanh"),
]
print(json.dumps(rounded(cases), separators=(",", ":")))
