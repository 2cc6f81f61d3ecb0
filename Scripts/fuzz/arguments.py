"""Random flags and files for every command: none may end by a signal, whatever it is asked."""

import functools
import json
import os
import subprocess

from cases import Case
from commands import LINES, SHIPPED, D, M, P, S
from limits import STREAMS

SKIPPED = {"serve", "demo", "benchmark", "synth", "help"}  # The first never ends, the others are minutes of work.
# What takes long by its nature is asked for little.
CALM = {"steps": "2", "tokens": "500", "seeds": "1", "trials": "1", "samples": "1000", "judge-samples": "500", "resamples": "5",
        "shuffles": "1", "rotations": "1", "sequences": "2", "max-tokens": "3", "random": "2", "outer-folds": "2", "untimed": "0"}
VALUES = ["", "100000", "16777216", "1000000000", "0.000001", "0", "1", "-1", "2", "3.5", "nan", "inf", "1e400", "99999999999", "2147483648", "9223372036854775807", "9223372036854775808",
          "-9223372036854775808", "4611686018427387904", "all", "last", "none", "0-3", "3-0", "0,1", "0-99999999999", ",", "a", "label", "warm", "resid_post",
          "blocks.0.hook_resid_post", "*", "L0.1", "L99.1", "L0.-1", "L0.9223372036854775807", "x" * 10_000, "\x1b[31m", "日本", "--", ".", "/proc/nowhere/x", "out"]
FILES = ["@seeds/models/mini", "@seeds/store", "@seeds/plain.h5", "@seeds/packed", "@seeds/part-0", "@seeds/dictionaries/own-topk",
         "@seeds/dictionaries/saelens-gated", "@seeds/probe-logistic.safetensors", "@seeds/lens.safetensors", "@seeds/texts/corpus.jsonl",
         "@seeds/texts/corpus.csv", "@seeds/texts/study.yaml", "@seeds/texts/labels.jsonl", "@seeds/texts/analogies.jsonl",
         "@seeds/texts/pairs.jsonl", "@seeds/gguf/llama.gguf", "@seeds/models/families/mixtral", "the river", "-", "nothing.jsonl"]
LIKELY = {
    "model": ["@seeds/models/mini", "@seeds/models/families/mixtral", "@seeds/models/families/bert"], "store": ["@seeds/store", "@seeds/packed", "@seeds/plain.h5"],
    "store|model": ["@seeds/store", "@seeds/models/mini"], "dictionary": ["@seeds/dictionaries/own-topk", "@seeds/dictionaries/own-jumprelu"],
    "probe": ["@seeds/probe-logistic.safetensors"], "probes": ["@seeds/probe-logistic.safetensors", "@seeds/probe-lda.safetensors"],
    "corpus": ["@seeds/texts/corpus.jsonl", "@seeds/texts/corpus.csv"], "corpora": ["@seeds/texts/corpus.jsonl"], "text": ["the river is cold"],
    "input": ["@seeds/texts/corpus.jsonl"], "output": ["out", "out.h5", "out.safetensors", "out.html", "."], "labels": ["@seeds/texts/labels.jsonl"],
    "stores": ["@seeds/part-0", "@seeds/part-1"], "tuned": ["@seeds/lens.safetensors"], "pairs": ["@seeds/texts/pairs.jsonl"],
    "analogies": ["@seeds/texts/analogies.jsonl"], "words": ["the", "a"], "sites": ["resid_post", "mlp_post", "z", "pattern", "*"], "site": ["blocks.1.hook_resid_post"],
    "neuron": ["L0.3"], "contexts": ["@seeds/texts/corpus.jsonl"], "sources": ["@seeds/dictionaries/own-topk", "@seeds/store"],
    "specification|store|model": ["@seeds/texts/study.yaml", "@seeds/store"], "model|config|preset": ["gpt2", "@seeds/models/mini"], "expression": ["the - a + of"],
    "store|probe|dictionary": ["@seeds/store", "@seeds/probe-logistic.safetensors"], "prompt": ["the river"], "shapes": ["circle", "v"], "vectors": ["12"],
    "dimensions": ["3"], "specification": ["@seeds/texts/study.yaml"], "direction": ["@seeds/probe-logistic.safetensors"], "strength": ["1", "0,2"],
    "clean": ["the river"], "corrupt": ["the the"], "right": ["a"], "wrong": ["b"], "target": ["number", "a"], "by": ["docs"],
    "label": ["label", "number"], "positive": ["warm"], "figure": ["f.svg"], "table": ["t.md", "t.csv"], "layers": ["all", "0", "last"]}


@functools.cache
def commands(unfold):
    """(the words of a command, its arguments) for every command that does something."""
    text = subprocess.run([unfold, "--experimental-dump-help"], capture_output=True, check=True).stdout
    found = []

    def walk(command, words):
        below = command.get("subcommands", [])
        if command["commandName"] in SKIPPED:
            return
        words = [*words, command["commandName"]]
        if not below:
            found.append((words[1:], command.get("arguments", [])))
        for one in below:
            walk(one, words)

    walk(json.loads(text)["command"], [])
    return found


def value(random, name, known):
    name = name.lower()
    if name in CALM and random.random() < 0.7:
        return CALM[name]
    if known and random.random() < 0.7:
        return random.choice(known)
    if name in LIKELY and random.random() < 0.85:
        return random.choice(LIKELY[name])
    return random.choice(random.choice([VALUES, VALUES, FILES]))


def random_line(random):
    """A command with whatever it accepts."""
    words, accepted = random.choice(commands(os.environ["UNFOLD"]))
    positional, options = [], []
    share = random.choice([0.02, 0.05, 0.1, 0.3])
    for one in accepted:
        if one["kind"] == "positional":
            if one.get("isOptional") and random.random() < 0.3:
                continue
            count = random.choice([1, 1, 2, 3]) if one.get("isRepeating") else 1
            positional += [value(random, one["valueName"], one.get("allValues")) for _ in range(count)]
        elif not one.get("isOptional") or random.random() < share:
            options += option(random, one)
    if random.random() < 0.1:
        positional = positional[:-1]
    return [*words, *positional, *options]


def option(random, one, is_odd=False):
    """An option with a value, or nothing."""
    name = one["preferredName"]["name"]
    if name in ("help", "version", "resume"):
        return []
    if one["kind"] == "flag":
        return [f"--{name}"]
    return [f"--{name}", random.choice(VALUES) if is_odd else value(random, name, one.get("allValues"))]


def changed_line(random):
    """A command that works, with a word exchanged or an option more."""
    line = list(random.choice(LINES))
    accepted = next(accepted for words, accepted in commands(os.environ["UNFOLD"]) if line[:len(words)] == words)
    options = [one for one in accepted if one["kind"] != "positional"]
    for _ in range(random.choice([1, 1, 2])):
        what = random.random()
        if what < 0.75:
            line += option(random, random.choice(options), is_odd=random.random() < 0.6)
        elif what < 0.9:
            i = random.randrange(1, len(line))
            line[i] = random.choice(random.choice([VALUES, FILES]))
        else:
            del line[random.randrange(1, len(line))]
    return line


def case_of(name, words, odd=None):
    # A command may write where it reads: it gets copies.
    base = {word.removeprefix("@"): word.removeprefix("@seeds/") for word in words if word.startswith("@seeds/")}
    return Case(name, [word.removeprefix("@") if word.startswith("@seeds/") else word for word in words], base=base, odd=odd)


def arguments(random, seeds):
    return case_of("arguments", changed_line(random) if random.random() < 0.7 else random_line(random))


def streams(random, seeds):
    """A command that works, with odd standard streams; a corpus may come from standard input."""
    words, odd = list(random.choice(LINES)), random.choice(STREAMS)
    if odd.startswith("input"):
        words = ["-" if word.startswith("@seeds/texts/corpus") else word for word in words]
    return case_of("streams", words, odd)


LARGE = ["100000", "16777216", "1000000000", "2147483647", "4294967296", "9223372036854775807", "0", "-1", "1e30", "0.0000001"]


def numbers(random, seeds):
    """A command that works, where it can with the model that ships, and one number that is large."""
    line = list(random.choice(LINES))
    if not {S, D, P} & set(line) and not any(word.startswith("@seeds/lens") for word in line):
        line = [SHIPPED if word == M else word for word in line]
    accepted = next(accepted for words, accepted in commands(os.environ["UNFOLD"]) if line[:len(words)] == words)
    valued = [one["preferredName"]["name"] for one in accepted if one["kind"] == "option" and not one.get("allValues")]
    # What every command has is tried often enough.
    own = [name for name in valued if name not in ("threads", "seed", "memory")]
    for _ in range(random.choice([1, 1, 1, 2])):
        line += [f"--{random.choice(own if own and random.random() < 0.9 else valued)}", random.choice(LARGE)]
    return case_of("numbers", line)
