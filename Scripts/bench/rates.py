"""Prints the best matrix rates of PyTorch and NumPy here, GFLOP/s by type: what the limit of a run is counted from.

    rates.py
"""

import json
import os
import time

# A NumPy that brings a newer OpenBLAS chooses its kernels better by itself.
os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy
import torch

SHAPES = [(512, 3072, 768), (4096, 3072, 768), (4096, 768, 3072)]


def best(body, runs=6):
    body()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return min(times)


rates = {"float32": 0, "bfloat16": 0}
for m, n, k in SHAPES:
    for name in rates:
        a, b = (torch.randn(*shape).to(getattr(torch, name)) for shape in ((m, k), (n, k)))
        times = [best(lambda: torch.nn.functional.linear(a, b))]
        if name == "float32":
            x, y = a.numpy(), b.numpy().T
            times.append(best(lambda: x @ y))
        rates[name] = max(rates[name], 2e-9 * m * n * k / min(times))
print(json.dumps(rates))
