#!/usr/bin/env python3
"""Measures a probe sweep beside h5py and scikit-learn on the same store, splits and grid, and writes the table.

    Scripts/bench/sweep.py [--work FOLDER] [--venv FOLDER] [--rows 20000] [--layers 12] [--rounds 1] [--strengths C,C,…]
                           [--peer-layers 0,6,11] [--peer-jobs 1] [--output FILE]

The store has GPT-2 small's widths (residual stream 768, neurons 3072, float16); `bench sweep-store` makes it once. Of both
sides the sweep alone is timed, from opening the store to the last score, without the start of Python and its imports.
The peer needs far longer: with `--peer-layers` it is timed on the sites of those layers, and its time for the whole sweep is
that times the number of layers over theirs, which the table says.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

from run import BENCH, HERE, environment, processor


def layer(site):
    return int(site.split(".")[1])


def seconds(value):
    return f"{value:,.0f} s" if value >= 100 else f"{value:.1f} s"


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
    parser.add_argument("--peer-layers", help="the layers that the peer is timed on, such as 0,6,11; all unless given")
    parser.add_argument("--peer-jobs", type=int, default=1, help="processes that the peer's folds are shared by")
    parser.add_argument("--output", type=pathlib.Path, help="a file for the table, beside the terminal")
    options = parser.parse_args()
    python = environment(options.venv)
    options.work.mkdir(parents=True, exist_ok=True)
    store = options.work / f"sweep-{options.rows}-{options.layers}"
    if not (store / "index.h5").exists():
        subprocess.run([BENCH, "sweep-store", store, str(options.rows), str(options.layers)], check=True)
    layers = sorted({int(n) for n in options.peer_layers.split(",")}) if options.peer_layers else range(options.layers)

    own, peer = [], []
    for _ in range(options.rounds):
        out = subprocess.run(
            [BENCH, "sweep", store, options.strengths, str(options.folds)], check=True, capture_output=True, text=True)
        own.append(json.loads(out.stdout))
        print(f"Unfold {own[-1]['seconds']:.1f} s, CPU {own[-1]['cpu']:.1f} s", file=sys.stderr)
        splits = options.work / "sweep-splits.json"
        splits.write_text(json.dumps({key: own[-1][key] for key in ("train", "test", "folds")}))
        sites = [row["site"] for row in own[-1]["rows"] if layer(row["site"]) in layers]
        rows = []
        process = subprocess.Popen(
            [python, HERE / "peer_sweep.py", store, splits, options.strengths, "--sites", ",".join(sites), "--jobs",
             str(options.peer_jobs)], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            rows.append(json.loads(line))
            print(f"peer, {rows[-1]['site']}: {rows[-1]['seconds']:.1f} s, CPU {rows[-1]['cpu']:.1f} s", file=sys.stderr)
        if process.wait():
            raise SystemExit("the peer failed")
        peer.append(rows)

    share = options.layers / len(layers)
    wall, cpu = (statistics.median(r[key] for r in own) for key in ("seconds", "cpu"))
    theirs = {key: statistics.median(sum(site[key] for site in rows) for rows in peer) for key in ("seconds", "cpu")}
    found = {row["site"]: row for row in peer[-1]}
    compared = [row for row in own[-1]["rows"] if row["site"] in found]
    gaps = {key: max(abs(row[key] - found[row["site"]][key]) for row in compared) for key in ("auroc", "accuracy")}
    same = sum(row["strength"] == found[row["site"]]["strength"] for row in compared)
    whole = "whole sweep" if share == 1 else f"whole sweep, from its {len(compared)} sites × {share:g}"
    table = [
        f"On {processor()}, {os.cpu_count()} cores: {options.rows:,} rows, {options.layers} layers × 2 sites (widths 768 "
        f"and 3072, float16), {len(options.strengths.split(','))} strengths × {options.folds} folds, "
        f"{options.rounds} round(s).", "",
        "| tool | what was timed | wall | CPU |", "| --- | --- | ---: | ---: |",
        f"| Unfold | all {len(own[-1]['rows'])} sites | {seconds(wall)} | {seconds(cpu)} |"]
    peer_name = f"{peer[-1][0]['versions']}"
    timed = f"{len(compared)} sites (layers {', '.join(map(str, layers))})" if share != 1 else f"all {len(compared)} sites"
    table.append(f"| {peer_name} | {timed} | {seconds(theirs['seconds'])} | {seconds(theirs['cpu'])} |")
    if share != 1:
        table.append(
            f"| the same | *estimated* for all sites: × {share:g} | {seconds(theirs['seconds'] * share)} | "
            f"{seconds(theirs['cpu'] * share)} |")
    estimated = "" if share == 1 else " (against the estimate)"
    table += [
        "", f"Unfold takes {theirs['seconds'] * share / wall:.1f} times less wall time and "
        f"{theirs['cpu'] * share / cpu:.1f} times less CPU time{estimated}, with a peak of "
        f"{own[-1]['peak'] / 2**30:.1f} GiB resident. Largest difference at the {len(compared)} sites that both swept: "
        f"AUROC {gaps['auroc']:.5f}, accuracy {gaps['accuracy']:.5f}; the same C chosen at {same} of {len(compared)}.", "",
        "Both stop at a gradient of 1e-4, not at the minimum: there the last digits differ. Steps are those of the last "
        "fit, which Unfold begins at the mean of the folds' weights.", "",
        "| site | peer's wall | AUROC, Unfold | AUROC, peer | accuracy, Unfold | accuracy, peer | steps, Unfold | "
        "steps, peer |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in compared:
        other = found[row["site"]]
        table.append(
            f"| {row['site']} | {seconds(other['seconds'])} | {row['auroc']:.4f} | {other['auroc']:.4f} | "
            f"{row['accuracy']:.4f} | {other['accuracy']:.4f} | {row['iterations']} | {other['iterations']} |")
    text = "\n".join(table)
    print(text)
    if options.output:
        arguments = " ".join(
            argument for argument in [
                f"--rows {options.rows}", f"--layers {options.layers}", f"--rounds {options.rounds}",
                f"--strengths {options.strengths}", f"--folds {options.folds}",
                options.peer_layers and f"--peer-layers {options.peer_layers}", f"--peer-jobs {options.peer_jobs}"]
            if argument)
        options.output.write_text(
            "# A probe sweep beside h5py and scikit-learn\n\n"
            f"Written by `Scripts/bench/sweep.py {arguments}`; `make bench-sweep` runs it. Both sides read the same "
            "float16 store, split and fold it alike, choose C from the same grid by the log loss on the folds, fit on all "
            "training rows and score the rest. The peer standardises each fold's rows once for all C "
            "(`StandardScaler`), fits `LogisticRegression(solver=\"lbfgs\", tol=1e-4)` in float32, and reads with h5py; its "
            f"BLAS has all cores{', shared by ' + str(options.peer_jobs) + ' processes' if options.peer_jobs > 1 else ''}. "
            "Neither side's start is counted.\n\n" + text + "\n")


main()
