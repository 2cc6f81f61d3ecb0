"""Rebuilds every file of `datasets/`, byte for byte: sets, cards, the demo's corpus and README.md. Standard library only.

    python3 datasets/scripts/make.py [NAME ...]      the sets named, or all
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import check
from core import Generator, numbered, write_jsonl
from registry import SETS

FOLDER = check.FOLDER


def shown(row):
    text = row["text"].replace("\n", "⏎ ").replace("|", "\\|").replace("`", "'")
    text = text if len(text) <= 150 else text[:147] + "…"
    if "spans" in row:
        label = "; ".join("%s: %s" % (row["text"][s["start"] : s["end"]], s["label"]) for s in row["spans"][:5])
    else:
        label = str(row["label"])
    return "| %s | %s |" % (text, label)


def examples(rows, count):
    picked, seen = [], {}
    for row in rows:
        label = str(row["label"]) if isinstance(row.get("label"), str) else "any"
        if seen.get(label, 0) < count:
            seen[label] = seen.get(label, 0) + 1
            picked.append(row)
    return picked


def card(entry, rows):
    kind, kinds, spans = check.kind_of(rows)
    groups = {row["group"] for row in rows}
    cues = check.measure(rows)
    if kind == "tokens":
        counts = ", ".join("`%s` %d" % (k, sum(s["label"] == k for r in rows for s in r["spans"])) for k in kinds)
        labels = "One label for each span of words (`spans`, offsets in Unicode scalars): " + counts + "."
    elif kind == "documents":
        labels = "One label a text: " + ", ".join("`%s` %d" % (k, sum(r["label"] == k for r in rows)) for k in kinds) + "."
    else:
        values = [row["label"] for row in rows]
        labels = "A number for each text, from %s to %s." % (min(values), max(values))
    words = sorted(len(row["text"].split()) for row in rows)
    lengths = sorted(len(row["text"]) for row in rows)
    lines = ["# %s" % entry["name"], "", entry["title"] + ".", "", "## What", "", entry["about"], "", entry["use"], "", "## How it was made", "", entry["made"]]
    lines += ["Nothing is taken from elsewhere. `python3 datasets/scripts/make.py %s` rebuilds the file byte for byte." % entry["name"]]
    lines += ["", "## Size and labels", "", "%d texts in %d groups (no group over %.1f %% of the set); half of them between %d and %d characters." % (
        len(rows), len(groups), 100 * max(sum(r["group"] == g for r in rows) for g in groups) / len(rows), lengths[len(lengths) // 4], lengths[3 * len(lengths) // 4])]
    lines += [labels, "Split by `group`: texts of one template share it.", "", "## Trivial cues", ""]
    lines += ["AUROC of each cue alone (the worst label against the rest; words and signs encoded from other groups only):", ""]
    lines += ["| " + " | ".join(cues) + " |", "|" + " --- |" * len(cues), "| " + " | ".join("%.2f" % v for v in cues.values()) + " |"]
    if check.has_bag(rows):
        lines += ["", "A bag of words (naive Bayes, five folds of whole groups) reaches %.0f %%; chance is %.0f %%." % (100 * check.bag_of_words(rows), 100 / len(kinds))]
    lines += ["", "## Known shortcuts", ""]
    known = [(cue, why) for cue, why in entry["shortcuts"].items() if cue not in cues or cues[cue] > check.LIMIT]
    lines += ["- **%s**%s: %s." % (cue, " (%.2f)" % cues[cue] if cue in cues else "", why) for cue, why in known] or ["No cue of the table reaches %.2f." % check.LIMIT]
    lines += ["- " + note for note in entry.get("notes", [])]
    lines += ["", "## Examples", "", "| text | label |", "| --- | --- |"] + [shown(row) for row in examples(rows, 1 if len(kinds) > 4 and kind == "documents" else 3)]
    lines += ["", "## Licence", "", "Apache-2.0, as the rest of Unfold.", ""]
    return "\n".join(lines)


README = """# Concept sets

Labelled texts to train probes on, each a few hundred examples with balanced labels. All of it was written for Unfold or made by the scripts beside it; no sentence is
taken from elsewhere. `unfold` finds a set by its name from anywhere: `unfold probe sweep MODEL sentiment`.

{table}

The last column but one is the best that a trivial cue alone achieves: length, number of words, first word, last sign, share of punctuation, digits or capitals (for spans: their length,
place, capital, last letters, the word before). A cue above 0.65 is explained on the set's card under *Known shortcuts*; a probe has to be judged against it.
The last column is the accuracy of naive Bayes on the words present, over folds of whole groups: what the vocabulary alone gives away.

## Form

One JSON object a line: `id`, `text`, `label` (a string, or a number to regress) and `group`. Token-level sets have `spans` in place of `label`:
`[{{"start", "end", "label"}}]`, offsets in Unicode scalars (what Python counts). **Split by `group`**: the texts of one template share it, so that near-duplicates never
stand on both sides of a split; no group holds more than 5 % of a set.

## Demo corpus

`demo-corpus.jsonl`: {demo} documents from {domains} unrelated domains ({names}); `label` is the domain. It is what `unfold demo` captures.

## Rebuild and check

```
python3 datasets/scripts/make.py       rebuilds every file, byte for byte (Python 3.10 or newer, nothing else)
python3 datasets/scripts/check.py      form, balance, duplicates, groups, spans, cues
```

To add a set: a module of templates in `scripts/sets`, an entry in `scripts/registry.py`, then both commands.
"""


def main():
    wanted = sys.argv[1:] or list(SETS)
    for name in wanted:
        entry = SETS[name]
        rng = Generator("unfold " + name)
        rows = numbered(name, entry["build"](rng), rng)
        write_jsonl(FOLDER / (name + ".jsonl"), rows)
        if name != "demo-corpus":
            (FOLDER / (name + ".md")).write_text(card(entry, rows), encoding="utf-8", newline="\n")
    made = [(name, check.read(FOLDER / (name + ".jsonl"))) for name in SETS if name != "demo-corpus" and (FOLDER / (name + ".jsonl")).exists()]
    demo = check.read(FOLDER / "demo-corpus.jsonl") if (FOLDER / "demo-corpus.jsonl").exists() else []
    domains = sorted({row["label"] for row in demo})
    text = README.format(table=check.table(made), demo=len(demo), domains=len(domains), names=", ".join(domains))
    (FOLDER / "README.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
