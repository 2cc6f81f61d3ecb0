#!/usr/bin/env bash
# Makes notebooks-export/: captures a small store of the model that ships, trains a probe and a dictionary, writes the
# notebooks with the tool, runs them and keeps their outputs.
#
#   Scripts/notebooks/make.sh [UNFOLD]      UNFOLD: the command, .build/release/unfold unless given
set -euo pipefail
cd "$(dirname "$0")/../.."
unfold=${1:-.build/release/unfold}
python=$(Scripts/notebooks/setup.sh --torch)
work=build/notebooks
out=notebooks-export
rm -rf "$work/store" "$work/questions.safetensors" "$work/dictionary"
"$unfold" capture unfold-mini demo-corpus -o "$work/store" --sites resid_post,mlp_post --layers 1-2 --shard-tokens 20000
"$unfold" probe train "$work/store" --sites resid_post --layers 2 --positive questions -o "$work/questions.safetensors" --quiet
"$unfold" sae train "$work/store" --sites resid_post --layers 2 -o "$work/dictionary" --latents 1024 --k 16 --batch 1024 \
  --tokens 600000 --learning-rate 0.001 --dead-after 100000
mkdir -p "$out"
"$unfold" notebook "$work/store" -o "$out/1-tour-of-a-store.ipynb" --force
"$unfold" notebook "$work/questions.safetensors" --store "$work/store" -o "$out/2-a-probe-and-when-not-to-believe-it.ipynb" --force
"$unfold" notebook "$work/store" --topic neurons -o "$out/3-neurons-that-mean-several-things.ipynb" --force
"$unfold" notebook "$work/dictionary" --store "$work/store" -o "$out/4-features-of-a-dictionary.ipynb" --force
"$unfold" notebook "$work/store" --topic training -o "$out/5-scikit-learn-and-pytorch.ipynb" --force
"$python" Scripts/notebooks/run.py --save "$out"/*.ipynb
