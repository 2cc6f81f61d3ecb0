#!/usr/bin/env python3
"""Losses, gradients and weights after three steps of training sparse dictionaries, by PyTorch's autograd and Adam.

    python Scripts/references/dictionary_training.py > Tests/DictionariesTests/Fixtures/training.json

Written from the papers' formulas, in float64 (torch 2.13). Losses are sums over columns and means over rows.
"""

import json

import torch

from rounding import rounded

torch.set_default_dtype(torch.float64)
D, F, B, RATE = 6, 16, 12, 0.01


class Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p, threshold, width):
        ctx.save_for_backward(p, threshold)
        ctx.width = width
        return p * (p > threshold)

    @staticmethod
    def backward(ctx, g):
        p, threshold = ctx.saved_tensors
        near = ((p - threshold).abs() < ctx.width / 2).double()
        return (p > threshold) * g, -(threshold / ctx.width * near * g).sum(0), None


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p, threshold, width):
        ctx.save_for_backward(p, threshold)
        ctx.width = width
        return (p > threshold).double()

    @staticmethod
    def backward(ctx, g):
        p, threshold = ctx.saved_tensors
        near = ((p - threshold).abs() < ctx.width / 2).double()
        return None, -(near / ctx.width * g).sum(0), None


def largest(p, k):
    values, indices = p.relu().topk(k, dim=-1)
    return torch.zeros_like(p).scatter(-1, indices, values)


def loss_of(case, w, x, y):
    kind = case["architecture"]
    centred = x if case["transcoder"] else x - w["decoderBias"]
    p = centred @ w["encoder"].T + w["encoderBias"]
    norms = w["decoder"].norm(dim=1)
    gate = None
    sparsity = torch.tensor(0.0)
    # Where directions are free, the largest p·‖d‖ are selected, and added along d/‖d‖.
    scale = norms if kind in ("topk", "batchtopk", "matryoshka") and not case["unit"] else torch.ones(F)
    if kind == "topk":
        f = largest(p * scale, case["k"]) / scale
    elif kind in ("batchtopk", "matryoshka"):
        f = largest((p * scale).flatten(), case["k"] * len(x)).reshape(p.shape) / scale
    elif kind == "standard":
        f = p.relu()
        sparsity = case["sparsity"] * (f * norms).sum(-1).mean()
    elif kind == "gated":
        gate = p.relu()
        magnitude = (centred @ w["encoder"].T) * w["magnitudeScale"].exp() + w["magnitudeBias"]
        f = (p > 0) * magnitude.relu()
        sparsity = case["sparsity"] * (gate * norms).sum(-1).mean()
    else:
        f = Jump.apply(p, w["threshold"], case["bandwidth"])
        if case["penalty"] == "step":
            sparsity = case["sparsity"] * Step.apply(p, w["threshold"], case["bandwidth"]).sum(-1).mean()
        else:
            sparsity = case["sparsity"] * torch.tanh(4 * f * norms).sum(-1).mean()
    past = x @ w["skip"].T if "skip" in w else 0
    reconstruction = torch.tensor(0.0)
    for end in case.get("prefixes", [F]):
        out = f[:, :end] @ w["decoder"][:end] + w["decoderBias"] + past
        reconstruction = reconstruction + (out - y).square().sum(-1).mean()
    auxiliary = torch.tensor(0.0)
    if gate is not None:
        out = gate @ w["decoder"].detach() + w["decoderBias"].detach() + (past.detach() if "skip" in w else 0)
        auxiliary = (out - y).square().sum(-1).mean()
    if case.get("dead"):
        dead, wanted = case["dead"], case["auxiliaryK"]
        residual = (y - out).detach()
        rebuilt = largest((p * scale)[:, dead], min(wanted, len(dead))) / scale[dead] @ w["decoder"][dead]
        weight = case["auxiliaryWeight"] * min(1, len(dead) / wanted)
        auxiliary = weight * (rebuilt - residual).square().sum() / (residual - residual.mean(0)).square().sum()
    return reconstruction, sparsity, auxiliary


def run(name, **case):
    torch.manual_seed(len(name) * 7919 + 1)
    case = {"transcoder": False, "unit": False, "skip": False} | case
    m = D + 2 if case["transcoder"] else D
    decoder = torch.randn(F, m)
    decoder = decoder / decoder.norm(dim=1, keepdim=True) * (1 if case["unit"] else 0.7)
    if case.get("uneven"):
        decoder = decoder * torch.linspace(0.2, 2, F)[torch.randperm(F)].unsqueeze(1)
    w = {
        "encoder": torch.randn(F, D) * 0.4, "encoderBias": torch.randn(F) * 0.1, "decoder": decoder,
        "decoderBias": torch.randn(m) * 0.1,
    }
    if case["skip"]:
        w["skip"] = torch.randn(m, D) * 0.2
    if case["architecture"] == "jumprelu":
        w["threshold"] = torch.rand(F) * 0.5
    if case["architecture"] == "gated":
        w |= {"magnitudeBias": torch.randn(F) * 0.1, "magnitudeScale": torch.randn(F) * 0.2}
    # What is written down is float32, so that both sides start from the same numbers.
    w = {key: value.float().double().requires_grad_() for key, value in w.items()}
    x = torch.randn(B, D).float().double()
    y = torch.randn(B, m).float().double() if case["transcoder"] else x
    start = {key: value.detach().flatten().tolist() for key, value in w.items()}
    optimizer = torch.optim.Adam(w.values(), lr=RATE)
    result = {"name": name, "width": D, "outputWidth": m, "latents": F, "rows": B, "rate": RATE} | case
    result |= {"x": x.flatten().tolist(), "y": y.flatten().tolist() if case["transcoder"] else None, "start": start}
    for step in range(3):
        optimizer.zero_grad()
        parts = loss_of(case, w, x, y)
        sum(parts).backward()
        with torch.no_grad():
            if case["unit"]:
                row = w["decoder"]
                row.grad -= (row.grad * row).sum(1, keepdim=True) * row
            if step == 0:
                result["loss"] = [float(part) for part in parts]
                result["gradients"] = {
                    key: (torch.zeros_like(value) if value.grad is None else value.grad).flatten().tolist()
                    for key, value in w.items()
                }
        optimizer.step()
        with torch.no_grad():
            if case["unit"]:
                w["decoder"] /= w["decoder"].norm(dim=1, keepdim=True)
            if "threshold" in w:
                w["threshold"].clamp_(min=0)
    result["after"] = {key: value.detach().flatten().tolist() for key, value in w.items()}
    return result


cases = [
    run("topk", architecture="topk", k=3, unit=True),
    run("topk with dead latents", architecture="topk", k=3, unit=True, dead=[1, 4, 5, 11, 12], auxiliaryK=3,
        auxiliaryWeight=0.5),
    run("standard", architecture="standard", sparsity=0.3),
    run("gated", architecture="gated", sparsity=0.3),
    run("batchtopk", architecture="batchtopk", k=3, unit=True),
    run("jumprelu, step", architecture="jumprelu", sparsity=0.2, penalty="step", bandwidth=0.3),
    run("jumprelu, tanh", architecture="jumprelu", sparsity=0.2, penalty="tanh", bandwidth=0.3),
    run("matryoshka", architecture="matryoshka", k=3, unit=True, prefixes=[4, 8, 16]),
    run("transcoder", architecture="topk", k=3, unit=True, transcoder=True),
    run("skip transcoder", architecture="standard", sparsity=0.3, transcoder=True, skip=True),
    run("topk, free directions", architecture="topk", k=3, uneven=True, dead=[1, 4, 5, 11, 12], auxiliaryK=3,
        auxiliaryWeight=0.5),
    run("batchtopk, free directions", architecture="batchtopk", k=3, uneven=True),
]
print(json.dumps(rounded(cases), separators=(",", ":")))
