"""What NumPy, SciPy and scikit-learn make of a small corpus's neurons, for the tests of Neurons.

    pip install numpy scipy scikit-learn==1.9.1
    python Scripts/references/neurons.py Tests/NeuronsTests/Fixtures

Writes `ranking.json`: the corpus, its activations, and every measure of each neuron computed here on its own.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform
from scipy.stats import kurtosis, rankdata, skew
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import roc_auc_score

out = Path(sys.argv[1])
rng = np.random.default_rng(20260501)
WINDOW, TOP, TOKENS = 3, 8, 6  # of a document's tokens the first is special
sizes = [9, 7, 6, 5, 5]
labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
documents, neurons, width = len(labels), 6, 5
letters = [[int(rng.choice(7, p=[.3, .2, .15, .1, .1, .1, .05])) for _ in range(TOKENS - 1)] for _ in labels]

centres = 2 * np.linalg.qr(rng.normal(size=(len(sizes), width)))[0]
residual = np.round(centres[np.repeat(labels, TOKENS)] + 0.7 * rng.normal(size=(documents * TOKENS, width)), 4)
fires = [{0: 2.0}, {0: 2.0, 2: 1.5}, {1: 1.5, 3: 1.2, 4: 1.0}, {}, {}, {4: 0.7}]
activations = np.zeros((documents * TOKENS, neurons))
for row in range(documents * TOKENS):
    document, token = divmod(row, TOKENS)
    for n in range(neurons):
        value = 0.25 * rng.normal() - 0.2
        if rng.random() < 0.5:
            value += fires[n].get(int(labels[document]), 0)
        if n == 4 and token > 0 and letters[document][token - 1] == 0:  # knows one letter
            value += 2
        activations[row, n] = value if token > 0 else 50  # a special token must count nowhere
activations = np.round(activations, 4)

kept = [d * TOKENS + t for d in range(documents) for t in range(1, TOKENS)]
document_of = np.array([r // TOKENS for r in kept])
form_of = np.array([letters[r // TOKENS][r % TOKENS - 1] for r in kept])
a = activations[kept]

# Contexts: the mean of the residual stream over the last WINDOW tokens that count.
contexts = np.stack([
    residual[[r for r in range(row - WINDOW + 1, row + 1) if r // TOKENS == row // TOKENS and r % TOKENS > 0]].mean(0)
    for row in kept])
e = contexts - contexts.mean(0)
e /= np.linalg.norm(e, axis=1, keepdims=True)

gram = e @ e.T
other = document_of[:, None] != document_of[None, :]
threshold = (gram[other].mean() + np.where(other, gram, -np.inf).max(1).mean()) / 2

highest = np.array([[a[document_of == d, n].max() for n in range(neurons)] for d in range(documents)])
places = np.array([[np.flatnonzero(document_of == d)[a[document_of == d, n].argmax()] for n in range(neurons)]
                   for d in range(documents)])
means = np.array([[highest[labels == c, n].mean() for c in range(len(sizes))] for n in range(neurons)])
z = (means - means.mean(1, keepdims=True)) / means.std(1, keepdims=True)
correlations = np.corrcoef(z.T) - 1 / np.sqrt(neurons)
embedded = np.stack([e[document_of == d].mean(0) for d in range(documents)])
embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
kinds = np.stack([embedded[labels == c].mean(0) for c in range(len(sizes))])
kinds -= kinds.mean(0)
kinds /= np.linalg.norm(kinds, axis=1, keepdims=True)
base = 1 / (len(sizes) - 1)
pairs = (np.maximum(correlations, kinds @ kinds.T) + base) / (1 + base)
# As distances, which scipy's average linkage joins from the smallest on.
joined = linkage(2 - pairs[np.triu_indices(len(sizes), 1)], "average")
relatedness = 2 - squareform(cophenet(joined))
np.fill_diagonal(relatedness, 1)
ONE = 0.35  # two concepts are one meaning from this level on


def standard_error(m, n):
    return np.sqrt((m + n + 1) / (12 * m * n))


def separation(values, concept, outside, labels):
    rest = ~np.isin(labels, outside)
    own = labels == concept
    return roc_auc_score(np.r_[np.ones(own.sum()), np.zeros(rest.sum())], np.r_[values[own], values[rest]])


def by_documents(values, places, labels):
    classes = [c for c in range(len(sizes)) if (labels == c).any()]
    auroc = {c: separation(values, c, [c], labels) for c in classes}
    counts = {c: (labels == c).sum() for c in classes}
    ranked = sorted(classes, key=lambda c: standard_error(counts[c], len(labels) - counts[c]) - auroc[c])
    half = max(2, len(ranked) // 2)
    second = 0.0
    for m in range(2, half + 1):
        some = ranked[:m]
        rest = len(labels) - sum(counts[c] for c in some)
        least = min(separation(values, c, some, labels) - standard_error(counts[c], rest) for c in some)
        related = min(relatedness[x, y] for i, x in enumerate(some) for y in some[i + 1:])
        second = max(second, max(0, 2 * least - 1) * max(0.05, 1 - max(0, related) / ONE))
    separated = []
    for m in range(1, max(1, len(ranked) // 2) + 1):
        some = ranked[:m]
        if all(separation(values, c, some, labels) >= 0.8 for c in some):
            separated = some
    unrelated = []
    for c in separated:
        if all(relatedness[c, u] < ONE for u in unrelated):
            unrelated.append(c)
    order = np.argsort(-values, kind="stable")
    counts = np.bincount(labels, minlength=len(sizes))
    typical = sorted(counts[counts > 0])[(counts > 0).sum() // 2]
    chosen = order[:min(TOP, typical)]
    rates = np.array([(labels[chosen] == c).sum() / counts[c] for c in classes])
    p = rates / rates.sum()
    entropy = -sum(x * np.log(x) for x in p if x > 0)
    m = np.array([max(values[labels == c].mean() if (labels == c).any() else 0, 0) for c in range(len(sizes))])
    rest = (m.sum() - m.max()) / (len(sizes) - 1)
    top = e[places[order[:TOP]]]
    pairs = top @ top.T
    n = len(top)
    grouping = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - threshold).fit_predict(1 - pairs)
    members = [np.flatnonzero(grouping == g) for g in set(grouping)]
    members = [g for g in members if len(g) >= max(2, (n + 9) // 10)]
    spread = 0.0
    if len(members) > 1:
        c = np.stack([top[g].sum(0) / np.linalg.norm(top[g].sum(0)) for g in members])
        cosines = c @ c.T
        spread = 1 - cosines[np.triu_indices(len(c), 1)].mean()
    return {
        "second-meaning": second, "concept-count": len(unrelated), "best-auroc": max(auroc.values()),
        "concept-entropy": entropy, "effective-concepts": np.exp(entropy), "purity": p.max(),
        "single-feature-ratio": m.max() / m.sum(), "selectivity": (m.max() - rest) / (m.max() + rest),
        "coherence": pairs[np.triu_indices(n, 1)].mean(), "context-clusters": len(members), "cluster-spread": spread,
    }, auroc


expected = []
for n in range(neurons):
    x = a[:, n]
    t = (x - x.min()) / (x.max() - x.min())
    weights = np.outer(t, t)
    upper = np.triu_indices(len(t), 1)
    measures, auroc = by_documents(highest[:, n], places[:, n], labels)
    top = places[np.argsort(-highest[:, n], kind="stable")[:TOP], n]
    counts = Counter(int(f) for f in form_of[top])
    form, most = min(counts.items(), key=lambda item: (-item[1], item[0]))
    measures |= {
        "monosemanticity": (weights * gram)[upper].sum() / weights[upper].sum(),
        "skewness": skew(x), "kurtosis": kurtosis(x, fisher=False), "firing": (x > 0).mean(),
        "lexical-share": most / len(top),
    }
    # Forms are numbered in the order of their first appearance, which decides between equals.
    numbers = {f: i for i, f in enumerate(dict.fromkeys(int(f) for f in form_of))}
    form = min(counts.items(), key=lambda item: (-item[1], numbers[item[0]]))[0]
    without = form_of[places[:, n]] != form
    controlled, _ = by_documents(highest[without, n], places[without, n], labels[without])
    share = measures["lexical-share"]
    measures["consensus"] = (measures["second-meaning"] + controlled["second-meaning"]) / 2 * (1 - share ** 2)
    if measures["second-meaning"] <= 0.05:
        measures["consensus"] = min(measures["consensus"], measures["second-meaning"])
    expected.append({
        "measures": measures, "controlled": controlled, "aurocs": {f"label {c}": v for c, v in auroc.items()}})

values = rng.normal(size=30).round(1)
share = rng.choice([0.1, 0.2, 0.5, 1.0], size=30)
y, x = (rankdata(values) - 1) / 29, (rankdata(share) - 1) / 29
design = np.stack([x, np.ones(30)], 1)
residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


(out / "ranking.json").write_text(json.dumps(plain({
    "window": WINDOW, "top": TOP, "tokens": TOKENS, "labels": labels, "letters": letters, "neurons": activations,
    "residual": residual, "expected": expected, "threshold": threshold,
    "residuals": {"values": values, "share": share, "expected": residuals},
})))
