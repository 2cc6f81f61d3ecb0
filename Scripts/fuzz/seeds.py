"""Makes the seeds that are changed: small models, corpora, stores, dictionaries, probes. Nothing of it is kept.

What can be small comes from the fixtures of the tests; what only the tool can write is written by the tool.
"""

import gzip
import json
import random
import shutil
import struct
import subprocess
import time
from pathlib import Path

import mutate_gguf

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests"
WORDS = ["[UNK]", "the", "river", "is", "a", "##s", "he", "##l", "##o", ".", "cold", "warm", "sun", "and", "of", "not"]
TEXTS = [
    "The river is cold and the sun is warm.", "a", "the the the the", "He said: “hello”, 3.14 times\u2026",
    "日本語のテキスト и кириллица", "def f(x):\n\treturn x ** 2  # ½", "e\u0301 🙂🏽 \u200d\ufeff", "A much longer line " * 12]


def safetensors(tensors):
    """The bytes of a safetensors file: names to (shape, float32 values)."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        bytes_ = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def small_model(vocabulary, width=8, layers=2):
    """A GPT-2 of random weights."""
    generator = random.Random(1)

    def tensor(*shape, scale=0.3):
        count = 1
        for n in shape:
            count *= n
        return list(shape), [generator.gauss(0, scale) for _ in range(count)]

    tensors = {"wte.weight": tensor(vocabulary, width), "wpe.weight": tensor(64, width)}
    for i in range(layers):
        for name, shape in [
                ("ln_1.weight", [width]), ("ln_1.bias", [width]), ("attn.c_attn.weight", [width, 3 * width]),
                ("attn.c_attn.bias", [3 * width]), ("attn.c_proj.weight", [width, width]), ("attn.c_proj.bias", [width]),
                ("ln_2.weight", [width]), ("ln_2.bias", [width]), ("mlp.c_fc.weight", [width, 16]), ("mlp.c_fc.bias", [16]),
                ("mlp.c_proj.weight", [16, width]), ("mlp.c_proj.bias", [width])]:
            tensors[f"h.{i}.{name}"] = tensor(*shape)
    tensors |= {"ln_f.weight": tensor(width), "ln_f.bias": tensor(width)}
    config = {
        "model_type": "gpt2", "vocab_size": vocabulary, "n_positions": 64, "n_embd": width, "n_layer": layers, "n_head": 2,
        "n_inner": 16, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True}
    return config, tensors


def write_models(folder):
    tokenizer = (FIXTURES / "TokenizationTests/Fixtures/gpt2.json").read_bytes()
    known = json.loads(tokenizer)
    ids = [*known["model"]["vocab"].values(), *(token["id"] for token in known["added_tokens"])]
    vocabulary = max(ids) + 2
    config, tensors = small_model(vocabulary)
    for name in ["mini", "indexed"]:
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(config))
        (folder / name / "tokenizer.json").write_bytes(tokenizer)
        (folder / name / "tokenizer_config.json").write_text(json.dumps(
            {"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}, "add_bos_token": True}))
        (folder / name / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
        (folder / name / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 1]}))
        (folder / name / "added_tokens.json").write_text(json.dumps({"<extra>": vocabulary - 1}))
    (folder / "mini" / "model.safetensors").write_bytes(safetensors(tensors))
    names = list(tensors)
    places = {}
    for i, part in enumerate([names[: len(names) // 2], names[len(names) // 2:]]):
        file = f"model-{i + 1:05}-of-00002.safetensors"
        (folder / "indexed" / file).write_bytes(safetensors({name: tensors[name] for name in part}))
        places |= {name: file for name in part}
    (folder / "indexed" / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    # Every family that is read, with a tokenizer whose ids the smallest of them has.
    words = {"version": "1.0", "added_tokens": [], "normalizer": {"type": "Lowercase"},
             "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None,
             "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {word: i for i, word in enumerate(WORDS)}}}
    for config in sorted((FIXTURES / "TransformerTests/Fixtures").glob("*/config.json")):
        target = folder / "families" / config.parent.name
        target.mkdir(parents=True)
        for file in config.parent.iterdir():
            if file.is_file() and file.name != "expected.safetensors":
                shutil.copy(file, target)
        (target / "tokenizer.json").write_text(json.dumps(words))


def write_texts(folder):
    folder.mkdir()
    moods = ["warm", "cold"]
    rows = [{"id": f"d{i}", "text": f"{TEXTS[i % len(TEXTS)]} {i}", "label": moods[i % 2], "number": i / 4,
             "group": f"g{i // 4}", "spans": [{"start": 0, "end": 1, "label": "first"}]} for i in range(24)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "corpus.jsonl").write_text(lines)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    for name, mark in [("corpus.csv", ","), ("corpus.tsv", "\t")]:
        (folder / name).write_text("".join(mark.join(cells) + "\n" for cells in [
            ["id", "text", "label", "number"], *([f"d{i}", f"the river {i}", moods[i % 2], str(i)] for i in range(24))]))
    (folder / "corpus.txt").write_text("".join(text.replace("\n", " ") + "\n" for text in TEXTS))
    (folder / "labels.jsonl").write_text("".join(json.dumps(
        {"id": f"d{i}", "tone": moods[i % 2], "weight": i, "spans": [{"start": 0, "end": 2, "label": "x"}]}) + "\n" for i in range(24)))
    (folder / "labels.csv").write_text("id,tone,weight\n" + "".join(f"d{i},{moods[i % 2]},{i}\n" for i in range(24)))
    (folder / "analogies.jsonl").write_text('{"relation": "x", "words": ["a", "b", "c", "d"]}\n' * 3)
    (folder / "pairs.jsonl").write_text(
        '{"clean": "the cat", "corrupt": "the bat", "right": 4, "wrong": 5}\n{"clean": [1, 2, 3, 4, 5], "corrupt": [1, 2, 3, 4, 6], "right": 4, "wrong": 5}\n')
    (folder / "study.yaml").write_text(
        "concept: mood\nabout: Warm against cold.\ndataset: corpus.jsonl\nlabel: label\npositive: warm\nsites: [resid_post]\nlayers: all\n"
        "level: document\npooling: mean\nclassifier: logistic\npenalty: l2\ntest_share: 0.25\nfolds: 2\nouter_folds: 2\ncontrols: all\nseed: 0\n")


def with_vocabulary(data):
    """A GGUF file with a SentencePiece vocabulary before the rest of its metadata."""
    embedding = data.index(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 8
    size = int.from_bytes(data[embedding:embedding + 8], "little")
    words = ["<unk>", "<s>", "</s>", "▁", "▁the", "▁river", "e", "h", "t", "r", "i", "v"]
    words = (words + [chr(0x100 + i) for i in range(size)])[:size]

    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def array(name, kind, values):
        return text(f"tokenizer.ggml.{name}") + struct.pack("<IIQ", 9, kind, size) + b"".join(values)

    added = [text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("llama"), array("tokens", 8, map(text, words)),
             array("scores", 6, (struct.pack("<f", -i) for i in range(size))),
             array("token_type", 5, (struct.pack("<i", 2 if i == 0 else 3 if i < 3 else 1) for i in range(size))),
             *(text(f"tokenizer.ggml.{name}_token_id") + struct.pack("<II", 4, i) for i, name in enumerate(["unknown", "bos", "eos"]))]
    end = mutate_gguf.survey(data)[-1][1] + 8  # of the tensors' table; what follows begins at the next multiple of 32
    # The fixtures say that they have none.
    key = text("tokenizer.ggml.model") + struct.pack("<I", 8)
    start = data.index(key)
    value = start + len(key)
    behind = value + 8 + int.from_bytes(data[value:value + 8], "little")
    count = int.from_bytes(data[16:24], "little") - 1 + len(added)
    head = data[:16] + struct.pack("<Q", count) + b"".join(added) + data[24:start] + data[behind:end]
    return head + bytes(-len(head) % 32) + data[end + -end % 32:]


def copy_fixtures(folder):
    for name, pattern in [("tokenizers", "TokenizationTests/Fixtures/**/*.json"), ("gguf", "*/Fixtures/**/*.gguf")]:
        (folder / name).mkdir()
        for file in sorted(FIXTURES.glob(pattern)):
            if file.name not in ("expected.json", "texts.json", "sentencepiece.json") and "parts" not in file.parent.name and file.stat().st_size < 60_000:
                shutil.copy(file, folder / name / file.name)
    for name in ["llama", "gemma2", "mixtral", "qwen3"]:
        (folder / "gguf" / f"worded-{name}.gguf").write_bytes(with_vocabulary((folder / "gguf" / f"{name}.gguf").read_bytes()))
    (folder / "dictionaries").mkdir()
    for file in sorted(FIXTURES.glob("DictionariesTests/Fixtures/**/cfg.json")):
        shutil.copytree(file.parent, folder / "dictionaries" / file.parent.name, ignore=shutil.ignore_patterns("expected*"))


def stop_training(unfold, folder, command):
    """A training run that was stopped behind its first checkpoint."""
    process = subprocess.Popen([unfold, *command, "--quiet"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = folder / "stopped/training/checkpoint.safetensors"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()


STOPPED = ["sae", "train", "store", "-o", "stopped", "--sites", "resid_post", "--layers", "1", "--latents", "16", "--k", "4", "--batch", "32",
           "--tokens", "40000", "--checkpoint-steps", "20", "--special-tokens", "--threads", "1"]


def make(unfold, folder):
    """All seeds, anew."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_models(folder / "models")
    write_texts(folder / "texts")
    copy_fixtures(folder)

    def tool(*arguments):
        subprocess.run([unfold, *arguments, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    sites = ["--sites", "resid_post,mlp_post", "--top", "2", "--threads", "1", "--batch-tokens", "64"]
    corpus = "texts/corpus.jsonl"
    tool("capture", "models/mini", corpus, "-o", "store", *sites, "--shard-tokens", "64", "--label-field", "label", "--label-field", "number")
    tool("capture", "models/mini", corpus, "-o", "plain.h5", *sites)
    for part in "01":
        tool("capture", "models/mini", corpus, "-o", f"part-{part}", *sites, "--shard", f"{part}/2")
    tool("store", "pack", "store", "-o", "packed", "--storage", "uint8")
    for architecture in ["topk", "jumprelu", "gated"]:
        tool("sae", "train", "store", "-o", f"dictionaries/own-{architecture}", "--sites", "resid_post", "--layers", "1", "--architecture",
             architecture, "--latents", "16", *(["--k", "4"] if architecture == "topk" else []), "--batch", "32", "--special-tokens", "--tokens", "2000")
    for classifier in ["logistic", "mass-mean", "lda"]:
        tool("probe", "train", "store", "--label", "label", "--positive", "warm", "--sites", "resid_post", "--layers", "1", "--classifier",
             classifier, "--outer-folds", "2", "--folds", "2", "-o", f"probe-{classifier}.safetensors")
    stop_training(unfold, folder, STOPPED)
    tool("lens", "train", "models/mini", corpus, "-o", "lens.safetensors", "--steps", "2", "--batch-tokens", "64")
    return folder
