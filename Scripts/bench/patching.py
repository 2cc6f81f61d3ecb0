#!/usr/bin/env python3
"""Measures grids of activation patching beside TransformerLens's patching.py, in turn, in one run, and writes the table.

    Scripts/bench/patching.py [--work FOLDER] [--venv FOLDER] [--rounds N] [--tokens 15] [--output FILE]

The model has GPT-2 small's shape and random weights; the prompts are random tokens of which two differ. Both tools patch the
same cells: the residual stream in front of each layer, each attention's and each MLP's output, position by position
(TransformerLens's get_act_patch_block_every), and each head's output at all positions
(get_act_patch_attn_head_out_all_pos); every restored share must agree. Unfold is timed as a whole process, start and model
loading included; of TransformerLens only the patching counts, without imports, loading and the run that fills its cache.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run as bench

GRIDS = ["resid_pre", "attn_out", "mlp_out", "z"]


def peer(model_folder, pair_file):
    """TransformerLens's seconds and restored shares; runs in the peers' environment."""
    import torch
    from transformer_lens import patching
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM

    torch.set_grad_enabled(False)
    weights = AutoModelForCausalLM.from_pretrained(model_folder)
    model = TransformerBridge.boot_transformers(model_folder, hf_model=weights, device="cpu").eval()
    pair = json.loads(pathlib.Path(pair_file).read_text())
    clean, corrupt = torch.tensor([pair["clean"]]), torch.tensor([pair["corrupt"]])
    right, wrong = pair["right"], pair["wrong"]

    def difference(logits):
        return logits[0, -1, right] - logits[0, -1, wrong]

    low = difference(model(corrupt))
    logits, cache = model.run_with_cache(clean)
    high = difference(logits)

    def metric(logits):
        return (difference(logits) - low) / (high - low)

    start = time.perf_counter()
    blocks = patching.get_act_patch_block_every(model, corrupt, cache, metric)
    heads = patching.get_act_patch_attn_head_out_all_pos(model, corrupt, cache, metric)
    seconds = time.perf_counter() - start
    grids = [grid.tolist() for grid in blocks] + [heads.tolist()]
    print(json.dumps({"seconds": seconds, "grids": grids}))


def unfold(model, pair, threads=None):
    command = [bench.UNFOLD, "patch", model, "--pairs", pair, "--sites", ",".join(GRIDS), "--json", "--quiet"]
    start = time.perf_counter()
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    grids = {site["site"]: site["restored"] for site in json.loads(result.stdout)["sites"]}
    return {"seconds": seconds, "grids": [grids[name] for name in GRIDS]}


def flat(values):
    return [x for value in values for x in flat(value)] if isinstance(values, list) else [values]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="+", default=[15, 40])
    parser.add_argument("--output", type=pathlib.Path, default=bench.ROOT / "Benchmarks/PATCHING.md")
    parser.add_argument("--peer", nargs=2, metavar=("MODEL", "PAIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(*options.peer)
    python = bench.environment(options.venv)
    subprocess.run([python, bench.HERE / "make_inputs.py", options.work], check=True, capture_output=True)
    model = options.work / "gpt2-small-random"
    lines = [
        "# Patching grids", "", "Made by `Scripts/bench/patching.py`.", "",
        f"{bench.processor()}, {os.cpu_count()} cores; medians of {options.rounds} rounds. A model of GPT-2 small's shape: the "
        "residual stream, each attention's and each MLP's output position by position, and each head. Unfold: the whole "
        "process; TransformerLens: patching alone.", "",
        "| tokens | cells | Unfold | TransformerLens | ratio | largest difference of a restored share |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in options.tokens:
        generator = random.Random(count)
        clean = [generator.randrange(50257) for _ in range(count)]
        corrupt = list(clean)
        for position in (count // 5, count // 2):
            corrupt[position] = generator.randrange(50257)
        pair = options.work / "pair.jsonl"
        pair.write_text(json.dumps({"clean": clean, "corrupt": corrupt, "right": 11, "wrong": 4000}) + "\n")
        own, theirs = [], []
        for _ in range(options.rounds):
            own.append(unfold(model, pair))
            output = subprocess.run(
                [python, __file__, "--peer", model, pair], check=True, capture_output=True, text=True,
                env=os.environ | {"HF_HUB_OFFLINE": "1"})
            theirs.append(json.loads(output.stdout.splitlines()[-1]))
        ours, peers = flat(own[0]["grids"]), flat(theirs[0]["grids"])
        assert len(ours) == len(peers)
        error = max(abs(a - b) for a, b in zip(ours, peers))
        seconds = [statistics.median(round["seconds"] for round in rounds) for rounds in (own, theirs)]
        lines.append(
            f"| {count} | {len(ours):,} | {seconds[0]:.2f} s | {seconds[1]:.2f} s | {seconds[1] / seconds[0]:.1f} | {error:.1e} |")
        print(lines[-1], file=sys.stderr)
    options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
