"""Sparse probing and feature absorption of a small dictionary by scikit-learn and PyTorch, for the tests of Dictionaries.

    pip install torch==2.13.0 safetensors==0.8.0 scikit-learn==1.9.1 numpy==2.4.6
    python Scripts/references/dictionary_probing.py Tests/DictionariesTests/Fixtures

Reads the weights of `saelens-topk`, makes documents of three tokens in two classes and words of four letters, and writes
`probing.json`: the rows, how documents are divided, and what logistic regressions (C = 1, standardised columns, converged
to 1e-10) make of them. The definitions are those of docs/dictionaries.md, written here anew.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

D, F, K = 8, 24, 4
ROOT = Path(sys.argv[1])
W = {name: value.double() for name, value in load_file(ROOT / "saelens-topk" / "sae_weights.safetensors").items()}


def encode(x):
    """TopK: the four largest of a row, those above 0."""
    pre = (torch.from_numpy(x) - W["b_dec"]) @ W["W_enc"] + W["b_enc"]
    values, places = pre.topk(K, dim=1)
    return torch.zeros_like(pre).scatter(1, places, values.relu()).numpy()


def regression(x, y):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1, tol=1e-10, max_iter=10000))
    return model.fit(x, y)


def by_mean_difference(x, y):
    difference = np.abs(x[y == 1].mean(0) - x[y == 0].mean(0))
    return np.argsort(-difference, kind="stable")


def probing(generator):
    documents, tokens = 150, 3
    labels = generator.integers(0, 2, documents)
    directions = generator.normal(size=(2, D)) * 0.8
    x = generator.normal(size=(documents, tokens, D)) * 1.3 + 0.5
    x += (labels[:, None] * (generator.random((documents, tokens)) < 0.5))[:, :, None] * directions[0]
    x = np.round(x, 2)
    order = generator.permutation(documents)
    train, test = np.sort(order[:110]), np.sort(order[110:])
    means = {
        "latents": encode(x.reshape(-1, D)).reshape(documents, tokens, F).mean(1),
        "blocks.1.hook_resid_post": x.mean(1),
    }
    scores = []
    for basis, values in means.items():
        columns = by_mean_difference(values[train], labels[train])
        for k in [1, 2, 5]:
            chosen = columns[:k]
            model = regression(values[train][:, chosen], labels[train])
            scored = model.decision_function(values[test][:, chosen])
            scores.append({
                "basis": basis, "k": k, "columns": chosen.tolist(),
                "accuracy": float(((scored > 0) == (labels[test] == 1)).mean()),
                "auroc": float(roc_auc_score(labels[test], scored)), "margin": float(np.abs(scored).min())})
    return {
        "x": x.reshape(-1).tolist(), "labels": labels.tolist(), "train": train.tolist(), "test": test.tolist(),
        "scores": scores}


def absorption(generator):
    words = 400
    letters = generator.integers(0, 4, words)
    directions = generator.normal(size=(4, D))
    x = np.round(generator.normal(size=(words, D)) + directions[letters] * generator.uniform(0.5, 2.5, (words, 1)), 2)
    acts = encode(x)
    unit = (W["W_dec"] / W["W_dec"].norm(dim=1, keepdim=True)).numpy()
    train = np.array([i for i in range(words) if i % 5 != 4])
    test = np.array([i for i in range(words) if i % 5 == 4])
    results = []
    for letter in range(4):
        y = (letters == letter).astype(int)
        model = regression(x[train], y[train])
        scored = model.decision_function(x[test])
        direction = model[-1].coef_[0] / model[0].scale_
        direction /= np.linalg.norm(direction)
        order, main, best = by_mean_difference(acts[train], y[train]), [], 0.0
        for k in range(1, 11):
            some = regression(acts[train][:, order[:k]], y[train])
            f1 = f1_score(y[test], some.decision_function(acts[test][:, order[:k]]) > 0)
            if k > 1 and f1 - best < 0.03:
                break
            main, best = order[:k].tolist(), f1
        cosines, fractions, full = unit @ direction, [], []
        for word, score in zip(test, scored):
            if y[word] == 0 or score <= 0:
                continue
            projection, parts = x[word] @ direction, acts[word] * cosines
            own = parts[main].sum()
            rest = [i for i in range(F) if i not in main and acts[word, i] > 0]
            taken = sum(sorted((parts[i] for i in rest if cosines[i] >= 0.1 and parts[i] > 0), reverse=True)[:3])
            if own >= projection or taken / projection < 0.4:
                fractions.append(0.0)
            elif own <= 0:
                fractions.append(1.0)
            else:
                part = min(taken, projection - own)
                fractions.append(min(max(part / (part + own), 0), 1))
            top = max(rest, key=lambda i: parts[i], default=None)
            full.append(bool(
                top is not None and (acts[word, main] == 0).all() and projection > 0 and cosines[top] >= 0.025
                and parts[top] / projection >= 0.4))
        results.append({
            "letter": chr(97 + letter), "words": len(fractions), "probeF1": float(f1_score(y[test], scored > 0)),
            "mainLatents": [int(i) for i in main], "mainF1": float(best),
            "absorption": float(np.mean(fractions)), "fullAbsorption": float(np.mean(full))})
    return {"x": x.reshape(-1).tolist(), "letters": letters.tolist(), "results": results}


def main():
    generator = np.random.default_rng(11)
    record = {"probing": probing(generator), "absorption": absorption(generator)}
    for part in record.values():
        print(json.dumps({key: value for key, value in part.items() if key in ("scores", "results")}, indent=1))
    (ROOT / "probing.json").write_text(json.dumps(record, separators=(",", ":")))


main()
