"""Encodes a text with Hugging Face's tokenizers on one thread.

    peer_tokenize.py TOKENIZER.JSON TEXT

The text is cut into documents of about 4 KB at line ends. Prints one JSON object: bytes, tokens, seconds.
"""

import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers


def main():
    tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
    documents = open(sys.argv[2], encoding="utf-8").read().split("\x00")
    tokenizer.encode(documents[0])
    start = time.perf_counter()
    count = 0
    for document in documents:
        count += len(tokenizer.encode(document).ids)
    seconds = time.perf_counter() - start
    size = sum(len(document.encode()) for document in documents)
    print(json.dumps({"bytes": size, "tokens": count, "seconds": seconds}))


main()
