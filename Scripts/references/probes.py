"""What scikit-learn makes of small data sets, for the tests of Probes.

    pip install scikit-learn==1.9.1 numpy
    python Scripts/references/probes.py Tests/ProbesTests/Fixtures

Writes `probes.json` and the examples beside it as little-endian float32 (`probes-*.f32`).
"""

import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef, roc_auc_score)
from sklearn.preprocessing import StandardScaler

out = Path(sys.argv[1])
rng = np.random.default_rng(20260101)


def examples(n, d, classes, spread):
    """Classes that overlap, in correlated columns of very different scales, one of them constant, one far from zero."""
    centres = rng.normal(size=(classes, d)) * spread
    labels = rng.integers(0, classes, size=n)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    x = (centres[labels] + rng.normal(size=(n, d))) @ (np.eye(d) + mixing)
    x *= np.exp(rng.normal(size=d) * 1.5)
    x[:, 1] = 3.25
    x[:, 2] += 400 * x[:, 2].std()
    return x.astype(np.float32), labels


def scores_of(labels, raw, classes):
    if classes == 2:
        predictions = (raw > 0).astype(int)
        auroc = roc_auc_score(labels, raw)
        f1 = f1_score(labels, predictions)
    else:
        predictions = raw.argmax(1)
        p = np.exp(raw - raw.max(1, keepdims=True))
        auroc = roc_auc_score(labels, p / p.sum(1, keepdims=True), multi_class="ovr", average="macro")
        f1 = f1_score(labels, predictions, average="macro")
    return {
        "accuracy": accuracy_score(labels, predictions),
        "balancedAccuracy": balanced_accuracy_score(labels, predictions),
        "f1": f1, "auroc": auroc, "mcc": matthews_corrcoef(labels, predictions)}


cases = []
for name, n, d, classes, spread, strengths in [
    ("binary", 500, 24, 2, 0.15, [0.01, 1, 100]),
    ("multinomial", 500, 16, 4, 0.35, [0.01, 1]),
    ("wide", 80, 120, 2, 0.1, [0.01, 1]),
]:
    x, labels = examples(n, d, classes, spread)
    x.astype("<f4").tofile(out / f"probes-{name}.f32")
    trained = n * 3 // 4
    scaler = StandardScaler().fit(x[:trained].astype(np.float64))
    z = scaler.transform(x.astype(np.float64))
    fits = []
    for c in strengths:
        model = LogisticRegression(C=c, tol=1e-10, max_iter=100000).fit(z[:trained], labels[:trained])
        raw = model.decision_function(z[trained:])
        fits.append({
            "strength": c, "coefficients": model.coef_.ravel().tolist(), "intercepts": model.intercept_.tolist(),
            "testScores": raw.ravel().tolist(), "scores": scores_of(labels[trained:], raw, classes)})
    means = np.stack([x[:trained][labels[:trained] == c].astype(np.float64).mean(0) for c in range(classes)])
    if classes == 2:
        theta = means[1] - means[0]
        mass = (x[trained:].astype(np.float64) - means.mean(0)) @ theta
    else:
        mass = x[trained:].astype(np.float64) @ means.T - (means ** 2).sum(1) / 2
        mass = mass - mass.max(1, keepdims=True)
    cases.append({
        "name": name, "rows": n, "columns": d, "classes": classes, "trained": trained, "labels": labels.tolist(),
        "fits": fits, "massMeanPredictions":
            (mass > 0).astype(int).tolist() if classes == 2 else mass.argmax(1).tolist()})

# Scores with many ties, two and three classes.
metrics = []
for classes in (2, 3):
    labels = rng.integers(0, classes, size=200)
    raw = np.round(rng.normal(size=(200, classes)) + np.eye(classes)[labels], 1).astype(np.float32)
    raw = raw[:, 1] - raw[:, 0] if classes == 2 else raw
    raw = np.round(raw.astype(np.float64), 1)
    metrics.append({
        "classes": classes, "labels": labels.tolist(), "raw": raw.ravel().tolist(),
        "scores": scores_of(labels, raw, classes)})

(out / "probes.json").write_text(json.dumps(
    {"scikit-learn": sklearn.__version__, "cases": cases, "metrics": metrics}, separators=(",", ":")))
