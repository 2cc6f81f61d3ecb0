"""Encodes a text with Hugging Face's tokenizers on one thread.

    peer_tokenize.py TOKENIZER.JSON TEXT

Zero bytes separate the text's documents. Prints one JSON object: bytes, tokens, seconds, seconds of processor time.
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
    start, processor = time.perf_counter(), time.process_time()
    count = 0
    for document in documents:
        count += len(tokenizer.encode(document).ids)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    size = sum(len(document.encode()) for document in documents)
    print(json.dumps({"bytes": size, "tokens": count, "seconds": seconds, "processor": processor}))


main()
