"""Nearest tokens and analogies of unfold-mini by NumPy, for the tests of Geometry.

    pip install numpy==2.4.6 safetensors==0.8.0 tokenizers==0.23.3
    python Scripts/references/geometry.py models/unfold-mini Tests/GeometryTests/Fixtures/geometry.json
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

folder = Path(sys.argv[1])
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tensors = load_file(folder / "model.safetensors")
name = next(name for name in tensors if name.endswith("wte.weight"))
special = {token for token, added in tokenizer.get_added_tokens_decoder().items() if added.special}
ids = [token for token in range(tensors[name].shape[0]) if token not in special and tokenizer.id_to_token(token)]
vectors = tensors[name].astype(np.float64)[ids]


def unit(centred):
    x = vectors - vectors.mean(0) if centred else vectors
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def word(text):
    for spelling in (" " + text, text):
        tokens = tokenizer.encode(spelling, add_special_tokens=False).ids
        if len(tokens) == 1:
            return ids.index(tokens[0])
    sys.exit(f"{text} is not one token")


def plain(row):
    return tokenizer.decode([ids[row]]).lower().strip()


def best(x, terms):
    place = sum(weight * x[row] for row, weight in terms)
    cosines = x @ (place / np.linalg.norm(place))
    asked = {plain(row) for row, _ in terms}
    order = [row for row in np.argsort(-cosines) if plain(row) not in asked][:5]
    return [{"id": ids[row], "similarity": float(cosines[row])} for row in order]


cases = []
for centred in (True, False):
    x = unit(centred)
    for text in ("three", "red", "water", "letter"):
        cases.append({"expression": text, "centred": centred, "nearest": best(x, [(word(text), 1)])})
    for a, b, c in (("one", "two", "three"), ("man", "king", "woman"), ("day", "days", "word")):
        terms = [(word(b), 1), (word(a), -1), (word(c), 1)]
        cases.append({"expression": f"{b} - {a} + {c}", "centred": centred, "nearest": best(x, terms)})
Path(sys.argv[2]).write_text(json.dumps({"tokens": len(ids), "cases": cases}, indent=1) + "\n")
