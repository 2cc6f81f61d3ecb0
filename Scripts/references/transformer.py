#!/usr/bin/env python3
"""Makes the fixtures of TransformerTests: tiny random models and what every site of theirs must hold.

    python3 Scripts/references/transformer.py [CASE ...]
    python3 Scripts/references/transformer.py --minilm FOLDER of all-MiniLM-L6-v2

Pinned: torch 2.13.0, transformers 5.23.0, safetensors 0.8.0, numpy. For each case a model of Hugging Face's own class
gets random weights (norms, biases, routers and sinks too), is saved in its usual layout, and is run in float64 on ragged
documents. The sites that Hugging Face hides come from the plain implementation (families/plain.py), which is one
description of orthogonal options, and takes an edit at any site. It is held against Hugging Face before anything is
written: the input and output of every module that it stands for, hidden states, attention, the experts' weights, and
logits; to 1e-9, or to 5e-6 where Hugging Face itself computes in float32. Then the folder is read back by Hugging Face.

In families/: plain.py, weights.py and the readers (rotating.py, unlike.py, expert.py), which turn Hugging Face's tensors
into it; check.py; case.py; cases_*.py, the models themselves.

A fixture is a folder: config.json, model.safetensors, and expected.safetensors with
  ids, lengths, types             the documents, laid end to end
  rows                            the tokens whose values are kept
  site/<name>                     the values of a site in those rows; scores and pattern: [rows, heads, longest],
                                  0 beyond the document (scores: -1e30 where masked); of an expert: 0 for tokens that
                                  were not routed to it
  bfloat16                        the error of Hugging Face's own bfloat16: root mean square of the difference of the
                                  last values, over that of the values
  edit/<name>                     the last values (logits, or the last block's) of two tokens, when the site's value x
                                  at token `edited` becomes 1.5 x + 0.2 (j mod 3), j the element's place in the row
                                  (a norm would undo the same shift of all elements); indices of experts are reversed
                                  instead; of experts, only those to which the token is routed
and, of all but the first eleven cases,
  loss                            of each document, Hugging Face's mean cross-entropy of next tokens; 0 for one token
  greedy                          the twelve tokens with which Hugging Face continues the last document
  parameters                      Hugging Face's count, shared tensors once; of a model that also sees, the text's

Scores of ALiBi hold slope times the key's position, as Hugging Face adds it: each row is off by a constant from slope
times the distance. Gemma's square root of the width is rounded to the type of the weights.
"""
import sys, traceback

import torch
import transformers
from safetensors.torch import save_file

from families.case import OUT
from families.check import check, read

torch.set_default_dtype(torch.float64)


def minilm(path):
    """A trained BERT: every layer, on two sentences. Its weights are not part of the fixture."""
    model = transformers.AutoModel.from_pretrained(path, attn_implementation="eager").double().eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    documents = [torch.tensor(tokenizer(t)["input_ids"]) for t in (
        "A probe is a linear classifier on the activations of one layer.", "Superposition!")]
    m = read(model)
    rows, kept = [7], ("hook_normalized_resid_post", "mlp.hook_post", "embed.hook_embed",
                          "hook_full_embed", "ln2.hook_scale")
    sites = {}
    for ids in documents:
        check(model, m, ids, torch.zeros_like(ids))
        m.run(ids, torch.zeros_like(ids), lambda s, v: (sites.setdefault(s, []).append(v), v)[1])
    ids = torch.cat(documents)
    rows.append(len(ids) - 1)
    out = {f"site/{s}": torch.cat(v)[rows].float() for s, v in sites.items() if s.endswith(kept)}
    # Neurons are many: those of one token are enough.
    out = {s: v[:1] if "mlp" in s else v for s, v in out.items()}
    out |= dict(ids=ids.int(), lengths=torch.tensor([len(d) for d in documents]).int(),
                rows=torch.tensor(rows).int())
    folder = OUT / "minilm"
    folder.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    print("minilm:", len(out), "tensors", (folder / "expected.safetensors").stat().st_size // 1000, "kB")


def main(asked):
    from families import cases_expert, cases_first, cases_rotating, cases_unlike
    cases = cases_first.CASES | cases_rotating.CASES | cases_unlike.CASES | cases_expert.CASES
    failed = 0
    for name, make in cases.items():
        if asked and name not in asked:
            continue
        try:
            make()
        except Exception:
            failed += 1
            print(f"{name}: failed\n{traceback.format_exc(limit=-3)}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    minilm(sys.argv[2]) if sys.argv[1:2] == ["--minilm"] else main(sys.argv[1:])
