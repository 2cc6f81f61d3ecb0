#!/usr/bin/env python3
"""Trains a dictionary with SAELens on rows in memory and times its steps, in a process of its own.

    peer_dictionary.py ROWS.f32 --width D --latents F --architecture topk|standard [--k K] [--l1 L] [--rate R]
                       [--batch B] [--untimed N] [--steps N] [--output FOLDER]
"""

import argparse
import json
import resource
import time

import numpy
import torch
from sae_lens import StandardTrainingSAE, StandardTrainingSAEConfig, TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer

parser = argparse.ArgumentParser()
parser.add_argument("rows")
parser.add_argument("--width", type=int)
parser.add_argument("--latents", type=int)
parser.add_argument("--architecture")
parser.add_argument("--k", type=int, default=32)
parser.add_argument("--l1", type=float, default=5)
parser.add_argument("--rate", type=float, default=3e-4)
parser.add_argument("--batch", type=int, default=4096)
parser.add_argument("--untimed", type=int, default=1)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--threads", type=int)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output")
options = parser.parse_args()
torch.manual_seed(options.seed)
if options.threads:
    torch.set_num_threads(options.threads)

rows = torch.from_numpy(numpy.fromfile(options.rows, dtype=numpy.float32).reshape(-1, options.width))
common = dict(d_in=options.width, d_sae=options.latents, dtype="float32", device="cpu", normalize_activations="none")
if options.architecture == "topk":
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(k=options.k, **common))
else:
    sae = StandardTrainingSAE(StandardTrainingSAEConfig(l1_coefficient=options.l1, **common))


def batches():
    place = 0
    while True:
        yield rows[place:place + options.batch]
        place += options.batch
        if place + options.batch > len(rows):
            place = 0


steps = options.untimed + options.steps
trainer = SAETrainer(
    cfg=SAETrainerConfig(
        total_training_samples=steps * options.batch, train_batch_size_samples=options.batch, lr=options.rate,
        lr_end=options.rate),
    sae=sae, data_provider=batches())
data = batches()
times, processor = [], []
for step in range(steps):
    batch = next(data)
    start, used = time.perf_counter(), time.process_time()
    output = trainer.step(batch)
    trainer.n_training_steps += 1
    if step >= options.untimed:
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
if options.output:
    sae.save_inference_model(options.output)
print(json.dumps({
    "tokensPerSecond": len(times) * options.batch / sum(times), "stepSeconds": times,
    "processorSeconds": sum(processor) / max(len(processor), 1),
    "loss": output.loss.item() if hasattr(output.loss, "item") else output.loss,
    "l0": float((output.feature_acts > 0).float().sum(-1).mean()),
    "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
