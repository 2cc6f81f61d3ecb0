"""Sweeps probes over a store as one does in a notebook: h5py, StandardScaler, LogisticRegression.

    peer_sweep.py STORE SPLITS.JSON C,C,… [--sites NAME,NAME,…] [--jobs N]

SPLITS.JSON says which documents are learnt from, which are held back, and the folds (as `bench sweep` prints them). For
every site: read float16, convert, standardise each fold's rows once, fit every C on them, choose C by the log loss on the
folds, fit on all training rows, score the others. With one job the BLAS has all cores; with several, so many processes
take a fold each and their BLAS shares the cores. Prints one JSON object a site: wall and CPU seconds, and the scores.
"""

import argparse
import json
import os
import pathlib
import resource
import time

import h5py
import joblib
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler


def classifier(strength):
    return LogisticRegression(C=strength, solver="lbfgs", tol=1e-4, max_iter=1000)


def fold_losses(x, labels, learnt, held, strengths):
    scaler = StandardScaler()
    rows = scaler.fit_transform(x[learnt])
    others = scaler.transform(x[held])
    return [
        log_loss(labels[held], classifier(c).fit(rows, labels[learnt]).predict_proba(others)) for c in strengths]


def cpu_seconds():
    """Of this process's threads and of the processes it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=pathlib.Path)
    parser.add_argument("splits", type=pathlib.Path)
    parser.add_argument("strengths")
    parser.add_argument("--sites")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    splits = json.loads(options.splits.read_text())
    strengths = [float(c) for c in options.strengths.split(",")]
    train, test = np.array(splits["train"]), np.array(splits["test"])
    places = np.arange(len(train))
    folds = [(np.setdiff1d(places, held), np.array(held)) for held in splits["folds"]]
    with h5py.File(options.store / "index.h5") as file:
        labels = np.array([label == b"yes" for label in file["documents/label"][:]]).astype(int)
        sites = options.sites.split(",") if options.sites else list(file["activations"])
        for site in sites:
            start, cpu = time.perf_counter(), cpu_seconds()
            x = file["activations"][site][:].astype(np.float32)
            learnt, own = x[train], labels[train]
            # Processes that are started for a site end with it, so that their seconds are counted.
            if options.jobs > 1:
                with joblib.parallel_config("multiprocessing", n_jobs=options.jobs):
                    losses = joblib.Parallel()(
                        joblib.delayed(fold_losses)(learnt, own, *fold, strengths) for fold in folds)
            else:
                losses = [fold_losses(learnt, own, *fold, strengths) for fold in folds]
            best = strengths[int(np.argmin(np.mean(losses, axis=0)))]
            scaler = StandardScaler()
            fit = classifier(best).fit(scaler.fit_transform(learnt), own)
            raw = fit.decision_function(scaler.transform(x[test]))
            print(json.dumps({
                "site": site, "auroc": roc_auc_score(labels[test], raw),
                "accuracy": accuracy_score(labels[test], raw > 0), "strength": best,
                "iterations": int(fit.n_iter_[0]), "seconds": time.perf_counter() - start,
                "cpu": cpu_seconds() - cpu, "versions": f"h5py {h5py.__version__}, scikit-learn {sklearn.__version__}",
                "threads": os.cpu_count()}), flush=True)


if __name__ == "__main__":
    main()
