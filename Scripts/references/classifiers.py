"""What scikit-learn makes of small data sets by the classifiers and measures of Probes; LEACE by its authors' formula.

    pip install scikit-learn==1.9.1 numpy scipy
    python Scripts/references/classifiers.py Tests/ProbesTests/Fixtures

Writes `classifiers.json` and the examples beside it as little-endian float32 (`classifiers-*.f32`).
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy.stats
import sklearn
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif, mutual_info_classif
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    average_precision_score, mean_absolute_error, r2_score, root_mean_squared_error)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from rounding import rounded

out = Path(sys.argv[1])
rng = np.random.default_rng(20260202)


def examples(n, d, classes, spread, share=None):
    """Classes that overlap, in correlated columns of different scales; one column constant."""
    centres = rng.normal(size=(classes, d)) * spread
    labels = rng.choice(classes, size=n, p=share)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    x = (centres[labels] + rng.normal(size=(n, d))) @ (np.eye(d) + mixing)
    x *= np.exp(rng.normal(size=d))
    x[:, 1] = 3.25
    return x.astype(np.float32), labels


def logistic_objective(w, b, z, y, classes, c, l1):
    """C · Σ loss + l1·‖w‖₁ + (1 − l1)·½‖w‖²."""
    scores = z @ w.T + b
    if classes == 2:
        s = scores.ravel() * np.where(y == 1, 1, -1)
        loss = np.logaddexp(0, -s).sum()
    else:
        loss = (np.logaddexp.reduce(scores, axis=1) - scores[np.arange(len(y)), y]).sum()
    return c * loss + l1 * np.abs(w).sum() + (1 - l1) / 2 * (w ** 2).sum()


def linear(model, z, y, test):
    model.fit(z, y)
    return {"coefficients": model.coef_.ravel().tolist(), "intercepts": np.atleast_1d(model.intercept_).tolist(),
            "testScores": model.decision_function(test).ravel().tolist()}


cases = []
for name, n, d, classes, spread, share in [
    ("two", 320, 20, 2, 0.3, [0.8, 0.2]),
    ("three", 300, 15, 3, 0.5, None),
    ("wide", 70, 100, 2, 0.25, None),
]:
    x, y = examples(n, d, classes, spread, share)
    x.astype("<f4").tofile(out / f"classifiers-{name}.f32")
    trained = n * 3 // 4
    x = x.astype(np.float64)
    scaler = StandardScaler().fit(x[:trained])
    z = scaler.transform(x)
    fit, test, labels = z[:trained], z[trained:], y[:trained]
    case = {"name": name, "rows": n, "columns": d, "classes": classes, "trained": trained, "labels": y.tolist()}

    case["penalties"] = []
    for l1, c in [(1, 0.1), (1, 1), (0.5, 0.3)]:
        model = LogisticRegression(l1_ratio=l1, C=c, solver="saga", tol=1e-9, max_iter=200000)
        result = linear(model, fit, labels, test)
        result |= {"l1Ratio": l1, "strength": c, "objective": logistic_objective(
            model.coef_, model.intercept_, fit, labels, classes, c, l1)}
        case["penalties"].append(result)
    case["balanced"] = linear(
        LogisticRegression(C=0.5, class_weight="balanced", tol=1e-9, max_iter=100000), fit, labels, test)
    case["svm"] = linear(
        LinearSVC(C=0.1, loss="squared_hinge", dual=False, tol=1e-10, max_iter=100000), fit, labels, test)
    case["lda"] = linear(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), x[:trained], labels, x[trained:])
    case["f"] = np.nan_to_num(f_classif(np.delete(x[:trained], 1, axis=1), labels)[0]).tolist()
    case["mutualInformation"] = mutual_info_classif(
        np.delete(x[:trained], 1, axis=1), labels, n_neighbors=3, random_state=0).tolist()
    pca = PCA(n_components=4).fit(fit)
    case["components"] = {"directions": pca.components_.ravel().tolist(),
                          "variances": (pca.explained_variance_ * (trained - 1) / trained).tolist()}

    # LEACE, as written in the paper: whiten, project, colour.
    one_hot = np.eye(classes)[labels]
    keep = np.arange(d) != 1
    xs = x[:trained][:, keep]
    centred = xs - xs.mean(0)
    covariance = centred.T @ centred / trained
    crossed = centred.T @ (one_hot - one_hot.mean(0)) / trained
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values.max() * 1e-9
    whiten = vectors[:, kept] @ np.diag(values[kept] ** -0.5) @ vectors[:, kept].T
    colour = vectors[:, kept] @ np.diag(values[kept] ** 0.5) @ vectors[:, kept].T
    u, s, _ = np.linalg.svd(whiten @ crossed, full_matrices=False)
    u = u[:, s > s.max() * 1e-9]
    erased = xs - centred @ (colour @ u @ u.T @ whiten).T
    full = x[:trained].copy()
    full[:, keep] = erased
    case["erased"] = full[:12].ravel().tolist()
    cases.append(case)

# A number to regress, with a few columns that matter.
x, _ = examples(240, 18, 2, 0.2)
x.astype("<f4").tofile(out / "classifiers-number.f32")
x = x.astype(np.float64)
values = np.round(StandardScaler().fit_transform(x)[:, 2:6] @ [3, -2, 1, 0.5] + 40 + rng.normal(size=240) * 2, 3)


def ridge_fits(x, values, trained, penalties):
    scaler = StandardScaler().fit(x[:trained])
    truth = values[trained:]
    fits = []
    for alpha in penalties:
        model = Ridge(alpha=alpha).fit(scaler.transform(x[:trained]), values[:trained])
        predicted = model.predict(scaler.transform(x[trained:]))
        fits.append({
            "penalty": alpha, "coefficients": model.coef_.tolist(), "predictions": predicted.tolist(),
            "r2": r2_score(truth, predicted), "mae": mean_absolute_error(truth, predicted),
            "rmse": root_mean_squared_error(truth, predicted),
            "spearman": scipy.stats.spearmanr(truth, predicted).statistic})
    return {"rows": len(x), "columns": x.shape[1], "trained": trained, "values": values.tolist(), "fits": fits}


regression = ridge_fits(x, values, 180, [0.5, 50])
# Numbers on the rows of "wide", of which there are fewer than columns.
x = np.fromfile(out / "classifiers-wide.f32", "<f4").reshape(70, 100).astype(np.float64)
wide_regression = ridge_fits(x, np.round(x[:, 2] * 2 - x[:, 3] + np.sin(np.arange(70.0)), 3), 52, [0.5, 50])

# PR-AUC and calibration, with ties; ties of rank for Spearman.
metrics = []
for classes in (2, 3):
    labels = rng.integers(0, classes, size=150)
    raw = np.round(rng.normal(size=(150, classes)) * 2 + 1.5 * np.eye(classes)[labels], 1)
    raw = (raw[:, 1] - raw[:, 0]).astype(np.float32).astype(np.float64) if classes == 2 else raw.astype(
        np.float32).astype(np.float64)
    if classes == 2:
        p = 1 / (1 + np.exp(-raw))
        confidence, hit = np.maximum(p, 1 - p), (raw > 0) == labels
        area = average_precision_score(labels, raw)
    else:
        p = np.exp(raw - raw.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        confidence, hit = p.max(1), raw.argmax(1) == labels
        area = np.mean([average_precision_score(labels == c, np.log(p[:, c])) for c in range(3)])
    bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    error = sum(abs((hit[bins == b].astype(float) - confidence[bins == b]).sum()) for b in range(15)) / 150
    metrics.append({"classes": classes, "labels": labels.tolist(), "raw": raw.ravel().tolist(), "prAUC": area,
                    "calibrationError": error})
a, b = rng.integers(0, 8, 50).astype(float), rng.integers(0, 8, 50).astype(float)
ranks = {"a": a.tolist(), "b": b.tolist(), "spearman": scipy.stats.spearmanr(a, b).statistic}


(out / "classifiers.json").write_text(json.dumps(rounded(
    {"scikit-learn": sklearn.__version__, "cases": cases, "regression": regression, "wideRegression": wide_regression, "metrics": metrics,
     "ranks": ranks}), separators=(",", ":")))
