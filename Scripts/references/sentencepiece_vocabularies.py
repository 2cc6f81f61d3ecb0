"""Makes fixtures of SentencePiece vocabularies as GGUF files hold them, with the ids that SentencePiece gives.

Needs Python 3.11 and sentencepiece 0.2.3, and tokenizers 0.23.3 for the script whose texts it shares. Run from the
package's root:

    python Scripts/references/sentencepiece_vocabularies.py                   # the committed fixture: 100 texts a vocabulary
    python Scripts/references/sentencepiece_vocabularies.py FOLDER COUNT SEED # as many as wanted, and larger tables

Point `UNFOLD_SENTENCEPIECE_CASES` at FOLDER and the tests compare those too.
"""

import base64
import io
import json
import random
import sys
import tempfile
from pathlib import Path

ARGUMENTS = sys.argv[1:]
sys.argv = sys.argv[:1]

import sentencepiece
import tokenizers_families as families
from sentencepiece import sentencepiece_model_pb2 as spm_model

assert sentencepiece.__version__ == "0.2.3", sentencepiece.__version__
COMMITTED = not ARGUMENTS
OUT = Path("Tests/TokenizationTests/Fixtures" if COMMITTED else ARGUMENTS[0])
COUNT = 100 if COMMITTED else int(ARGUMENTS[1])
SEED = 9 if COMMITTED else int(ARGUMENTS[2])

# Control tokens are no text in SentencePiece, and it takes a mark at a text's end for a space.
AVOIDED = ["<s>", "</s>", "<unk>", "\x00", "\u2581"]
# Two cuts of four dots have the same score, and SentencePiece adds up in single precision.
AVOIDED += ["....", ".…", "….", "……"]


def train(kind, **options):
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        if "rules" in options:
            path = Path(folder) / "rules.tsv"
            path.write_text("".join(f"{' '.join(f'{ord(c):X}' for c in a)}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in options.pop("rules")))
            options["normalization_rule_tsv"] = str(path)
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(line.replace("\n", " ") for line in families.CORPUS), model_writer=out, model_type=kind, minloglevel=2, hard_vocab_limit=False, num_threads=1, **options)
    return out.getvalue()


def kinds():
    plain = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    yield "bpe-bytes", "llama", train("bpe", vocab_size=620, byte_fallback=True, **plain)
    yield "bpe", "llama", train("bpe", vocab_size=400, character_coverage=0.98, **plain)
    yield "bpe-bare", "llama", train("bpe", vocab_size=620, byte_fallback=True, add_dummy_prefix=False, split_by_whitespace=False, **plain)
    yield "unigram", "t5", train("unigram", vocab_size=300, rules=families.RULES, remove_extra_whitespaces=True)
    yield "unigram-spaces", "t5", train("unigram", vocab_size=300, rules=families.RULES, remove_extra_whitespaces=False)
    yield "unigram-bare", "t5", train("unigram", vocab_size=300, add_dummy_prefix=False, **plain)
    yield "unigram-merged", "t5", train("unigram", vocab_size=300, add_dummy_prefix=False, rules=families.RULES, remove_extra_whitespaces=True)
    if not COMMITTED:
        for name in ("nmt_nfkc", "nmt_nfkc_cf", "nfkc"):
            yield "unigram-" + name, "t5", train("unigram", vocab_size=400, normalization_rule_name=name)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    vocabularies = []
    for name, model, data in kinds():
        random.seed(SEED)
        proto = spm_model.ModelProto.FromString(data)
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
        texts, ids = [], []
        while len(texts) < COUNT:
            text = families.hard()
            if any(bad in text for bad in AVOIDED):
                continue
            texts.append(text)
            ids.append(processor.encode(text))
        normalizer = proto.normalizer_spec
        vocabularies.append({
            "name": name, "model": model, "tokens": [p.piece for p in proto.pieces], "scores": [round(p.score, 6) for p in proto.pieces], "types": [p.type for p in proto.pieces],
            "add_space_prefix": normalizer.add_dummy_prefix, "remove_extra_whitespaces": normalizer.remove_extra_whitespaces,
            "precompiled_charsmap": base64.b64encode(normalizer.precompiled_charsmap).decode(), "texts": texts, "ids": ids,
        })
    text = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in vocabularies)
    (OUT / "sentencepiece.json").write_text("[\n" + text + "\n]\n")


if __name__ == "__main__":
    main()
