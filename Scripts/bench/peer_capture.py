"""Captures as the peers' users do: the residual stream after each layer and all MLP neurons, float16, into one HDF5 file.

    peer_capture.py {transformerlens,huggingface} MODEL CORPUS OUTPUT --type {float32,bfloat16} --batch N [--forward-only]

Batches are N documents in the corpus's order, padded to the longest; only real tokens are written, and the file is
synchronised to the disk at the end. Loading the model is not timed. Prints one JSON object: tokens, seconds of the loop,
seconds of processor time in it, and the process's peak memory.
"""

import argparse
import json
import os
import resource
import time

import h5py
import numpy
import torch

LAYERS, WIDTH, NEURONS = 12, 768, 3072


def transformer_lens(path, type):
    from transformers import AutoModelForCausalLM
    from transformer_lens.model_bridge import TransformerBridge

    weights = AutoModelForCausalLM.from_pretrained(path, dtype=type)
    model = TransformerBridge.boot_transformers(path, hf_model=weights, dtype=type, device="cpu").eval()
    sites = [f"blocks.{layer}.{site}" for layer in range(LAYERS) for site in ("hook_resid_post", "mlp.hook_post")]

    def run(tokens, mask):
        _, cache = model.run_with_cache(
            tokens, names_filter=sites, return_type=None, stop_at_layer=LAYERS, attention_mask=mask
        )
        return {name: cache[name] for name in sites}

    return run


def hugging_face(path, type):
    from transformers import AutoModel

    model = AutoModel.from_pretrained(path, dtype=type).eval()
    captured = {}

    def keep(name):
        def hook(module, inputs, output):
            captured[name] = output[0] if isinstance(output, tuple) else output

        return hook

    for layer, block in enumerate(model.h):
        block.register_forward_hook(keep(f"blocks.{layer}.hook_resid_post"))
        block.mlp.act.register_forward_hook(keep(f"blocks.{layer}.mlp.hook_post"))

    def run(tokens, mask):
        captured.clear()
        model(tokens, attention_mask=mask, use_cache=False)
        return dict(captured)

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", choices=["transformerlens", "huggingface"])
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("output")
    parser.add_argument("--type", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--forward-only", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    type = getattr(torch, options.type)
    run = {"transformerlens": transformer_lens, "huggingface": hugging_face}[options.tool](options.model, type)
    with open(options.corpus) as file:
        documents = [json.loads(line)["tokens"] for line in file]
    total = sum(map(len, documents))

    with torch.inference_mode():
        run(torch.tensor([documents[0][:16]]), torch.ones(1, min(16, len(documents[0])), dtype=torch.long))
        start, start_processor = time.perf_counter(), time.process_time()
        row, datasets = 0, {}
        with h5py.File(options.output, "w") as file:
            for first in range(0, len(documents), options.batch):
                batch = documents[first : first + options.batch]
                longest = max(map(len, batch))
                tokens = torch.zeros(len(batch), longest, dtype=torch.long)
                mask = torch.zeros(len(batch), longest, dtype=torch.long)
                for number, document in enumerate(batch):
                    tokens[number, : len(document)] = torch.tensor(document)
                    mask[number, : len(document)] = 1
                values = run(tokens, mask if longest * len(batch) != sum(map(len, batch)) else None)
                if options.forward_only:
                    continue
                real = mask.bool()
                count = int(real.sum())
                for name, value in values.items():
                    rows = value[real].to(torch.float16).numpy()
                    if name not in datasets:
                        datasets[name] = file.create_dataset(
                            name, (total, rows.shape[1]), numpy.float16, chunks=(256, rows.shape[1])
                        )
                    datasets[name][row : row + count] = rows
                row += count
            file.flush()
        descriptor = os.open(options.output, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        seconds, processor = time.perf_counter() - start, time.process_time() - start_processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"tokens": total, "seconds": seconds, "processor": processor, "peak": peak}))


main()
