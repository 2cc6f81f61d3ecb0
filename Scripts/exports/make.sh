#!/usr/bin/env bash
# Writes every export of a store of unfold-mini and a dictionary, and reads each back with the other project's loader.
#
#   Scripts/exports/make.sh STORE DICTIONARY [UNFOLD]
#
# STORE must hold resid_post and mlp_post of layer 2, DICTIONARY be a TopK dictionary of layer 2's resid_post.
set -euo pipefail
store=$1 dictionary=$2 unfold=${3:-.build/release/unfold}
out=build/exports/out
rm -rf "$out" && mkdir -p "$out"
"$unfold" export neuronpedia "$dictionary" "$store" -o "$out/neuronpedia" --quiet
"$unfold" export saedashboard "$dictionary" "$store" -o "$out/saedashboard" --quiet
"$unfold" export delphi "$dictionary" "$store" -o "$out/delphi" --quiet
"$unfold" export neuron-records "$store" --neuron L2.10,L2.431 -o "$out/neuron-records" --quiet
"$unfold" export tensors "$store" --sites resid_post --layers 2 -o "$out/activations.npz" --quiet
"$unfold" export tensors "$store" --sites resid_post --layers 2 --type float16 -o "$out/activations.safetensors" --quiet
"$unfold" export tensors "$store" --parts statistics --sites resid_post --layers 2 -o "$out/statistics.npz" --quiet
"$unfold" export table "$store" -o "$out/statistics.csv" --quiet
"$unfold" export table "$store" --table documents -o "$out/documents.csv" --quiet
"$unfold" export table "$store" --table labels --sites mlp_post --layers 2 -o "$out/labels.csv" --quiet
build/exports/venv/bin/python Scripts/exports/check.py "$store" "$dictionary" "$out"
