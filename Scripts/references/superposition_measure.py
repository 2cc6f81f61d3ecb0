"""Holds what `unfold superposition measure DICTIONARY --json` says against NumPy, in double precision.

    pip install numpy scipy safetensors
    unfold superposition measure DICTIONARY --json > measure.json
    python Scripts/references/superposition_measure.py DICTIONARY measure.json

Written from the definitions in docs/superposition.md alone; stops at the first number that differs.
"""

import json
import sys
from math import exp, lgamma, log, log10, pi, sqrt
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy import stats

folder, told = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
vectors = load_file(folder / "sae_weights.safetensors")["W_dec"].astype(np.float64)
vectors = vectors[np.linalg.norm(vectors, axis=1) > 0]
n, d = vectors.shape
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
cosines = unit @ unit.T
pairs = np.abs(cosines[np.triu_indices(n, 1)])
square = float((pairs**2).mean())
dimensionality = 1 / (cosines**2).sum(1)
eigenvalues = np.linalg.eigvalsh(unit.T @ unit)
sizes = np.abs(cosines)
np.fill_diagonal(sizes, 0)


def same(name, here, there, tolerance=1e-5):
    print(f"{name:32}{here:16.8f}{there:16.8f}")
    if not abs(here - there) <= tolerance * max(abs(here), 1e-12):
        sys.exit(f"{name} differs")


same("largest", pairs.max(), told["interference"]["largest"])
same("mean", pairs.mean(), told["interference"]["mean"])
same("root mean square", sqrt(square), told["interference"]["root_mean_square"])
same("dimensions used up", dimensionality.sum(), told["used_dimensions"])
same("spread over evenly", eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), told["effective_dimensions"])
same("active together", 1 / (4 * square), told["active_together"])
if d * square < 1:
    same("most at this interference", d * (1 - square) / (1 - d * square), told["most_at_this_interference"])
same("Welch bound", sqrt(max(0, n - d) / (d * (n - 1))), told["theory"]["welch_bound"])
same("random, mean", exp(lgamma(d / 2) - lgamma((d + 1) / 2)) / sqrt(pi), told["theory"]["random_mean"])
# The median of the largest of n(n-1)/2 independent cos², each a beta variable.
median = sqrt(stats.beta.isf(log(2) / (n * (n - 1) / 2), 0.5, (d - 1) / 2))
same("random, largest", median, told["theory"]["random_largest"], 1e-3)
for capacity in told["capacities"]:
    tail = stats.beta.logsf(capacity["tolerance"] ** 2, 0.5, (d - 1) / 2)
    here = max(log10(d), (log(2 * log(2)) - tail) / 2 / log(10))
    same(f"capacity at {capacity['tolerance']}", here, capacity["decimal_logarithm"])
for row, direction in enumerate(told["by_direction"]):
    if abs(direction["dimensionality"] / dimensionality[row] - 1) > 1e-4:
        sys.exit(f"{direction['name']}: {direction['dimensionality']}, not {dimensionality[row]}")
    if abs(abs(direction["nearest_cosine"]) - sizes[row].max()) > 1e-5:
        sys.exit(f"{direction['name']}: nearest at {direction['nearest_cosine']}, not {sizes[row].max()}")
print(f"{n} directions in {d} dimensions: everything agrees")
