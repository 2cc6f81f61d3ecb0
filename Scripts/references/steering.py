#!/usr/bin/env python3
"""Makes the fixtures of InterventionsTests that have to do with steering.

    python3 Scripts/references/steering.py

Pinned: torch 2.13.0, transformers 5.23.0, safetensors 0.8.0, gguf 0.19.0, repeng 0.4.0.

repeng.gguf          repeng's own `ControlVector.export_gguf`: element j of layer n is n + j / 256
bare.safetensors     a vector in float16, one too short, a matrix
"""
from pathlib import Path

import numpy as np
import torch
np.float_ = np.float64  # repeng 0.4.0 names a type that numpy 2 has not
from repeng import ControlVector
from safetensors.torch import save_file

OUT = Path(__file__).parents[2] / "Tests/InterventionsTests/Fixtures"


def files():
    row = np.arange(256, dtype=np.float32) / 256
    ControlVector("gpt2", {n: n + row for n in (3, 2, 1)}).export_gguf(OUT / "repeng.gguf")
    save_file({"half": torch.tensor(row).half(), "short": torch.ones(255), "matrix": torch.ones(2, 128)},
              OUT / "bare.safetensors")


if __name__ == "__main__":
    files()
