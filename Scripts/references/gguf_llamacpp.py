#!/usr/bin/env python3
"""Holds the tiny GGUF models of TransformerTests against llama.cpp itself: its logits must be those that the fixtures hold.

    pip install cyllama==0.2.18 numpy
    python3 Scripts/references/gguf_models.py --float32 FOLDER
    python3 Scripts/references/gguf_llamacpp.py FOLDER [CASE ...]

Prints the largest difference of logits relative to the largest (of BERT: of the last block's values). llama.cpp looks GELU
up in a table in float16: there 1e-4 is agreement, elsewhere 1e-6.
"""
import os, subprocess, sys
from pathlib import Path

import cyllama.llama.llama_cpp as llama
import numpy as np

KNOWN = {
    "deepseek_v2": "it needs 27 layers to have no latent queries", "gemma3": "it needs 6 layers",
    "gemma3-types": "it needs 6 layers", "olmoe": "as many keys as queries, no clipping",
    "qwen2_moe": "experts in every layer"}
# Where factors differ by the document's length, llama.cpp takes those of its context.
LONG = ["phi3", "phi3-partial"]


class Model(llama.LlamaModel):
    """With the number of tokens, which the package asks for and does not define."""
    n_vocab = 24


def outputs(path, documents, is_encoder):
    """A row a token; nothing where the file is refused."""
    parameters = llama.LlamaModelParams()
    parameters.n_gpu_layers = 0
    try:
        model = Model(str(path), parameters, verbose=False)
    except Exception as problem:
        return str(problem)
    rows = []
    for ids in documents:
        settings = llama.LlamaContextParams()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = 256
        settings.type_k = settings.type_v = 0
        settings.flash_attn_type = 0
        settings.n_threads = settings.n_threads_batch = 1
        settings.swa_full = True
        settings.embeddings = is_encoder
        settings.pooling_type = 0
        context = llama.LlamaContext(model, settings, verbose=False)
        batch = llama.LlamaBatch(n_tokens=len(ids), embd=0, n_seq_max=1)
        for i, token in enumerate(ids):
            batch.add(int(token), i, [0], True)
        context.decode(batch)
        get = context.get_embeddings_ith if is_encoder else context.get_logits_ith
        rows += [np.array(get(i)) for i in range(len(ids))]
        batch.close()
        context.close()
    return np.stack(rows)


def check(path):
    expected = np.load(path.with_suffix(".npz"))
    lengths, values = expected["lengths"], expected["values"]
    found = outputs(path, np.split(expected["ids"], np.cumsum(lengths)[:-1]), path.stem == "bert")
    if isinstance(found, str):
        return "refused"
    kept = np.repeat(lengths > (48 if path.stem in LONG else 0), lengths)
    return f"{np.abs(found - values)[kept].max() / np.abs(values).max():.1e}, {kept.sum()} tokens"


if __name__ == "__main__":
    folder, asked = Path(sys.argv[1]), sys.argv[2:]
    if asked[:1] == ["--one"]:
        if not os.environ.get("VERBOSE"):
            llama.disable_logging()
        llama.llama_backend_init()
        print(check(folder / f"{asked[1]}.gguf"))
    else:
        # Each alone: a model that it cannot run ends the process.
        for path in sorted(folder.glob("*.gguf")):
            if not asked or path.stem in asked:
                done = subprocess.run([sys.executable, __file__, folder, "--one", path.stem], capture_output=True, text=True)
                result = done.stdout.strip().splitlines()[-1] if done.returncode == 0 else "it fails"
                note = f"  ({KNOWN[path.stem]})" if path.stem in KNOWN else ""
                print(f"{path.stem}: {result}{note}", flush=True)
