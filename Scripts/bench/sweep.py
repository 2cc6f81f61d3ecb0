#!/usr/bin/env python3
"""Measures a probe sweep beside h5py and scikit-learn on the same store, splits and grid, and prints the ratio.

    Scripts/bench/sweep.py [--work FOLDER] [--venv FOLDER] [--rows 20000] [--layers 12] [--rounds 1] [--strengths C,C,…]

The store has GPT-2 small's widths (residual stream 768, neurons 3072, float16); `bench sweep-store` makes it once. Of both
sides the sweep alone is timed, from opening the store to the last score, without the start of Python and its imports.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

from run import BENCH, HERE, environment, processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv")
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--strengths", default="0.0001,0.001,0.01,0.1")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    python = environment(options.venv)
    options.work.mkdir(parents=True, exist_ok=True)
    store = options.work / f"sweep-{options.rows}-{options.layers}"
    if not (store / "index.h5").exists():
        subprocess.run([BENCH, "sweep-store", store, str(options.rows), str(options.layers)], check=True)

    times = {"Unfold": [], "h5py + scikit-learn": []}
    for _ in range(options.rounds):
        out = subprocess.run(
            [BENCH, "sweep", store, options.strengths, str(options.folds)], check=True, capture_output=True, text=True)
        own = json.loads(out.stdout)
        splits = options.work / "sweep-splits.json"
        splits.write_text(json.dumps({key: own[key] for key in ("train", "test", "folds")}))
        out = subprocess.run(
            [python, HERE / "peer_sweep.py", store, splits, options.strengths], check=True, capture_output=True,
            text=True)
        peer = json.loads(out.stdout.splitlines()[-1])
        times["Unfold"].append(own["seconds"])
        times["h5py + scikit-learn"].append(peer["seconds"])
        print(f"Unfold {own['seconds']:.1f} s, h5py + scikit-learn {peer['seconds']:.1f} s", file=sys.stderr)

    theirs = {row["site"]: row for row in peer["rows"]}
    gaps = {
        key: max(abs(row[key] - theirs[row["site"]][key]) for row in own["rows"]) for key in ("auroc", "accuracy")}
    same = sum(row["strength"] == theirs[row["site"]]["strength"] for row in own["rows"])
    median = {name: statistics.median(values) for name, values in times.items()}
    ratio = median["h5py + scikit-learn"] / median["Unfold"]
    print(
        f"On {processor()}, {os.cpu_count()} cores: {options.rows:,} rows, {options.layers} layers × 2 sites, "
        f"{len(options.strengths.split(','))} strengths × {options.folds} folds, {options.rounds} round(s).\n\n"
        "| tool | seconds | times Unfold's time |\n| --- | ---: | ---: |\n"
        + "\n".join(f"| {name} | {value:.1f} | {value / median['Unfold']:.2f} |" for name, value in median.items())
        + f"\n\nUnfold is {ratio:.1f} times as fast. Largest difference at a site: AUROC {gaps['auroc']:.5f}, accuracy "
        f"{gaps['accuracy']:.5f}; the same C at {same} of {len(theirs)} sites.")


main()
