"""Sweeps probes over a store as one does in a notebook: h5py, StandardScaler, LogisticRegression.

    peer_sweep.py STORE SPLITS.JSON C,C,…

SPLITS.JSON says which documents are learnt from, which are held back, and the folds (as `bench sweep` prints them). For
every site: read float16, convert, choose C by the log loss on the folds, fit on all training rows, score the others.
Prints one JSON object: seconds, and each site's scores.
"""

import json
import pathlib
import sys
import time

import h5py
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main():
    store, splits = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))
    strengths = [float(c) for c in sys.argv[3].split(",")]
    train, test = np.array(splits["train"]), np.array(splits["test"])
    places = np.arange(len(train))
    folds = [(np.setdiff1d(places, held), np.array(held)) for held in splits["folds"]]
    start = time.perf_counter()
    rows = []
    with h5py.File(store / "index.h5") as file:
        labels = np.array([label == b"yes" for label in file["documents/label"][:]]).astype(int)
        for site in file["activations"]:
            x = file["activations"][site][:].astype(np.float32)
            search = GridSearchCV(
                make_pipeline(StandardScaler(), LogisticRegression(tol=1e-4, max_iter=1000)),
                {"logisticregression__C": strengths}, scoring="neg_log_loss", cv=folds)
            search.fit(x[train], labels[train])
            raw = search.decision_function(x[test])
            rows.append({
                "site": site, "auroc": roc_auc_score(labels[test], raw),
                "accuracy": accuracy_score(labels[test], raw > 0),
                "strength": search.best_params_["logisticregression__C"],
                "iterations": int(search.best_estimator_[-1].n_iter_[0])})
    print(json.dumps({"seconds": time.perf_counter() - start, "rows": rows}))


main()
