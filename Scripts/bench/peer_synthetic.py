#!/usr/bin/env python3
"""Trains a dictionary with SAELens on a synthetic model and judges it, with the settings of the published rows.

    peer_synthetic.py RUN/model [--samples N] [--architecture batchtopk|matryoshka] [--k K] [--device cpu|cuda]
                      [--judge-samples N] [--seed S] [--output FOLDER]

RUN is the folder of a run of `unfold sae synth`, which keeps the model in SAELens's files.
"""

import argparse
import json
import time

import torch
from sae_lens import BatchTopKTrainingSAEConfig, LoggingConfig, MatryoshkaBatchTopKTrainingSAEConfig
from sae_lens.synthetic import SyntheticModel, SyntheticSAERunner, SyntheticSAERunnerConfig

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--samples", type=int, default=5_000_000)
parser.add_argument("--architecture", default="batchtopk")
parser.add_argument("--k", type=int, default=25)
parser.add_argument("--latents", type=int, default=4096)
parser.add_argument("--device", default="cpu")
parser.add_argument("--judge-samples", type=int, default=500_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output")
options = parser.parse_args()
torch.manual_seed(options.seed)

model = SyntheticModel.load_from_disk(options.model, device=options.device)
size = dict(k=options.k, d_in=model.cfg.hidden_dim, d_sae=options.latents, device=options.device)
if options.architecture == "matryoshka":
    widths = [options.latents // part for part in (32, 8, 2)]
    sae = MatryoshkaBatchTopKTrainingSAEConfig(**size, matryoshka_widths=widths, use_matryoshka_aux_loss=True)
else:
    sae = BatchTopKTrainingSAEConfig(**size)
runner = SyntheticSAERunner(
    SyntheticSAERunnerConfig(
        synthetic_model=options.model, sae=sae, lr=3e-4, batch_size=1024, training_samples=options.samples,
        device=options.device, eval_samples=options.judge_samples, output_path=options.output, checkpoint_path=None,
        logger=LoggingConfig(log_to_wandb=False)),
    override_synthetic_model=model)
start = time.time()
result = runner.run().final_eval.to_dict()
print(json.dumps({**result, "seconds": time.time() - start, "samples": options.samples}))
