#!/usr/bin/env python3
"""Holds the tiny GGUF models of TransformerTests against llama.cpp itself: its logits must be those that the fixtures hold.

    pip install cyllama==0.2.18 safetensors==0.8.0 numpy
    python3 Scripts/references/gguf_models.py --float32 FOLDER
    python3 Scripts/references/gguf_llamacpp.py FOLDER [CASE ...]

Prints the largest difference of logits relative to the largest (of BERT: of the last block's values). Where llama.cpp
does otherwise than the models' makers is said beside the number.
"""
import os, subprocess, sys
from pathlib import Path

import cyllama.llama.llama_cpp as llama
import numpy as np
from safetensors.numpy import load_file

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "TransformerTests" / "Fixtures"
KNOWN = {
    "bert": "the approximation of GELU", "gpt_neox": "the approximation of GELU", "falcon": "the approximation of GELU",
    "falcon-new": "the approximation of GELU, no biases", "falcon-one-norm": "the approximation of GELU",
    "mistral": "no window in llama", "starcoder2": "no window", "phi3-windows": "no window", "olmoe": "no clipping",
    "gemma2": "the scale of scores follows from the size", "gemma3": "the scale of scores follows from the size",
    "gemma3-types": "the scale of scores follows from the size", "gpt_oss": "bounds of YaRN are whole numbers",
    "qwen2_moe": "every layer has experts", "phi3": "factors by the context, not the document",
    "phi3-partial": "factors by the context, not the document"}
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
    name = path.stem
    expected = load_file(FIXTURES / name / "expected.safetensors")
    ends = np.cumsum(expected["lengths"])[:-1]
    is_encoder = "site/blocks.1.hook_normalized_resid_post" in expected
    values = expected["site/blocks.1.hook_normalized_resid_post" if is_encoder else "site/unembed.hook_out"]
    # It knows tokens of the first type alone.
    kept = np.ones(len(expected["ids"]), bool)
    if is_encoder and "types" in expected:
        kept = np.concatenate([np.full(len(t), not t.any()) for t in np.split(expected["types"], ends)])
    if name in LONG:  # Where factors differ by the document's length, it takes those of its context.
        kept = np.repeat(expected["lengths"] > 48, expected["lengths"])
    found = outputs(path, np.split(expected["ids"], ends), is_encoder)
    if isinstance(found, str):
        return f"refused ({found[:60]})"
    chosen = kept[expected["rows"]]
    if not chosen.any():
        return "no row to compare"
    error = np.abs(found[expected["rows"]] - values)[chosen].max() / np.abs(values).max()
    return f"{error:.1e}, {chosen.sum()} rows"


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
                note = f"  (llama.cpp: {KNOWN[path.stem]})" if path.stem in KNOWN else ""
                print(f"{path.stem}: {result}{note}", flush=True)
