"""Compiles small RASP programs into transformers whose circuits are known, for `InterventionsTests`.

    python -m venv VENV && VENV/bin/pip install tracr-pypi "jax[cpu]" dm-haiku safetensors
    VENV/bin/python Scripts/references/tracr_programs.py

Writes Tests/InterventionsTests/Fixtures/tracr/<program>: config.json and model.safetensors in Unfold's form of a compiled
model, and expected.json with the model's own logits for a few inputs. Nothing is random.

Tokens are numbered: the begin token, then the letters of the vocabulary. A program's output has directions of its own in the
stream; the unembedding reads that of each letter into the letter's logit.
"""

import json
import pathlib

import jax
import numpy as np
from safetensors.numpy import save_file
from tracr.compiler import compiling
from tracr.rasp import rasp

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterventionsTests/Fixtures/tracr"
LETTERS = ["a", "b", "c", "d", "e"]
BEGIN = "BOS"


def shifted(by, name):
    """The token so many places before, by one attention head."""
    back = rasp.Map(lambda place: place - by, rasp.indices).named(f"{name}_place")
    return rasp.Aggregate(rasp.Select(rasp.indices, back, rasp.Comparison.EQ), rasp.tokens, default=None).named(name)


def induction():
    """What followed the last token's earlier occurrence: a previous-token head, then a head that looks for it."""
    previous = shifted(1, "previous")
    return rasp.Aggregate(rasp.Select(previous, rasp.tokens, rasp.Comparison.EQ), rasp.tokens, default=None).named("next")


def repeated():
    """The token before, where it is also the one before that, else e: two heads side by side, then neurons."""
    both = rasp.SequenceMap(lambda x, y: x if x == y else "e", shifted(1, "one"), shifted(2, "two"))
    return rasp.categorical(both.named("repeated"))


def write(name, program, inputs):
    model = compiling.compile_rasp_to_model(program, vocab=set(LETTERS), max_seq_len=8, compiler_bos=BEGIN, causal=True)
    config, parameters = model.model_config, model.params
    encoding = model.input_encoder.encoding_map
    order = [BEGIN, *LETTERS]
    width = parameters["token_embed"]["embeddings"].shape[1]
    tensors = {
        "embed_tokens.weight": np.asarray(parameters["token_embed"]["embeddings"])[[encoding[token] for token in order]],
        "embed_positions.weight": np.asarray(parameters["pos_embed"]["embeddings"]),
    }
    for layer in range(config.num_layers):
        for kind, places in (
            ("attn", {"query": "query", "key": "key", "value": "value", "linear": "output"}),
            ("mlp", {"linear_1": "input", "linear_2": "output"}),
        ):
            for place, own in places.items():
                entry = parameters[f"transformer/layer_{layer}/{kind}/{place}"]
                tensors[f"layers.{layer}.{kind}.{own}.weight"] = np.asarray(entry["w"]).T
                tensors[f"layers.{layer}.{kind}.{own}.bias"] = np.asarray(entry["b"])
    unembed = np.zeros((len(order), width), np.float32)
    for row, token in enumerate(order[1:], 1):
        directions = [
            place for place, label in enumerate(model.residual_labels)
            # Such as next_1:a: the variable, its number, the value.
            if label.split(":")[0].rsplit("_", 1)[0] == program.name and label.endswith(f":{token}")
        ]
        assert len(directions) == 1, (token, directions)
        for place in directions:
            unembed[row, place] = 1
    tensors["unembed.weight"] = unembed
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "tracr", "hidden_size": width, "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads, "head_dim": config.key_size,
        "intermediate_size": config.mlp_hidden_size, "vocab_size": len(order),
        "max_position_embeddings": int(parameters["pos_embed"]["embeddings"].shape[0]), "is_causal": True,
        "hidden_act": "relu"}, indent=1) + "\n")
    cases = []
    for text in inputs:
        result = model.apply([BEGIN, *text])
        stream = np.asarray(result.transformer_output)[0, -1]
        cases.append({"text": text, "tokens": [0] + [order.index(letter) for letter in text],
                      "logits": [round(float(x), 6) for x in unembed @ stream], "answer": result.decoded[-1]})
        print(name, text, cases[-1]["answer"], cases[-1]["logits"])
    (folder / "expected.json").write_text(json.dumps({"labels": model.residual_labels, "cases": cases}) + "\n")


def main():
    jax.config.update("jax_enable_x64", False)
    write("induction", induction(), ["abcda", "acbda", "dbcda", "bcaeb"])
    write("repeated", repeated(), ["abbc", "accc", "abcd", "ddda"])


main()
