"""Nearest tokens and analogies among random vectors by NumPy, for the tests of Geometry.

    pip install numpy==2.4.6
    python Scripts/references/geometry.py Tests/GeometryTests/Fixtures/geometry.json

Words are `w1` to `w60`, each a vector of 12 numbers with a common part that centring takes away.
"""

import json
import sys
from pathlib import Path

import numpy as np

rng = np.random.default_rng(20260601)
vectors = (rng.normal(size=(60, 12)) + rng.normal(size=12)).astype(np.float32)


def best(x, terms):
    place = sum(weight * x[row] for row, weight in terms)
    cosines = x @ (place / np.linalg.norm(place))
    asked = {row for row, _ in terms}
    order = [row for row in np.argsort(-cosines) if row not in asked][:5]
    return [{"id": int(row) + 1, "similarity": float(cosines[row])} for row in order]


cases = []
for centred in (True, False):
    x = vectors.astype(np.float64)
    x = x - x.mean(0) if centred else x
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    for a, b, c in rng.permuted(np.tile(np.arange(60), (8, 1)), axis=1)[:, :3].tolist():
        cases.append({"expression": f"w{b + 1}", "centred": centred, "nearest": best(x, [(b, 1)])})
        cases.append({
            "expression": f"w{b + 1} - w{a + 1} + w{c + 1}", "centred": centred,
            "nearest": best(x, [(b, 1), (a, -1), (c, 1)])})
Path(sys.argv[1]).write_text(
    json.dumps({"vectors": [[round(float(v), 9) for v in row] for row in vectors], "cases": cases}) + "\n")
