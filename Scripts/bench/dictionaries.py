#!/usr/bin/env python3
"""Trains dictionaries with Unfold and with SAELens, in turn, in one run, and writes the tables.

    Scripts/bench/dictionaries.py [PIECE…] [--work FOLDER] [--venv FOLDER] [--rounds N] [--output FILE]

PIECE: speed, latents or recovery (default: all). What a piece measured is kept in the work folder, so that pieces can be
run one at a time; the tables are written from all that is there (by `tables` alone too, which measures nothing). Both trainers read the same rows from memory in batches
of 4,096, float32, one process a measurement. Standard library only; SAELens comes from `requirements-dictionaries.txt`
into an environment outside the repository.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
UNFOLD = os.environ.get("UNFOLD", ROOT / ".build/release/unfold")
# Rows of the mean norm √768 that both libraries' coefficients are meant for, 20 of 4,096 features active on average.
ROWS = ["--width", 768, "--features", 4096, "--active", 20, "--rows", 16384, "--norm", 27.7128]
SHAPE = [*ROWS, "--plain"]


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


def median(values):
    return statistics.median(values)


def speed(python, work, rounds):
    rows = work / "speed.f32"
    unfold(*ROWS, "--export", rows)
    relu = ["--architecture", "standard", "--sparsity", 5, "--learning-rate", 1e-3]
    result = {"rounds": rounds, "topk": {}, "relu": []}
    for threads in [1, os.cpu_count()]:
        result["topk"][threads] = [{
            "own": unfold(*SHAPE, "--latents", 12288, "--k", 32, "--untimed", 3, "--steps", 15, "--threads", threads),
            "peer": peer(
                python, rows, "--width", 768, "--latents", 12288, "--architecture", "topk", "--untimed", 1, "--steps", 3,
                "--threads", threads),
        } for _ in range(rounds)]
    for _ in range(rounds):
        result["relu"].append({
            "own": unfold(*SHAPE, "--latents", 12288, *relu, "--untimed", 0, "--steps", 60),
            "start": unfold(*SHAPE, "--latents", 12288, *relu, "--untimed", 1, "--steps", 2),
            "peer": peer(
                python, rows, "--width", 768, "--latents", 12288, "--architecture", "standard", "--rate", 1e-3,
                "--untimed", 1, "--steps", 2),
        })
    return result


def latents(python, work, rounds):
    return {
        count: [unfold(*SHAPE, "--latents", count, "--k", 32, "--untimed", 2, "--steps", 4) for _ in range(rounds)]
        for count in [3072, 6144, 12288, 24576]
    }


def recovery(python, work, rounds):
    """At least six seeds of each trainer; every run's figures are kept as it ends, so that a stopped benchmark goes on."""
    rows = work / "recovery.f32"
    size = ["--width", 64, "--features", 256, "--active", 4, "--rows", 131072, "--group", 2]
    unfold(*size, "--export", rows)
    common = ["--latents", 512, "--batch", 1024, "--untimed", 0, "--steps", 4000, "--threads", 1]
    topk, relu = ["--architecture", "topk", "--k", 4], ["--architecture", "standard"]

    def own(seed, flags):
        return unfold(*size, "--plain", *common, "--learning-rate", 1e-3, "--dictionary-seed", seed, *flags)

    def other(seed, flags):
        shutil.rmtree(work / "peer", ignore_errors=True)
        peer(python, rows, "--width", 64, *common, "--rate", 1e-3, "--seed", seed, "--output", work / "peer", *flags)
        return unfold(*size, "--judge", work / "peer")

    runs = [
        ("TopK, k = 4", "Unfold", own, topk),
        ("TopK, k = 4", "Unfold, --decoder-norm 0.1", own, [*topk, "--decoder-norm", 0.1]),
        ("TopK, k = 4", "SAELens", other, topk),
        ("ReLU + L1, 0.3", "Unfold", own, [*relu, "--sparsity", 0.3]),
        ("ReLU + L1, 0.3", "SAELens", other, [*relu, "--l1", 0.3]),
    ]
    kept = work / "dictionaries-recovery-runs.json"
    results = json.loads(kept.read_text()) if kept.exists() else []
    for name, trainer, train, flags in runs:
        for seed in range(max(rounds, 6)):
            if any((r["name"], r["trainer"], r["seed"]) == (name, trainer, seed) for r in results):
                continue
            measured = train(seed, flags)
            results.append({"name": name, "trainer": trainer, "seed": seed} | {
                key: measured[key] for key in ["mmcs", "recovered", "mean_f1", "silent", "explained_variance"]})
            print(results[-1], file=sys.stderr)
            kept.write_text(json.dumps(results))
    kept.unlink()
    return results


def write_speed(measured):
    lines = [
        "", "## Speed", "",
        "768 → 12288, batch 4,096, float32: steps alone, on the same rows, which both hold in memory; medians over "
        f"steps, and of {measured['rounds']} round(s) in turn.",
        "SAELens's steps cost the same however many latents are active, so that a few of them tell.", "",
        "| architecture | threads | Unfold, tokens/s | SAELens, tokens/s | ratio | ratio of processor time | active latents |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]

    def rate(seconds):
        return 4096 / median(seconds)

    def row(name, threads, pairs, l0, own_processor=None):
        """Pairs of step times, ours and theirs."""
        wall = median(rate(own) / rate(other["stepSeconds"]) for own, other in pairs)
        used = f"{median(b['processorSeconds'] for _, b in pairs) / own_processor:.1f}" if own_processor else "–"
        lines.append(
            f"| {name} | {threads} | {median(rate(own) for own, _ in pairs):,.0f} | "
            f"{median(rate(other['stepSeconds']) for _, other in pairs):,.0f} | {wall:.1f} | {used} | {l0:,.0f} |")

    for threads, rounds in measured["topk"].items():
        row("TopK, k = 32", threads, [(r["own"]["step_seconds"], r["peer"]) for r in rounds],
            rounds[-1]["own"]["metrics"]["l0"], median(r["own"]["processor_seconds"] for r in rounds))
    threads = list(measured["topk"])[-1]
    relu = measured["relu"]
    row("ReLU + L1, steps 2 and 3: whole matrices", threads, [(r["start"]["step_seconds"], r["peer"]) for r in relu],
        relu[-1]["start"]["metrics"]["l0"])
    row("ReLU + L1, steps 41 to 60", threads, [(r["own"]["step_seconds"][-20:], r["peer"]) for r in relu],
        relu[-1]["own"]["metrics"]["l0"])
    row("ReLU + L1, steps 1 to 60, mean", threads,
        [([sum(r["own"]["step_seconds"]) / 60], r["peer"]) for r in relu], relu[-1]["own"]["metrics"]["l0"])

    lines += [
        "", "Memory: the trainer's own account (16 bytes for each weight: itself, its gradient and Adam's two moments; and what "
        "a batch needs) beside what the process", "was seen to take on while training, and whole processes, rows included.", "",
        "| architecture | weights, gradients, moments | a batch | together | measured | process | SAELens's process |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    mib = lambda value: f"{value / 2**20:,.0f} MiB"
    for name, own, other in [
        ("TopK, k = 32", measured["topk"][threads][-1]["own"], measured["topk"][threads][-1]["peer"]),
        ("ReLU + L1", relu[-1]["own"], relu[-1]["peer"]),
    ]:
        lines.append(
            f"| {name} | {mib(own['parameter_bytes'])} | {mib(own['batch_bytes'])} | "
            f"{mib(own['parameter_bytes'] + own['batch_bytes'])} | {mib(own['training_bytes'])} | "
            f"{mib(own['peak_bytes'])} | {mib(other['peakBytes'])} |")
    return lines


def write_latents(measured):
    lines = [
        "", "## Cost in the number of latents", "", "TopK, k = 32, width 768, batch 4,096, two threads: the quickest of each size's steps, since the machine's other "
        "tenants slow some.", "",
        "| latents | step | of the step of half as many | memory while training |", "| ---: | ---: | ---: | ---: |",
    ]
    before = None
    for count, rounds in measured.items():
        step = min(min(r["step_seconds"]) for r in rounds)
        ratio = f"{step / before:.2f} ×" if before else ""
        lines.append(f"| {int(count):,} | {step:.3f} s | {ratio} | {rounds[-1]['training_bytes'] / 2**20:,.0f} MiB |")
        before = step
    return lines


def write_recovery(measured):
    lines = [
        "", "## Recovery of known features", "",
        "256 features in 64 dimensions (Zipf exponent 0.5, in pairs that share a switch, 4 active on average); 512 latents, "
        "learning rate 0.001, 4,000 steps of 1,024", "of the same rows for both, no warm-up; means ± standard deviations over "
        "seeds of the initial weights. Silent latents are never active on 16,384 rows.", "",
        "| architecture | trainer | seeds | MMCS | recovered (cosine > 0.9) | mean F1 | explained variance | silent of 512 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, trainer in dict.fromkeys((result["name"], result["trainer"]) for result in measured):
        some = [r for r in measured if (r["name"], r["trainer"]) == (name, trainer)]

        def cell(key, digits, factor=1, unit=""):
            values = [factor * r[key] for r in some]
            return f"{statistics.mean(values):.{digits}f}{unit} ± {statistics.stdev(values):.{digits}f}"

        lines.append(
            f"| {name} | {trainer} | {len(some)} | {cell('mmcs', 4)} | {cell('recovered', 1, 100, ' %')} | {cell('mean_f1', 3)} | "
            f"{cell('explained_variance', 4)} | {cell('silent', 0)} |")
    return lines


def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        flags = next(line for line in text.splitlines() if line.startswith("flags")).split()
        wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
        name = next(line for line in text.splitlines() if line.startswith("model name")).split(":")[1].strip()
        return f"{name}, {os.cpu_count()} cores, {wide}"
    except (OSError, StopIteration):
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def main():
    pieces = {"speed": (speed, write_speed), "latents": (latents, write_latents), "recovery": (recovery, write_recovery)}
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help="speed, latents, recovery or tables (default: all)")
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv-dictionaries")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "Benchmarks/DICTIONARIES.md")
    options = parser.parse_args()
    if unknown := [piece for piece in options.pieces if piece not in [*pieces, "tables"]]:
        parser.error(f"no piece is called {unknown[0]}")
    options.work.mkdir(parents=True, exist_ok=True)
    python = None if options.pieces == ["tables"] else environment(options.venv)
    lines = [
        "# Dictionaries, measured beside SAELens", "",
        f"Written by `Scripts/bench/dictionaries.py` (part of `make bench`) on {processor()}; SAELens 6.54 on PyTorch 2.13.",
    ]
    for name, (measure, write) in pieces.items():
        kept = options.work / f"dictionaries-{name}.json"
        if not options.pieces or name in options.pieces:
            kept.write_text(json.dumps(measure(python, options.work, options.rounds)))
        if kept.exists():
            lines += write(json.loads(kept.read_text()))
    options.output.write_text("\n".join(lines) + "\n")
    print(options.output)


main()
