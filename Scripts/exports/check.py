#!/usr/bin/env python3
"""Reads every export back with the other project's own loader and holds it against the store and the dictionary.

    Scripts/exports/check.py STORE DICTIONARY EXPORTS

EXPORTS is a folder with what `Scripts/exports/make.sh` writes. Ends with code 1 where anything differs.
"""

import dataclasses
import gzip
import json
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from safetensors.numpy import load_file

store, dictionary, exports = map(Path, sys.argv[1:4])
f = h5py.File(store / "index.h5")
config = json.loads((dictionary / "cfg.json").read_text())
site = config["metadata"]["hook_name"]
weights = load_file(dictionary / "sae_weights.safetensors")
tokens = {name: f["tokens"][name][:] for name in f["tokens"]}
plain = tokens["special"] == 0
failures = []


def check(name, holds, detail=""):
    print(("ok    " if holds else "WRONG ") + name + (f" ({detail})" if detail else ""))
    if not holds:
        failures.append(name)


def encode(x):
    "The latents of rows, by the weights alone."
    x = x.astype(np.float32)
    if config["apply_b_dec_to_input"]:
        x = x - weights["b_dec"]
    products = x @ weights["W_enc"] + weights["b_enc"]
    least = np.partition(products, -config["k"], axis=1)[:, -config["k"], None]
    return np.where(products >= least, np.maximum(products, 0), 0)


latents = encode(f["activations"][site][:])
latents[~plain] = 0
count = int(plain.sum())


def neuronpedia():
    from neuronpedia.np_activation import Activation

    folder = next(path for path in (exports / "neuronpedia").glob("*/*") if path.is_dir())
    records = {name: json.loads((folder / f"{name}.jsonl").read_text()) for name in ["release", "model", "sourceset", "source"]}
    check("neuronpedia: release, model, sourceset and source name each other",
          records["sourceset"]["releaseName"] == records["release"]["name"]
          and records["source"]["setName"] == records["sourceset"]["name"]
          and records["source"]["modelId"] == records["model"]["id"] == folder.parent.name
          and records["source"]["id"] == folder.name)
    features = [json.loads(line) for path in sorted(folder.glob("features/*.gz")) for line in gzip.open(path)]
    activations = [json.loads(line) for path in sorted(folder.glob("activations/*.gz")) for line in gzip.open(path)]
    error = max(abs(r["maxActApprox"] - latents[:, int(r["index"])].max()) for r in features)
    check("neuronpedia: largest activations", error < 1e-3, f"{len(features)} features, off by at most {error:.1e}")
    error = max(abs(r["frac_nonzero"] - (latents[:, int(r["index"])] > 0).sum() / count) for r in features)
    check("neuronpedia: densities", error < 3 / count, f"off by at most {error:.1e}")
    check("neuronpedia: vectors", all(
        np.array_equal(np.float32(r["vector"]), weights["W_dec"][int(r["index"])]) for r in features))
    error = 0
    for r in features[:200]:
        z = latents[plain, int(r["index"])]
        if z.std() == 0:
            continue
        for other, value in list(zip(r["correlated_features_indices"], r["correlated_features_pearson"]))[:2]:
            error = max(error, abs(np.corrcoef(z, latents[plain, other])[0, 1] - value))
    check("neuronpedia: correlated features", error < 1e-3, f"off by at most {error:.1e}")
    # Neuronpedia's answers call the layer of its files `source`. The share of the strongest texts is -1, as Neuronpedia's own
    # converter writes it; its client takes shares from 0 to 1 or none.
    read = [
        Activation.from_np_db_json({
            **record, "source": record["layer"],
            "binContains": None if record["binContains"] == -1 else record["binContains"]})
        for record in activations
    ]
    largest = {int(r["index"]): r["maxActApprox"] for r in features}
    check("neuronpedia: its Activation reads every line", all(
        max(a.values) <= largest[a.index] + 1e-5 and len(a.tokens) == len(a.values) for a in read
    ), f"{len(read)} activations")
    check("neuronpedia: the marked token lies in its interval", all(
        r["binMin"] - 1e-4 <= r["values"][r["qualifyingTokenIndex"]] <= r["binMax"] + 1e-4 for r in activations))


def saedashboard():
    from sae_dashboard.neuronpedia.neuronpedia_dashboard import NeuronpediaDashboardBatch

    total = 0
    for path in sorted((exports / "saedashboard").glob("batch-*.json")):
        given = json.loads(path.read_text())
        batch = NeuronpediaDashboardBatch(**given)
        check(f"saedashboard: {path.name} reads and writes the same", json.loads(json.dumps(batch.to_dict())) == given)
        total += len(batch.features)
    check("saedashboard: all latents", total == latents.shape[1], f"{total}")


def delphi():
    import torch
    from delphi.config import ConstructorConfig, SamplerConfig
    from delphi.latents.loader import LatentDataset

    class NoTokenizer:
        "The loader keeps a tokenizer and does not use it until texts are shown."

    data = LatentDataset(
        str(exports / "delphi"), SamplerConfig(), ConstructorConfig(), tokenizer=NoTokenizer(), modules=[site])
    table = data.tokens
    context = table.shape[1]
    lines = [(first, a) for first, n in zip(f["documents/first_token"][:], f["documents/token_count"][:])
             for a in range(0, n, context)]
    rows = np.array([first + a for first, a in lines])
    seen, error = 0, 0.0
    found = np.zeros_like(latents)
    for buffer in data.buffers:
        for latent in buffer:
            places = latent.activation_data.locations
            values = latent.activation_data.activations.float().numpy()
            row = rows[places[:, 0].numpy()] + places[:, 1].numpy()
            found[row, latent.latent.latent_index] = values
            seen += len(values)
    different = np.abs(found - latents) > 2e-3 * np.maximum(latents, 1)
    # Of nearly equal products TopK may keep another, where one is computed in another order.
    check("delphi: its loader finds every active latent", different.sum() <= seen * 1e-5,
          f"{seen} activations in {len(data.buffers)} files, {int(different.sum())} other")
    flat = table.reshape(-1)[: context].numpy()
    n = min(context, int(f["documents/token_count"][0]))
    check("delphi: tokens", np.array_equal(flat[:n], tokens["id"][:n]), f"{tuple(table.shape)}")


def neuron_records():
    from neuron_explainer.activations.activations import NeuronRecord
    from neuron_explainer.fast_dataclasses import loads

    name = "blocks.2.mlp.hook_post"
    values = f["activations"][name][:].astype(np.float32)
    statistics = f["statistics"][name]
    files = sorted((exports / "neuron-records/neurons/2").glob("*.json"))
    for path in files:
        record = loads(path.read_bytes())
        index = record.neuron_id.neuron_index
        holds = isinstance(record, NeuronRecord) and record.neuron_id.layer_index == 2
        holds &= record.mean == statistics["mean"][index] and record.kurtosis == statistics["kurtosis"][index]
        top = [max(r.activations) for r in record.most_positive_activation_records]
        holds &= abs(max(top) - values[plain, index].max()) < 1e-6 and top[0] == record.max_activation
        known = set(values[:, index].tolist())
        holds &= all(set(np.float32(r.activations).tolist()) <= known for r in record.random_sample + record.most_positive_activation_records)
        check(f"neuron-records: {path.name}", holds, f"{len(top)} strongest, {len(record.random_sample)} drawn")


def tensors():
    name = "blocks.2.hook_resid_post"
    expected = f["activations"][name][:]
    with np.load(exports / "activations.npz") as archive:
        check("tensors: NumPy opens the .npz", np.array_equal(archive[f"activations/{name}"], expected.astype(np.float32)),
              f"{archive[f'activations/{name}'].shape}")
        check("tensors: tokens", all(np.array_equal(archive[f"tokens/{c}"], tokens[c]) for c in tokens))
    file = load_file(exports / "activations.safetensors")
    check("tensors: safetensors, float16", file[f"activations/{name}"].dtype == np.float16
          and np.array_equal(file[f"activations/{name}"], expected))
    with np.load(exports / "statistics.npz") as archive:
        check("tensors: statistics", all(
            np.array_equal(archive[f"statistics/{name}/{c}"], f["statistics"][name][c][:])
            for c in ["mean", "variance", "skewness", "kurtosis", "minimum", "maximum", "firing", "top_value", "top_row"]))


def tables():
    frame = pd.read_csv(exports / "statistics.csv")
    holds = True
    for name, part in frame.groupby("site"):
        for column in ["mean", "variance", "skewness", "kurtosis", "firing"]:
            holds &= np.array_equal(part.sort_values("index")[column], f["statistics"][name][column][:])
    check("table: pandas reads the statistics", holds, f"{len(frame)} lines")
    documents = pd.read_csv(exports / "documents.csv", keep_default_na=False)
    check("table: documents", list(documents["id"]) == list(f["documents/id"].asstr()[:])
          and list(documents["label"]) == list(f["documents/label"].asstr()[:]), f"{len(documents)} lines")
    labels = pd.read_csv(exports / "labels.csv")
    name = labels["site"].iloc[0]
    values = pd.DataFrame(f["activations"][name][:].astype(np.float32)[plain]).groupby(tokens["document"][plain]).max()
    means = values.groupby(f["documents/label"].asstr()[:][values.index]).mean()
    error = max(abs(means.loc[r.label, r.index_] - r.mean_of_maxima)
                for r in labels.rename(columns={"index": "index_"}).itertuples())
    check("table: label means", error < 1e-4, f"{len(labels)} lines, off by at most {error:.1e}")


chosen = sys.argv[4:] or ["neuronpedia", "saedashboard", "delphi", "neuron_records", "tensors", "tables"]
for reader in chosen:
    globals()[reader]()
sys.exit(1 if failures else 0)
