#!/usr/bin/env bash
# Makes the Python environment that runs the notebooks, in build/notebooks/venv, without PyTorch unless --torch is given.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=build/notebooks/venv
packages=(h5py numpy pandas matplotlib scikit-learn nbformat nbclient ipykernel)
if [ ! -x "$venv/bin/python" ]; then
  mkdir -p build/notebooks
  python3 -m venv "$venv"
fi
"$venv/bin/python" -c 'import h5py, numpy, pandas, matplotlib, sklearn, nbformat, nbclient, ipykernel' 2>/dev/null ||
  "$venv/bin/pip" install --quiet "${packages[@]}"
if [ "${1:-}" = --torch ]; then
  "$venv/bin/python" -c 'import torch' 2>/dev/null ||
    "$venv/bin/pip" install --quiet torch --index-url https://download.pytorch.org/whl/cpu ||
    "$venv/bin/pip" install --quiet torch
fi
echo "$venv/bin/python"
