"""What is changed for each target, and which commands read it."""

import json
import struct

import mutate_gguf
import mutate_hdf5
import mutate_text
from arguments import arguments, numbers, streams
from cases import Case
from checksums import crc32c
from mutate_bytes import mutate as mutate_bytes
from mutate_json import mutate as mutate_json
from regexes import pattern
from seeds import STOPPED

TARGETS = {}
FEW = ["--sites", "resid_post", "--outer-folds", "2", "--folds", "2", "--controls", "none"]
TEXT = "The river is cold \U0001f642 a\u0301 42."


def target(make):
    TARGETS[make.__name__.replace("_", "-")] = make
    return make


def encoded(text):
    return text.encode("utf-8", "surrogatepass")


def changed_json(random, data):
    if random.random() < 0.1:
        return mutate_bytes(random, data)
    return encoded(mutate_json(random, data.decode()))


def changed_safetensors(random, data):
    """The header by its structure, its length made right; or bytes."""
    if random.random() < 0.25:
        return mutate_bytes(random, data)
    length = struct.unpack_from("<Q", data)[0]
    header = encoded(mutate_json(random, data[8:8 + length].decode()))
    stated = len(header) if random.random() < 0.95 else random.choice([0, 1, length, 2**31, 2**62, 2**63, 2**64 - 1])
    return struct.pack("<Q", stated) + header + data[8 + length:]


def one_of(random, seeds, pattern):
    found = sorted(seeds.glob(pattern))
    return random.choice(found).relative_to(seeds).as_posix()


def model_commands(random, model):
    """A command that reads a model."""
    return random.choice([
        ["run", model, TEXT], ["run", model, "the river", "--top", "2", "--greedy", "2"], ["tokenize", model, TEXT], ["anatomy", model],
        ["anatomy", model, "--explain"], ["capture", model, "@seeds/texts/corpus.txt", "-o", "out", "--sites", "resid_post,mlp_post"],
        ["geometry", "nearest", model, "the"], ["lens", "read", model, "the river is"], ["generate", model, "the", "--max-tokens", "3"],
        ["heads", model, "--sequences", "1", "--period", "4"]])


@target
def safetensors(random, seeds):
    name = random.choice(["models/mini", one_of(random, seeds, "models/families/*")])
    file = seeds / name / "model.safetensors"
    return Case("safetensors", model_commands(random, "m"), {"m/model.safetensors": changed_safetensors(random, file.read_bytes())}, {"m": name})


@target
def safetensors_index(random, seeds):
    name = "models/indexed"
    file = "model.safetensors.index.json"
    return Case("safetensors-index", model_commands(random, "m"), {f"m/{file}": changed_json(random, (seeds / name / file).read_bytes())}, {"m": name})


@target
def config(random, seeds):
    name = random.choice(["models/mini", *[one_of(random, seeds, "models/families/*")] * 4])
    data = changed_json(random, (seeds / name / "config.json").read_bytes())
    if random.random() < 0.2:
        return Case("config", ["anatomy", "config.json"], {"config.json": data})
    return Case("config", model_commands(random, "m"), {"m/config.json": data}, {"m": name})


@target
def tokenizer(random, seeds):
    data = changed_json(random, (seeds / one_of(random, seeds, "tokenizers/*.json")).read_bytes())
    return Case("tokenizer", tokenizing(random), {"t/tokenizer.json": data})


def tokenizing(random):
    return random.choice([["tokenize", "t", TEXT], ["tokenize", "t", "--input", "@seeds/texts/corpus.txt"], ["tokenize", "t", "", "--no-special-tokens"]])


@target
def regex(random, seeds):
    tree = json.loads((seeds / "tokenizers" / "gpt2.json").read_text())
    kind = random.randrange(3)
    form = {"Regex": pattern(random)}
    if kind < 2:
        behaviour = random.choice(["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"])
        split = {"type": "Split", "pattern": form, "behavior": behaviour, "invert": random.random() < 0.3}
        tree["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]}
    else:
        tree["normalizer"] = {"type": "Replace", "pattern": form, "content": random.choice(["", "x", "$1", "\\1", "aa"])}
    texts = [TEXT, "a" * 40, "a" * 5000 + "!", "\n \r\n\t ", "don't  stop\n\n"]
    return Case("regex", ["tokenize", "t", random.choice(texts)], {"t/tokenizer.json": encoded(json.dumps(tree))})


@target
def vocabulary(random, seeds):
    """The tables of a tokenizer, and the files beside it that name further tokens."""
    name = random.choice(["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json", "tokenizer.json"])
    data = (seeds / "models/mini" / name).read_bytes()
    if name == "tokenizer.json":
        tree = json.loads((seeds / one_of(random, seeds, "tokenizers/*.json")).read_text())
        part = random.choice([key for key in ("vocab", "merges") if key in tree["model"]])
        text = mutate_json(random, json.dumps(tree["model"][part]))
        tree["model"][part] = "@part@"
        return Case("vocabulary", tokenizing(random), {"t/tokenizer.json": encoded(json.dumps(tree).replace('"@part@"', text, 1))})
    return Case("vocabulary", random.choice([["tokenize", "t", TEXT], ["generate", "t", "the", "--max-tokens", "3"], ["run", "t", TEXT]]),
                {f"t/{name}": changed_json(random, data)}, {"t": "models/mini"})


@target
def gguf(random, seeds):
    data = mutate_gguf.mutate(random, (seeds / one_of(random, seeds, random.choice(["gguf/*.gguf", "gguf/worded-*.gguf"]))).read_bytes())
    return Case("gguf", model_commands(random, "m.gguf"), {"m.gguf": data})


def corpus_case(random, name, file, data):
    on_stdin = random.random() < 0.1
    extra = random.choice([[], [], ["--label-field", "label"], ["--text-field", "label"], ["--invalid-utf8", "replace"], ["--invalid-utf8", "skip"]])
    command = random.choice([
        ["capture", "@seeds/models/mini", file, "-o", "out", "--sites", "resid_post", "--overflow", random.choice(["split", "truncate"]), *extra],
        ["tokenize", "@seeds/models/mini", "--input", file, *extra],
        ["probe", "train", "@seeds/models/mini", file, "--label", "label", *FEW],
        ["probe", "train", "@seeds/models/mini", file, "--label", "number", "--target", "number", *FEW],
        ["probe", "apply", "@seeds/probe-logistic.safetensors", "@seeds/models/mini", "--input", file],
        ["neurons", "top", "@seeds/models/mini", file, "--text", "the river"], ["lens", "train", "@seeds/models/mini", file, "-o", "l.safetensors", "--steps", "1"],
        ["sae", "evaluate", "@seeds/dictionaries/own-topk", "@seeds/models/mini", file]])
    if on_stdin:
        command = ["-" if word == file else word for word in command]
    return Case(name, command, {file: data}, stdin=file if on_stdin else None)


@target
def jsonl(random, seeds):
    text = (seeds / "texts/corpus.jsonl").read_text()
    data = encoded(mutate_text.json_lines(random, text))
    return corpus_case(random, "jsonl", "c.jsonl", mutate_bytes(random, data) if random.random() < 0.2 else data)


@target
def csv(random, seeds):
    file = random.choice(["corpus.csv", "corpus.tsv"])
    data = encoded(mutate_text.table(random, (seeds / "texts" / file).read_text()))
    return corpus_case(random, "csv", file, mutate_bytes(random, data) if random.random() < 0.2 else data)


@target
def gzip(random, seeds):
    return corpus_case(random, "gzip", "c.jsonl.gz", mutate_text.compressed(random, (seeds / "texts/corpus.jsonl").read_text()))


@target
def yaml(random, seeds):
    data = encoded(mutate_text.yaml(random, (seeds / "texts/study.yaml").read_text()))
    command = random.choice([
        ["probe", "train", "s.yaml", "--store", "@seeds/store"], ["probe", "sweep", "s.yaml", "--store", "@seeds/store"],
        ["probe", "train", "s.yaml", "--model", "@seeds/models/mini"]])
    return Case("yaml", command, {"s.yaml": data, "corpus.jsonl": (seeds / "texts/corpus.jsonl").read_bytes()})


def store_command(random, store):
    return random.choice([
        ["store", "info", store], ["store", "verify", store], ["store", "verify", store, "--repair"],
        ["store", "pack", store, "-o", "out", "--storage", random.choice(["uint8", "float16"])],
        ["store", "merge", "@seeds/part-0", store, "-o", "out"], ["store", "merge", store, "-o", "out"],
        ["store", "label", store, "@seeds/texts/labels.jsonl"], ["neurons", "top", store, "--concept", "warm"],
        ["neurons", "rank", store, "--model", "@seeds/models/mini", "--count", "3"], ["probe", "train", store, "--label", "label", *FEW],
        ["export", "tensors", store, "-o", random.choice(["out.npz", "out.safetensors"])], ["export", "table", store, "-o", "out.csv"],
        ["report", store, "-o", "out.html"], ["sae", "evaluate", "@seeds/dictionaries/own-topk", store],
        ["sae", "train", store, "-o", "out", "--sites", "resid_post", "--layers", "1", "--latents", "16", "--k", "2", "--batch", "32", "--tokens", "500"],
        ["geometry", "dimensions", store, "--label", "label", "--sites", "resid_post", "--layers", "1"]])


@target
def manifest(random, seeds):
    name = random.choice(["store", "part-1", "packed"])
    lines = (seeds / name / "manifest.jsonl").read_text().splitlines()
    mark = ',"line_crc32c":"'
    for _ in range(random.choice([1, 1, 2])):
        i = random.randrange(len(lines))
        what = random.randrange(8)
        if what == 0:
            lines.insert(random.randrange(len(lines) + 1), lines[i])
        elif what == 1 and len(lines) > 1:
            del lines[i]
        else:
            body = mutate_json(random, lines[i][:lines[i].rfind(mark)] + "}")
            body = encoded(body)[:-1] if body.endswith("}") else encoded(body)
            lines[i] = (body + f'{mark}{crc32c(body):08x}"}}'.encode()).decode("utf-8", "surrogateescape")
    data = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
    if random.random() < 0.15:
        data = mutate_bytes(random, data)
    command = store_command(random, "s")
    if random.random() < 0.15:
        command = ["capture", "@seeds/models/mini", "@seeds/texts/corpus.jsonl", "-o", "s", "--sites", "resid_post", "--top", "2", "--threads", "1",
                   "--batch-tokens", "64", "--shard-tokens", "64", "--label-field", "label", "--label-field", "number", "--resume"]
    return Case("manifest", command, {"s/manifest.jsonl": data}, {"s": name})


@target
def h5(random, seeds):
    if random.random() < 0.5:
        return Case("h5", store_command(random, "s.h5"), {"s.h5": mutate_hdf5.mutate(random, (seeds / "plain.h5").read_bytes())})
    name = random.choice(["store", "part-1", "packed"])
    file = random.choice(["index.h5", *(path.name for path in sorted((seeds / name).glob("shard-*.h5")))])
    data = mutate_hdf5.mutate(random, (seeds / name / file).read_bytes())
    files = {f"s/{file}": data}
    if file != "index.h5" and random.random() < 0.8:
        # The manifest knows each shard's checksum.
        lines = (seeds / name / "manifest.jsonl").read_text().splitlines()
        for i, line in enumerate(lines):
            entry = json.loads(line)
            if entry.get("shard", {}).get("file") == file:
                entry.pop("line_crc32c")
                entry["shard"] |= {"bytes": len(data), "crc32c": f"{crc32c(data):08x}"}
                body = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
                lines[i] = body.decode() + f',"line_crc32c":"{crc32c(body):08x}"}}'
        files["s/manifest.jsonl"] = ("\n".join(lines) + "\n").encode()
    return Case("h5", store_command(random, "s"), files, {"s": name})


@target
def dictionary(random, seeds):
    name = one_of(random, seeds, random.choice(["dictionaries/*", "dictionaries/own-*"]))
    file = random.choice(sorted(path.name for path in (seeds / name).iterdir() if path.is_file()))
    data = (seeds / name / file).read_bytes()
    data = changed_json(random, data) if file.endswith(".json") else changed_safetensors(random, data)
    command = random.choice([
        ["sae", "evaluate", "d", "@seeds/store", "--rows", "100", "--model", "@seeds/models/mini"], ["sae", "features", "d", "@seeds/store", "--count", "2"],
        ["sae", "encode", "d", "@seeds/store", "-o", "out.safetensors"], ["sae", "export", "d", "-o", "out", "--format", random.choice(["saelens", "sparsify"])],
        ["superposition", "measure", "d"], ["export", "delphi", "d", "@seeds/store", "-o", "out"]])
    return Case("dictionary", command, {f"d/{file}": data}, {"d": name})


@target
def checkpoint(random, seeds):
    """What a training run that was stopped goes on from."""
    name = random.choice(["checkpoint.safetensors"] * 4 + ["metrics.jsonl"])
    data = (seeds / "stopped/training" / name).read_bytes()
    if name.endswith("jsonl"):
        data = encoded(mutate_text.json_lines(random, data.decode()))
    else:
        data = changed_safetensors(random, data)
    return Case("checkpoint", [*STOPPED, "--resume"], {f"stopped/training/{name}": data}, {"stopped": "stopped", "store": "store"})


@target
def probe(random, seeds):
    if random.random() < 0.15:
        data = mutate_gguf.mutate(random, (seeds / "gguf/repeng.gguf").read_bytes())
        command = ["steer", "@seeds/models/mini", "the", "--direction", "d.gguf", "--strength", "1", "--max-tokens", "2"]
        return Case("probe", command, {"d.gguf": data})
    name = one_of(random, seeds, "probe-*.safetensors")
    command = random.choice([
        ["probe", "show", "p"], ["probe", "apply", "p", "@seeds/models/mini", TEXT], ["probe", "evaluate", "p", "@seeds/store"],
        ["probe", "compare", "p", "@seeds/probe-lda.safetensors"], ["steer", "@seeds/models/mini", "the", "--direction", "p", "--strength", "1", "--max-tokens", "2"],
        ["notebook", "p", "-o", "n.ipynb", "--store", "@seeds/store"]])
    command = [word.replace("p", "p.safetensors") if word == "p" else word for word in command]
    return Case("probe", command, {"p.safetensors": changed_safetensors(random, (seeds / name).read_bytes())})


@target
def lens(random, seeds):
    data = changed_safetensors(random, (seeds / "lens.safetensors").read_bytes())
    return Case("lens", ["lens", "read", "@seeds/models/mini", TEXT, "--tuned", "l.safetensors"], {"l.safetensors": data})


@target
def labels(random, seeds):
    name = random.choice(["labels.jsonl", "labels.csv"])
    change = mutate_text.json_lines if name.endswith("jsonl") else mutate_text.table
    data = encoded(change(random, (seeds / "texts" / name).read_text()))
    extra = random.choice([[], ["--label-field", "tone"], ["--label-field", "weight"]])
    return Case("labels", ["store", "label", "s", name, *extra], {name: data}, {"s": "store"})


@target
def lists(random, seeds):
    """Small files of lines: analogies and pairs of prompts."""
    name, command = random.choice([
        ("analogies.jsonl", ["geometry", "score", "@seeds/models/mini", "analogies.jsonl"]),
        ("pairs.jsonl", ["patch", "@seeds/models/mini", "--pairs", "pairs.jsonl"])])
    return Case("lists", command, {name: encoded(mutate_text.json_lines(random, (seeds / "texts" / name).read_text()))})


TARGETS["arguments"] = arguments
TARGETS["numbers"] = numbers
TARGETS["streams"] = streams
