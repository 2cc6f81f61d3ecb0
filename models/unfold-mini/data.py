"""Reads the labelled corpus, splits it by document, and encodes it.

    python data.py CORPUS STATE

CORPUS is the folder of `<domain>.jsonl.gz` files. STATE is a working folder
outside the repository: it receives the encoded training text, one flat uint16
array a domain, each document led by the begin token.
"""
import gzip
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
BEGIN = 0            # the id of <|endoftext|>
SPLIT_SEED = 20
HELD_OUT_SHARE = 0.02
HELD_OUT_LEAST = 20
BALANCE = 0.6        # a domain of n bytes weighs n ** BALANCE


def domains(corpus):
    return sorted(p.name.removesuffix(".jsonl.gz") for p in Path(corpus).glob("*.jsonl.gz"))


def documents(corpus, domain):
    with gzip.open(Path(corpus) / f"{domain}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def split(docs):
    """(training, held out), both in an order fixed by the seed and the document ids."""
    def key(doc):
        return hashlib.sha256(f"{SPLIT_SEED}/{doc['domain']}/{doc['id']}".encode()).digest()
    docs = sorted(docs, key=key)
    held = max(HELD_OUT_LEAST, round(HELD_OUT_SHARE * len(docs)))
    return docs[held:], docs[:held]


def balance(sizes):
    """Shares that sum to one, from a dictionary of sizes."""
    raw = {name: size ** BALANCE for name, size in sizes.items()}
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def encode(corpus, state):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    folder = Path(state) / "encoded"
    folder.mkdir(parents=True, exist_ok=True)
    summary = {}
    for domain in domains(corpus):
        train, _ = split(documents(corpus, domain))
        texts = [doc["text"] for doc in train]
        ids, starts = [], []
        for i in range(0, len(texts), 256):
            for row in tokenizer.encode_batch(texts[i:i + 256], add_special_tokens=True):
                starts.append(sum(map(len, ids[-1:])) + (starts[-1] if starts else 0))
                ids.append(np.array(row.ids, dtype=np.uint16))
        tokens = np.concatenate(ids)
        assert all(tokens[s] == BEGIN for s in starts)
        np.save(folder / f"{domain}.npy", tokens)
        np.save(folder / f"{domain}.starts.npy", np.array(starts, dtype=np.int64))
        size = sum(len(t.encode()) for t in texts)
        summary[domain] = {"documents": len(texts), "bytes": size, "tokens": len(tokens)}
        print(f"{domain:18} {len(tokens):9} tokens {size / len(tokens):.2f} bytes a token", flush=True)
    (folder / "summary.json").write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    encode(sys.argv[1], sys.argv[2])
