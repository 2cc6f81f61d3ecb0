"""What `unfold heads` says of models whose weights mean nothing: each tensor's numbers shuffled, over many seeds.

    pip install numpy==2.4.6 safetensors==0.8.0
    python Scripts/references/heads_chance.py .build/release/unfold models/unfold-mini

Prints the table of docs/heads.md: of each measure the mean and the largest, over the seeds, of a model's mean over heads and
of its largest head.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

tool, source = sys.argv[1], Path(sys.argv[2])
tensors = load_file(source / "model.safetensors")
found = {}


def note(name, values):
    if not values:  # Rotary positions leave matching and composition by query and key out.
        return
    found.setdefault(name, []).append((np.mean(values), np.max(values)))


with tempfile.TemporaryDirectory() as folder:
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(source / file, folder)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shuffled = {name: rng.permutation(value.reshape(-1)).reshape(value.shape) for name, value in tensors.items()}
        save_file(shuffled, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        command = [tool, "heads", folder, "--sequences", "10", "--json", "--quiet"]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for measure in ["previous", "duplicate", "induction"]:
            note(measure, [head["repeated"][measure] for head in result["heads"]])
        for measure in ["copying", "matching"]:
            note(f"|{measure}|", [abs(head[measure]) for head in result["heads"] if measure in head])
        for kind in ["query", "key", "value"]:
            note(kind, [pair["score"] for pair in result["composition"]["pairs"] if pair["kind"] == kind])

print("measure      mean of heads   largest head: mean of seeds, of all")
for name, values in found.items():
    means, largest = np.array(values).T
    print(f"{name:12s} {means.mean():.4f}          {largest.mean():.4f}  {largest.max():.4f}")
