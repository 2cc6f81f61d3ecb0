"""What PyTorch and SciPy make of toy models, shallow networks and random directions, for the tests of Geometry.

    pip install torch==2.13.0 scipy numpy
    python Scripts/references/superposition.py Tests/GeometryTests/Fixtures

Writes `superposition.json`. Gradients are autograd's, in double precision.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy
import torch
from scipy import special

out = Path(sys.argv[1])
torch.manual_seed(20260102)
torch.set_default_dtype(torch.float64)


def numbers(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def toy(features, hidden, rows, density, decay):
    w = (torch.randn(features, hidden) * 0.6).float().double().requires_grad_()
    b = (torch.randn(features) * 0.2).float().double().requires_grad_()
    x = (torch.rand(rows, features) * (torch.rand(rows, features) < density)).float().double()
    importance = (decay ** torch.arange(features)).float().double()
    output = torch.relu(x @ w @ w.T + b)
    loss = (importance * (x - output) ** 2).sum(1).mean()
    loss.backward()
    products = w @ w.T
    squared = products.diagonal()
    dimensionality = squared / ((products / squared.sqrt()[:, None]) ** 2).sum(1)
    return {
        "features": features, "hidden": hidden, "rows": rows, "weights": numbers(w), "bias": numbers(b),
        "batch": numbers(x), "importance": numbers(importance), "loss": float(loss.detach()), "weightGradient": numbers(w.grad),
        "biasGradient": numbers(b.grad), "dimensionality": numbers(dimensionality),
        "frobenius": float((w.detach() ** 2).sum())}


def shallow(inputs, neurons, points, kind):
    w = torch.randn(inputs, neurons).requires_grad_()
    b, v, c = torch.randn(neurons).requires_grad_(), torch.randn(neurons).requires_grad_(), torch.randn(1).requires_grad_()
    x = torch.rand(points, inputs) * 2 - 1
    t = torch.rand(points)
    output = torch.relu(x @ w + b) @ v + c
    if kind == "logistic":
        loss = torch.nn.functional.binary_cross_entropy_with_logits(output, t)
    else:
        loss = ((output - t) ** 2).mean()
    loss.backward()
    return {
        "inputs": inputs, "neurons": neurons, "kind": kind, "points": numbers(x), "targets": numbers(t),
        "parameters": numbers(w) + numbers(b) + numbers(v) + numbers(c), "outputs": numbers(output), "loss": float(loss.detach()),
        "gradient": numbers(w.grad) + numbers(b.grad) + numbers(v.grad) + numbers(c.grad)}


tails = [
    {"dimensions": d, "cosine": t, "logarithm": float(np.log(special.betainc((d - 1) / 2, 0.5, 1 - t * t)))}
    for d, t in [(2, 0.3), (3, 0.5), (3, 0.999), (10, 0.2), (64, 0.05), (256, 0.4), (4000, 0.01), (4000, 0.09)]]

rng = np.random.default_rng(7)
v = rng.normal(size=(70, 9)).astype(np.float32)
u = v.astype(np.float64) / np.linalg.norm(v.astype(np.float64), axis=1, keepdims=True)
g = np.abs(u @ u.T)
pairs = g[np.triu_indices(70, 1)]

(out / "superposition.json").write_text(json.dumps({
    "torch": torch.__version__, "scipy": scipy.__version__,
    "toys": [toy(7, 3, 40, 0.3, 0.8), toy(4, 1, 25, 1.0, 1.0)],
    "networks": [shallow(2, 6, 50, "logistic"), shallow(1, 4, 30, "squaredError")],
    "tails": tails,
    "interference": {
        "rows": 70, "columns": 9, "vectors": [float(x) for x in v.flatten()], "largest": float(pairs.max()),
        "mean": float(pairs.mean()), "rootMeanSquare": float(np.sqrt((pairs ** 2).mean())),
        "dimensionality": [float(x) for x in 1 / (g ** 2).sum(1)]},
}, separators=(",", ":")))
