#!/usr/bin/env bash
# Makes the Python environment that reads the exports back, in build/exports/venv. The other projects' packages are installed
# without what only their own runs need (vLLM, datasets): the loaders do not use it.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=build/exports/venv
[ -x "$venv/bin/python" ] || { mkdir -p build/exports && python3 -m venv "$venv"; }
"$venv/bin/pip" install --quiet --no-deps neuronpedia==1.2.1 sae-dashboard==0.8.0 neuron-explainer==0.0.1 eai-delphi==0.1.3
"$venv/bin/pip" install --quiet torch transformers numpy pandas safetensors h5py orjson blobfile boostedblob requests python-dotenv asyncer jaxtyping \
  simple-parsing beartype faiss-cpu sentence-transformers
echo "$venv/bin/python"
