#!/usr/bin/env python3
"""A small synthetic model, its firing statistics and measures of a dictionary on it, by SAELens.

    python Scripts/references/synthetic_model.py > Tests/DictionariesTests/Fixtures/synthetic.json

The measures are SAELens's, on the samples of `Sources/CKernels/synthetic.c`, which is compiled here with $CC (sae-lens
6.54, torch 2.13).
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile

import numpy
import torch
from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.synthetic import FoldedNormalMagnitudeConfig, HierarchyConfig, LinearMagnitudeConfig
from sae_lens.synthetic import LowRankCorrelationConfig, OrthogonalizationConfig, SyntheticModel, SyntheticModelConfig
from sae_lens.synthetic import ZipfianFiringProbabilityConfig, eval_sae_on_synthetic_data

STRIP, TOGETHER = 64, 16
SAMPLES = 400_000


class Description(ctypes.Structure):
    ARRAYS = (
        "roots root_factors root_thresholds factors thresholds first_child child_count exclusive scales means deviations "
        "directions bias"
    ).split()
    _fields_ = [(name, ctypes.c_size_t) for name in ("features", "width", "rank", "strips")]
    _fields_ += [(name, ctypes.c_void_p) for name in ARRAYS] + [("seed", ctypes.c_uint64)]


class Samples:
    """The samples of the kernel, as a generator of SAELens."""

    def __init__(self, model, seed):
        self.library, generator = compiled(), model.activation_generator
        factor, deviation = (array.numpy() for array in generator.low_rank_correlation)
        factors = numpy.float32(factor / deviation[:, None])
        thresholds = numpy.float32(generator.correlation_thresholds.numpy() / deviation)
        count, rank = factors.shape
        first, children = numpy.zeros(count, "i4"), numpy.zeros(count, "i4")
        parents = numpy.full(count, -1)

        def visit(node):
            for child in node.children:
                parents[child.feature_index] = node.feature_index
                visit(child)
            if node.children:
                first[node.feature_index] = node.children[0].feature_index
                children[node.feature_index] = len(node.children)

        for root in model.hierarchy.roots:
            visit(root)
        alone = numpy.flatnonzero(parents < 0)
        strips = -(-len(alone) // STRIP)
        roots = numpy.full(strips * STRIP, -1, "i4")
        roots[: len(alone)] = alone
        root_factors = numpy.zeros((strips * STRIP, rank), "f4")
        root_factors[: len(alone)] = factors[alone]
        root_thresholds = numpy.full(strips * STRIP, numpy.inf, "f4")
        root_thresholds[: len(alone)] = thresholds[alone]
        root_factors = numpy.ascontiguousarray(root_factors.reshape(strips, STRIP, rank).transpose(0, 2, 1))
        self.kept = [
            roots, root_factors, root_thresholds, factors, thresholds, first, children, numpy.uint8(children > 1),
            numpy.ones(count, "u1"), generator.mean_firing_magnitudes.numpy(), generator.std_firing_magnitudes.numpy(),
            model.feature_dict.feature_vectors.detach().numpy(), model.feature_dict.bias.detach().numpy(),
        ]
        self.count, self.at = count, 0
        self.model = Description(
            count, model.cfg.hidden_dim, rank, strips, *[array.ctypes.data for array in self.kept], seed)

    def sample(self, count):
        result = numpy.zeros((count, self.count), "f4")
        scratch = ctypes.create_string_buffer(self.library.unfold_synthetic_scratch(ctypes.byref(self.model)))
        offsets = numpy.zeros(TOGETHER + 1, "u8")
        indices, values = numpy.zeros(TOGETHER * self.count, "i4"), numpy.zeros(TOGETHER * self.count, "f4")
        for start in range(0, count, TOGETHER):
            some = min(TOGETHER, count - start)
            self.library.unfold_synthetic_samples(
                ctypes.byref(self.model), ctypes.c_uint64(self.at + start), ctypes.c_size_t(some), scratch,
                *[ctypes.c_void_p(array.ctypes.data) for array in (offsets, indices, values)], None)
            for row in range(some):
                places = slice(int(offsets[row]), int(offsets[row + 1]))
                result[start + row, indices[places]] = values[places]
        self.at += count
        return torch.from_numpy(result)


def compiled():
    sources = [f"Sources/CKernels/{name}.c" for name in ("synthetic", "sparse")]
    path = os.path.join(tempfile.mkdtemp(), "synthetic.so")
    command = [os.environ.get("CC", "clang"), "-O2", "-shared", "-fPIC", "-ISources/CKernels/include", "-o", path]
    subprocess.run(command + sources + ["-lm"], check=True)
    library = ctypes.CDLL(path)
    library.unfold_synthetic_scratch.restype = ctypes.c_size_t
    return library


def digits(values, count=6):
    return [float(f"{value:.{count}g}") for value in numpy.asarray(values).ravel()]


config = SyntheticModelConfig(
    num_features=600, hidden_dim=32,
    firing_probability=ZipfianFiringProbabilityConfig(max_prob=0.4, min_prob=5e-3, exponent=0.5),
    hierarchy=HierarchyConfig(
        total_root_nodes=5, branching_factor=4, max_depth=3, mutually_exclusive_portion=1.0,
        compensate_probabilities=True, scale_children_by_parent=True),
    mean_firing_magnitudes=LinearMagnitudeConfig(start=5.0, end=4.0),
    std_firing_magnitudes=FoldedNormalMagnitudeConfig(mean=0.5, std=0.5),
    correlation=LowRankCorrelationConfig(correlation_scale=0.1, rank=25),
    orthogonalization=OrthogonalizationConfig(num_steps=20, lr=3e-4), bias=0.5, seed=42)
torch.set_num_threads(1)
model = SyntheticModel(config)
generator, directions = model.activation_generator, model.feature_dict.feature_vectors.detach()

torch.manual_seed(3)
counts, sums = numpy.zeros(600), numpy.zeros(600)
for _ in range(SAMPLES // 5000):
    active = generator.sample(5000).numpy()
    counts += (active > 0).sum(0)
    sums += active.sum(0)

latents, k = 48, 4
torch.manual_seed(5)
weights = directions[torch.randperm(200)[:latents]] + 0.12 * torch.randn(latents, 32)
weights[-3:] = weights[:3] + 0.05 * torch.randn(3, 32)
weights = weights / weights.norm(dim=1, keepdim=True)
sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=32, d_sae=latents, k=k))
sae.W_dec.data, sae.W_enc.data = weights.clone(), weights.T.clone()
sae.b_enc.data, sae.b_dec.data = torch.full((latents,), -0.5), model.feature_dict.bias.detach().clone()
measures = eval_sae_on_synthetic_data(sae, model.feature_dict, Samples(model, 9), num_samples=4096, batch_size=1024)

json.dump(
    {
        "config": config.to_dict(),
        "randn": digits(torch.randn(37, generator=torch.Generator().manual_seed(42)), 7),
        "probabilities": digits(generator.firing_probabilities[:120]),
        "deviations": digits(generator.std_firing_magnitudes[:40]),
        "means": digits(generator.mean_firing_magnitudes[:40]),
        "factors": digits(model.correlation_matrix.correlation_factor[:2]),
        "directions": digits(directions[[0, 1, 599]]),
        "bias": digits(model.feature_dict.bias.detach()),
        "samples": SAMPLES,
        "rates": digits(counts / SAMPLES, 5),
        "strengths": digits(sums / numpy.maximum(counts, 1), 5),
        "dictionary": {"weights": digits(weights, 8), "encoderBias": -0.5, "k": k, "latents": latents},
        "measures": measures.to_dict(),
    },
    sys.stdout)
