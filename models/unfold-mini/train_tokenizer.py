"""Trains the byte-level BPE tokenizer on the training part of the corpus.

    python train_tokenizer.py CORPUS

Writes tokenizer.json and tokenizer_config.json beside this script. Domains
are balanced as in training: each gives at most its share of SAMPLE_BYTES.
"""
import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from data import BEGIN, HERE, balance, documents, domains, split

VOCABULARY = 8192
SAMPLE_BYTES = 48_000_000
SPECIAL = "<|endoftext|>"


def sample(corpus):
    parts = {name: split(documents(corpus, name))[0] for name in domains(corpus)}
    sizes = {name: sum(len(d["text"].encode()) for d in docs) for name, docs in parts.items()}
    for name, share in balance(sizes).items():
        room = share * SAMPLE_BYTES
        for doc in parts[name]:
            if room <= 0:
                break
            room -= len(doc["text"].encode())
            yield doc["text"]


def main(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(sample(corpus), trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[SPECIAL], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SPECIAL} $A", pair=f"{SPECIAL} $A {SPECIAL} $B:1",
        special_tokens=[(SPECIAL, BEGIN)])
    assert tokenizer.get_vocab_size() == VOCABULARY and tokenizer.token_to_id(SPECIAL) == BEGIN
    tokenizer.save(str(HERE / "tokenizer.json"))
    (HERE / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512,
        "bos_token": SPECIAL, "eos_token": SPECIAL, "unk_token": SPECIAL,
        "clean_up_tokenization_spaces": False}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
