#!/usr/bin/env python3
"""Measures Unfold beside its peers, in turn, in one run, and writes the table.

    Scripts/bench/run.py [--work FOLDER] [--venv FOLDER] [--rounds N] [--types float32 bfloat16] [--output FILE]

Makes a virtual environment outside the repository (`~/.cache/unfold-bench/venv` unless told otherwise) with the peers at
pinned versions, models of GPT-2 small's and of Llama 1B's shape with random weights, and corpora of tokens: 32 documents of
512, and documents of 5 to 500 tokens in random order. Peers read batches of 8 documents, padded. Unfold is timed as a whole
process, start and model loading included; of a peer only the capture loop counts, without imports and loading. All
synchronise their files to the disk. In each round the limit is measured anew, before Unfold runs: the best rate that any
library reaches on the model's shapes. Figures are medians over the rounds. Standard library only.
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


SIZES = {
    # layers, width, neurons, key-value width, matrices of the MLP
    "gpt2-small-random": (12, 768, 3072, 768, 2),
    "llama-1b-random": (16, 2048, 8192, 512, 3),
}
#: What a capture must reach of the limit; the name, the model, the corpus, the type and further options.
JOBS = [
    ("to disk", "gpt2-small-random", "even", "float32", [], 0.75),
    ("to disk, documents of 5–500 tokens", "gpt2-small-random", "ragged", "float32", [], 0.78),
    ("statistics alone", "gpt2-small-random", "even", "float32", ["--statistics-only"], 0.82),
    ("to disk", "gpt2-small-random", "even", "bfloat16", [], None),
    ("statistics alone", "gpt2-small-random", "even", "bfloat16", ["--statistics-only"], None),
    ("to disk", "llama-1b-random", "half", "float32", [], 0.75),
    ("statistics alone", "llama-1b-random", "half", "float32", ["--statistics-only"], 0.82),
]


def operations(model):
    """Of a token, in the products of the blocks' layers."""
    layers, width, neurons, keys, matrices = SIZES[model]
    return 2 * layers * (2 * width * width + 2 * width * keys + matrices * width * neurons)


def best_rates(python):
    """GFLOP/s by type: the best of every library, ours among them."""
    rates = json.loads(subprocess.run([python, HERE / "rates.py"], check=True, capture_output=True, text=True).stdout)
    own = json.loads(subprocess.run([BENCH, "products", "--json"], check=True, capture_output=True, text=True).stdout)
    for product in own:
        if product["rows"] >= 512:
            rates[product["type"]] = max(rates[product["type"]], product["gigaflops"])
    return rates, own


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = pathlib.Path.home() / ".cache/unfold-bench"
    parser.add_argument("--work", type=pathlib.Path, default=cache)
    parser.add_argument("--venv", type=pathlib.Path, default=cache / "venv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--types", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "Benchmarks/RESULTS.md")
    parser.add_argument("--no-llama", action="store_true", help="leave Llama 1B's shape out (a file of 2.8 GiB)")
    parser.add_argument("--no-dictionaries", action="store_true", help="leave the training of dictionaries out")
    options = parser.parse_args()
    python = environment(options.venv)
    work = options.work
    inputs = [python, HERE / "make_inputs.py", work] + ([] if options.no_llama else ["--llama"])
    subprocess.run(inputs, check=True, capture_output=True)
    jobs = [job for job in JOBS if job[3] in options.types and not (options.no_llama and "llama" in job[1])]
    peers = [("TransformerLens", "transformerlens"), ("Hugging Face + hooks", "huggingface")]
    times, limits, peaks = {}, {}, {}

    def note(key, result, limit=None):
        times.setdefault(key, []).append(result["seconds"])
        limits.setdefault(key, []).append(limit)
        peaks[key] = max(peaks.get(key, 0), result["peak"])

    for _ in range(options.rounds):
        rates, products = best_rates(python)
        for job in jobs:
            name, model, corpus, kind, arguments, _ = job
            limit = max(rates.values()) if kind == "bfloat16" else rates["float32"]
            result = unfold(work / model, work / f"{corpus}.jsonl", work / "store", "--compute", kind, *arguments)
            note(job[:4], result, limit * 1e9 / operations(model))
            print(job[:4], f"{result['seconds']:.2f} s, limit {limit:.0f} GFLOP/s", file=sys.stderr)
        for corpus in ["even", "ragged"]:
            for kind in options.types:
                for name, script in peers:
                    note((name, corpus, kind), peer(
                        python, "peer_capture.py", script, work / "gpt2-small-random", work / f"{corpus}.jsonl",
                        work / "peer.h5", "--type", kind))

    counts = {corpus: tokens(work / f"{corpus}.jsonl") for corpus in ["even", "ragged", "half"]}
    shares, rows = [], []
    for job in jobs:
        name, model, corpus, kind, _, need = job
        key = job[:4]
        pairs = [(counts[corpus] / seconds, limit) for seconds, limit in zip(times[key], limits[key])]
        rate, limit = (statistics.median(values) for values in zip(*pairs))
        share = statistics.median(rate / limit for rate, limit in pairs)
        shares.append(
            f"| {model.removesuffix('-random')} | {kind} | {name} | {rate:,.0f} | {limit:,.0f} | {share:.2f} | "
            f"{need or '–'} | {peaks[key] / 2**30:.2f} GiB |")
    for corpus in ["even", "ragged"]:
        for kind in options.types:
            own = [key for key in times if key[1:4] == ("gpt2-small-random", corpus, kind) and "disk" in key[0]]
            if not own:
                continue
            base = statistics.median(times[own[0]])
            for name, key in [("Unfold", own[0]), *((name, (name, corpus, kind)) for name, _ in peers)]:
                seconds = statistics.median(times[key])
                rows.append(
                    f"| {corpus} | {kind} | {name} | {counts[corpus] / seconds:,.0f} | {seconds / base:.2f} | "
                    f"{peaks[key] / 2**30:.2f} GiB |")
    ratios = [
        f"{job[0]} {statistics.median(times[float_key]) / statistics.median(times[job[:4]]):.2f}"
        for job in jobs if job[3] == "bfloat16" and (float_key := (*job[:3], "float32")) in times]

    model = work / "gpt2-small-random"
    plain = [
        json.loads(
            subprocess.run(
                [BENCH, "forward", model, "--tokens", "16384", "--plain"], check=True, capture_output=True,
                text=True).stdout) for _ in range(options.rounds)]
    forward = plain[0]
    plain = statistics.median(result["seconds"] for result in plain)
    lines = [
        "# Measured", "",
        f"On {processor()}, {os.cpu_count()} cores, by `make bench`; {options.rounds} round(s) in turn, medians.", "",
        "Capture of all layers' residual stream and neurons, float16 to HDF5, as a whole process. The limit is the best rate",
        "of matrix products that Unfold's libraries, PyTorch or NumPy reach in the same round, over the operations of a",
        "token; with bfloat16 the better of both types.", "",
        "| shape | compute | job | tokens/s | limit | share | must reach | peak memory |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |", *shares, "",
        *([f"Time in float32 over time in bfloat16: {', '.join(ratios)}.", ""] if ratios else []),
        "Beside its peers, of which the capture loop alone is timed, on GPT-2 small's shape. *even*: 32 documents of 512",
        "tokens; *ragged*: documents of 5 to 500 tokens in the corpus's order, which peers pad in batches of 8.", "",
        "| corpus | compute | tool | tokens/s | times Unfold's time | peak memory |",
        "| --- | --- | --- | ---: | ---: | ---: |", *rows, "",
        f"Forward pass alone: {16384 / plain:,.0f} tokens/s; its matrix products run at "
        f"{forward['productGigaflops']:,.0f} GFLOP/s ({forward['kernel']}) and take {forward['productShare']:.0%} of the "
        "time.", "",
        *product_table(products),
    ]
    options.output.write_text("\n".join(lines) + "\n")
    print(options.output)
    if not options.no_dictionaries:
        subprocess.run(
            [sys.executable, HERE / "dictionaries.py", "--work", options.work, "--rounds", str(options.rounds)], check=True)


if __name__ == "__main__":
    main()
