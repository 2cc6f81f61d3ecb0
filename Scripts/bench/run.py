#!/usr/bin/env python3
"""Measures Unfold beside its peers, in turn, in one run, and writes the table.

    Scripts/bench/run.py [--work FOLDER] [--venv FOLDER] [--rounds N] [--types float32 bfloat16] [--output FILE]

Makes a virtual environment outside the repository (`~/.cache/unfold-bench/venv` unless told otherwise) with the peers at
pinned versions, a model of GPT-2 small's shape with random weights, and two corpora of tokens: 32 documents of 512, and
documents of 5 to 500 tokens in random order. Peers read batches of 8 documents, padded. Unfold is timed as a whole process,
start and model loading included; of a peer only the capture loop counts, without imports and loading. All synchronise
their files to the disk. Figures are medians over the rounds. Standard library only.
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
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
UNFOLD = ROOT / ".build/release/unfold"
BENCH = ROOT / "Benchmarks/.build/release/bench"


def processor():
    for line in open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def environment(folder):
    python = folder / "bin/python"
    if not python.exists():
        print(f"making {folder} with the peers", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
    return python


def peer(python, script, *arguments):
    result = subprocess.run(
        [python, HERE / script, *arguments], check=True, capture_output=True, text=True,
        env=os.environ | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"})
    return json.loads(result.stdout.splitlines()[-1])


def unfold(model, corpus, output, *arguments):
    """A whole process: seconds and peak memory by the system's own account."""
    shutil.rmtree(output, ignore_errors=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        [UNFOLD, "capture", model, corpus, "-o", output, "--quiet", "--json", "--context", "1024", *arguments],
        stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"unfold capture failed with status {status}")
    shutil.rmtree(output, ignore_errors=True)
    return {"seconds": seconds, "peak": usage.ru_maxrss * 1024}


def tokens(corpus):
    return sum(len(json.loads(line)["tokens"]) for line in open(corpus))


def product_table(products):
    """GFLOP/s of each library, a row for each shape."""
    libraries = sorted({(p["type"], p["library"]) for p in products}, key=lambda pair: (pair[0] != "float32", pair))
    shapes = sorted({(p["rows"], p["outputs"], p["inputs"]) for p in products}, reverse=True)
    rates = {((p["rows"], p["outputs"], p["inputs"]), (p["type"], p["library"])): p["gigaflops"] for p in products}
    lines = [
        "Matrix products C[m, n] = A[m, k] · B[n, k]ᵀ, GFLOP/s:", "",
        "| m × n × k | " + " | ".join(f"{kind}, {name.split(', ')[0]}" for kind, name in libraries) + " |",
        "| --- |" + " ---: |" * len(libraries),
    ]
    for shape in shapes:
        cells = [f"{rates[shape, library]:,.0f}" if (shape, library) in rates else "–" for library in libraries]
        lines.append(f"| {' × '.join(map(str, shape))} | {' | '.join(cells)} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--types", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "Benchmarks/RESULTS.md")
    parser.add_argument("--no-dictionaries", action="store_true", help="leave the training of dictionaries out")
    options = parser.parse_args()
    python = environment(options.venv)
    work = options.work
    subprocess.run([python, HERE / "make_inputs.py", work], check=True, capture_output=True)
    model = work / "gpt2-small-random"

    rows = []
    for corpus in ["even", "ragged"]:
        path = work / f"{corpus}.jsonl"
        count = tokens(path)
        for kind in options.types:
            times = {"Unfold": [], "TransformerLens": [], "Hugging Face + hooks": []}
            peaks = dict.fromkeys(times, 0)
            for _ in range(options.rounds):
                results = {
                    "Unfold": unfold(model, path, work / "store", "--compute", kind),
                    "TransformerLens": peer(
                        python, "peer_capture.py", "transformerlens", model, path, work / "peer.h5", "--type", kind),
                    "Hugging Face + hooks": peer(
                        python, "peer_capture.py", "huggingface", model, path, work / "peer.h5", "--type", kind),
                }
                for name, result in results.items():
                    times[name].append(result["seconds"])
                    peaks[name] = max(peaks[name], result["peak"])
            own = statistics.median(times["Unfold"])
            for name, values in times.items():
                median = statistics.median(values)
                rows.append(
                    f"| {corpus} | {kind} | {name} | {count / median:,.0f} | {median / own:.2f} | "
                    f"{peaks[name] / 2**30:.2f} GiB |")
                print(rows[-1], file=sys.stderr)

    forward = []
    for arguments in [["--plain"], []]:
        out = subprocess.run(
            [BENCH, "forward", model, "--tokens", "16384", *arguments], check=True, capture_output=True, text=True)
        forward.append(json.loads(out.stdout))
    plain = statistics.median(
        json.loads(
            subprocess.run(
                [BENCH, "forward", model, "--tokens", "16384", "--plain"], check=True, capture_output=True,
                text=True).stdout)["seconds"] for _ in range(options.rounds))
    counted = statistics.median(
        unfold(model, work / "even.jsonl", work / "store", "--statistics-only", "--top", "32")["seconds"]
        for _ in range(options.rounds))
    products = json.loads(
        subprocess.run([BENCH, "products", "--json"], check=True, capture_output=True, text=True).stdout)

    lines = [
        "# Measured", "",
        f"On {processor()}, {os.cpu_count()} cores, by `make bench`; {options.rounds} round(s) in turn, medians.", "",
        "Capture of a model of GPT-2 small's shape (random weights), all layers' residual stream and neurons, float16 to",
        "HDF5. Unfold as a whole process; of the peers the capture loop alone. *even*: 32 documents of 512 tokens; *ragged*:",
        "documents of 5 to 500 tokens in the corpus's order, which peers pad in batches of 8.", "",
        "| corpus | compute | tool | tokens/s | times Unfold's time | peak memory |",
        "| --- | --- | --- | ---: | ---: | ---: |", *rows, "",
        f"- Forward pass alone: {16384 / plain:,.0f} tokens/s; its matrix products run at "
        f"{forward[0]['productGigaflops']:,.0f} GFLOP/s ({forward[0]['kernel']}) and take "
        f"{forward[0]['productShare']:.0%} of the time.",
        f"- `--statistics-only --top 32`, as a whole process: {16384 / counted:,.0f} tokens/s, {plain / counted:.0%} of the "
        "forward pass's own rate.", "",
        *product_table(products),
    ]
    options.output.write_text("\n".join(lines) + "\n")
    print(options.output)
    if not options.no_dictionaries:
        subprocess.run(
            [sys.executable, HERE / "dictionaries.py", "--work", options.work, "--rounds", str(options.rounds)], check=True)


if __name__ == "__main__":
    main()
