#!/usr/bin/env python3
"""Trains dictionaries with Unfold and with SAELens, in turn, in one run, and writes the tables.

    Scripts/bench/dictionaries.py [--work FOLDER] [--venv FOLDER] [--rounds N] [--output FILE] [--only speed|recovery]

Speed: 768 → 12288, batches of 4096 in memory, float32, steps alone; medians over the rounds. Recovery: synthetic features
of known directions, the same rows, number of latents, k or L1, learning rate and steps for both. Standard library only;
SAELens comes from `requirements-dictionaries.txt` into an environment outside the repository.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
UNFOLD = os.environ.get("UNFOLD", ROOT / ".build/release/unfold")


def environment(folder):
    python = folder / "bin/python"
    if not python.exists():
        print(f"making {folder} with SAELens", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", HERE / "requirements-dictionaries.txt"], check=True)
    return python


def unfold(*arguments):
    result = subprocess.run(
        [UNFOLD, "sae", "benchmark", "--json", "--quiet", *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def peer(python, *arguments):
    result = subprocess.run(
        [python, HERE / "peer_dictionary.py", *map(str, arguments)], check=True, capture_output=True, text=True,
        env=os.environ | {"WANDB_MODE": "disabled", "HF_HUB_OFFLINE": "1"})
    return json.loads(result.stdout.splitlines()[-1])


def speed(python, work, rounds, threads, lines):
    rows = work / "speed.f32"
    size = ["--width", 768, "--features", 4096, "--rows", 16384]
    unfold(*size, "--export", rows)
    lines += [
        "768 → 12288, batch 4096, float32; steps alone, on the same rows; medians of "
        f"{rounds} round(s) in turn. Standard at L1 weight 5 after 60 untimed steps of Unfold and 2 of SAELens (whose time",
        "does not depend on how many latents are active); its first steps, when half of the latents are active, are shown",
        "apart.", "",
        "| architecture | Unfold, tokens/s | SAELens, tokens/s | ratio | of processor time | active latents | Unfold's peak | SAELens's peak |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    cases = [
        ("TopK, k = 32", ["--architecture", "topk", "--k", 32], ["--untimed", 2, "--steps", 6], ["--architecture", "topk"]),
        ("ReLU + L1", ["--architecture", "standard", "--sparsity", 5, "--learning-rate", 1e-3],
         ["--untimed", 60, "--steps", 6], ["--architecture", "standard", "--rate", 1e-3]),
        ("ReLU + L1, first steps", ["--architecture", "standard", "--sparsity", 5, "--learning-rate", 1e-3],
         ["--untimed", 1, "--steps", 2], ["--architecture", "standard", "--rate", 1e-3]),
    ]
    for name, ours, steps, theirs in cases:
        own, other, ratios = [], [], []
        for _ in range(rounds):
            a = unfold(*size, *threads, "--plain", "--latents", 12288, *ours, *steps)
            b = peer(python, rows, "--width", 768, "--latents", 12288, "--untimed", 1, "--steps", 2, *threads, *theirs)
            own.append(a)
            other.append(b)
            ratios.append(a["tokensPerSecond"] / b["tokensPerSecond"])
        middle = lambda results, key: statistics.median(result[key] for result in results)
        lines.append(
            f"| {name} | {middle(own, 'tokensPerSecond'):,.0f} | {middle(other, 'tokensPerSecond'):,.0f} | "
            f"{statistics.median(ratios):.1f} | "
            f"{middle(other, 'processorSeconds') / middle(own, 'processorSeconds'):.1f} | {a['metrics']['l0']:,.0f} | {middle(own, 'peakBytes') / 2**30:.2f} GiB | "
            f"{middle(other, 'peakBytes') / 2**30:.2f} GiB |")
        print(lines[-1], file=sys.stderr)


def recovery(python, work, lines):
    rows = work / "recovery.f32"
    size = ["--width", 64, "--features", 256, "--active", 4, "--rows", 131072, "--group", 2]
    unfold(*size, "--export", rows)
    lines += [
        "", "Recovery of 256 known features in 64 dimensions (Zipf exponent 0.5, in pairs that share a switch, 4 active on",
        "average): 512 latents, learning rate 0.001, 4,000 steps of 1,024, the same rows for both.", "",
        "| architecture | trainer | MMCS | recovered (cosine > 0.9) | mean F1 |", "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, ours, theirs in [
        ("TopK, k = 4", ["--architecture", "topk", "--k", 4], ["--architecture", "topk", "--k", 4]),
        ("ReLU + L1, 0.3", ["--architecture", "standard", "--sparsity", 0.3], ["--architecture", "standard", "--l1", 0.3]),
    ]:
        a = unfold(
            *size, "--plain", "--latents", 512, "--batch", 1024, "--untimed", 0, "--steps", 4000, "--learning-rate", 1e-3,
            *ours)
        shutil.rmtree(work / "peer", ignore_errors=True)
        peer(
            python, rows, "--width", 64, "--latents", 512, "--batch", 1024, "--untimed", 0, "--steps", 4000, "--rate", 1e-3,
            "--output", work / "peer", *theirs)
        b = unfold(*size, "--judge", work / "peer")
        for trainer, result in [("Unfold", a), ("SAELens", b)]:
            lines.append(
                f"| {name} | {trainer} | {result['mmcs']:.3f} | {result['recovered']:.1%} | {result['meanF1']:.3f} |")
            print(lines[-1], file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv-dictionaries")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="threads of both (default: one a core)")
    parser.add_argument("--only", choices=["speed", "recovery"])
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "Benchmarks/DICTIONARIES.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    python = environment(options.venv)
    lines = ["# Dictionaries, measured", "", "By `make bench`.", ""]
    if options.only != "recovery":
        threads = ["--threads", options.threads] if options.threads else []
        speed(python, options.work, options.rounds, threads, lines)
    if options.only != "speed":
        recovery(python, options.work, lines)
    options.output.write_text("\n".join(lines) + "\n")
    print(options.output)


main()
