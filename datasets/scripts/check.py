"""Checks every shipped set: form, balance, duplicates, groups, spans, shares of templates, and how well trivial cues separate the labels.

    python3 datasets/scripts/check.py            checks, and fails where a cue reaches an AUROC above 0.65 that the card does not own up to
    python3 datasets/scripts/check.py --table    prints the table of README.md as well
"""

import json
import math
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
LIMIT = 0.65
SHARE = 0.05
MINIMUM = 400
CUES = ["length", "words", "first word", "last sign", "punctuation", "digits", "upper case"]
SPAN_CUES = ["length", "place", "upper case", "last letters", "word before"]


def auroc(scores, positives):
    """The probability that a positive example scores above a negative one, ties counting half."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    ranks, i = [0.0] * len(scores), 0
    while i < len(order):
        j = i
        while j < len(order) and scores[order[j]] == scores[order[i]]:
            j += 1
        for k in range(i, j):
            ranks[order[k]] = (i + j + 1) / 2
        i = j
    n = sum(positives)
    m = len(positives) - n
    return (sum(r for r, p in zip(ranks, positives) if p) - n * (n + 1) / 2) / (n * m)


def encoded(keys, positives, groups):
    """For every example the share of positives among examples of other groups with the same key, drawn to one half by one example of each class."""
    total, within = {}, {}
    for key, positive, group in zip(keys, positives, groups):
        for table, at in ((total, key), (within, (key, group))):
            n, p = table.get(at, (0, 0))
            table[at] = (n + 1, p + positive)
    scores = []
    for key, group in zip(keys, groups):
        n, p = total[key]
        m, q = within[(key, group)]
        scores.append((p - q + 1) / (n - m + 2))
    return scores


def share(text, test):
    return sum(map(test, text)) / max(len(text), 1)


def is_punctuation(c):
    return not c.isalnum() and not c.isspace()


def last_sign(text):
    return text[-1] if is_punctuation(text[-1]) else "none"


def text_cues(rows):
    texts = [row["text"] for row in rows]
    numeric = {
        "length": [len(t) for t in texts],
        "words": [len(t.split()) for t in texts],
        "punctuation": [share(t, is_punctuation) for t in texts],
        "digits": [share(t, str.isdigit) for t in texts],
        "upper case": [share(t, str.isupper) for t in texts],
    }
    keyed = {
        "first word": [re.sub(r"\W+$", "", t.split()[0].lower()) or t.split()[0] for t in texts],
        "last sign": [last_sign(t) for t in texts],
    }
    return numeric, keyed


def span_cues(rows):
    items = [(row, span) for row in rows for span in row["spans"]]
    numeric = {
        "length": [s["end"] - s["start"] for _, s in items],
        "place": [s["start"] / len(r["text"]) for r, s in items],
        "upper case": [float(r["text"][s["start"]].isupper()) for r, s in items],
    }
    keyed = {
        "last letters": [r["text"][s["start"] : s["end"]][-2:].lower() for r, s in items],
        "word before": [(re.findall(r"\S+", r["text"][: s["start"]].lower()) or ["(start)"])[-1] for r, s in items],
    }
    return numeric, keyed


def measure(rows):
    """The AUROC of each cue: the worst label against the rest; for a number, above its median against below."""
    if "spans" in rows[0]:
        numeric, keyed = span_cues(rows)
        labels = [span["label"] for row in rows for span in row["spans"]]
        groups = [row["group"] for row in rows for _ in row["spans"]]
        names = SPAN_CUES
    else:
        numeric, keyed = text_cues(rows)
        labels = [row["label"] for row in rows]
        groups = [row["group"] for row in rows]
        names = CUES
    if not isinstance(labels[0], str):
        median = sorted(labels)[len(labels) // 2]
        classes = {"above": [int(v >= median) for v in labels]}
    else:
        kinds = sorted(set(labels))
        classes = {kind: [int(v == kind) for v in labels] for kind in (kinds[:1] if len(kinds) == 2 else kinds)}
    found = {}
    for name in names:
        best = 0.5
        for positives in classes.values():
            if name in numeric:
                value = auroc(numeric[name], positives)
                value = max(value, 1 - value)
            else:
                value = auroc(encoded(keyed[name], positives, groups), positives)
            best = max(best, value)
        found[name] = best
    return found


def bag_of_words(rows, folds=5):
    """The accuracy of naive Bayes on the words present, over folds of whole groups: what the vocabulary alone gives away."""
    documents = [set(re.findall(r"\w+", row["text"].lower())) for row in rows]
    labels = [row["label"] for row in rows]
    kinds = sorted(set(labels))
    fold_of = {group: i % folds for i, group in enumerate(sorted({row["group"] for row in rows}))}
    place = [fold_of[row["group"]] for row in rows]
    right = 0
    for fold in range(folds):
        size = {kind: 0 for kind in kinds}
        counts = {kind: {} for kind in kinds}
        for words, label, at in zip(documents, labels, place):
            if at != fold:
                size[label] += 1
                for word in words:
                    counts[label][word] = counts[label].get(word, 0) + 1
        known = set().union(*counts.values())
        for words, label, at in zip(documents, labels, place):
            if at == fold:
                score = {}
                for kind in kinds:
                    total = math.log((size[kind] + 1) / (len(rows) + len(kinds)))
                    for word in sorted(words & known):
                        total += math.log((counts[kind].get(word, 0) + 0.5) / (size[kind] + 1))
                    score[kind] = total
                right += max(kinds, key=lambda kind: score[kind]) == label
    return right / len(rows)


def has_bag(rows):
    return "spans" not in rows[0] and isinstance(rows[0]["label"], str)


def owned_up(card):
    """The cues that a card's section on shortcuts names."""
    section = re.search(r"(?ms)^## Known shortcuts\n(.*?)(?=^## |\Z)", card)
    return set(re.findall(r"(?m)^- \*\*(.+?)\*\*", section.group(1))) if section else set()


def problems(name, rows, card):
    found = []
    ids = [row.get("id") for row in rows]
    if len(set(ids)) != len(ids):
        found.append("ids repeat")
    texts = [row["text"] for row in rows]
    if len(set(texts)) != len(texts):
        found.append("texts repeat")
    groups = {}
    for row in rows:
        if not row.get("group"):
            found.append(row["id"] + " has no group")
        if row["text"] != row["text"].strip():
            found.append(row["id"] + " begins or ends with a space")
        if re.search(r"[«»{}]\w*[|#~]|~\}|\[\[", row["text"]) and name in ("sentiment", "questions", "korean"):
            found.append(row["id"] + " holds a slot that was not filled")
        groups[row["group"]] = groups.get(row["group"], 0) + 1
    if len(rows) < MINIMUM:
        found.append("only %d examples" % len(rows))
    if max(groups.values()) > SHARE * len(rows):
        found.append("one group holds %d of %d" % (max(groups.values()), len(rows)))
    if len(groups) < 20:
        found.append("only %d groups" % len(groups))
    if "spans" in rows[0]:
        labels = []
        for row in rows:
            end = 0
            for span in row["spans"]:
                if not (end <= span["start"] < span["end"] <= len(row["text"])):
                    found.append(row["id"] + " has a span out of order or out of the text")
                end = span["end"]
                if row["text"][span["start"] : span["end"]].strip() != row["text"][span["start"] : span["end"]]:
                    found.append(row["id"] + " has a span with a space at its edge")
                labels.append(span["label"])
    else:
        labels = [row["label"] for row in rows]
    if isinstance(labels[0], str):
        counts = sorted(labels.count(kind) for kind in set(labels))
        if len(counts) < 2 or counts[-1] > 1.25 * counts[0]:
            found.append("labels are not balanced: " + str(counts))
    known = owned_up(card)
    for cue, value in measure(rows).items():
        if value > LIMIT and cue not in known:
            found.append("%s alone reaches an AUROC of %.2f" % (cue, value))
    return found


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def kind_of(rows):
    if "spans" in rows[0]:
        kinds = sorted({span["label"] for row in rows for span in row["spans"]})
        return "tokens", kinds, sum(len(row["spans"]) for row in rows)
    if isinstance(rows[0]["label"], str):
        return "documents", sorted({row["label"] for row in rows}), None
    return "number", [], None


def table(sets):
    lines = ["| set | examples | groups | labels | strongest trivial cue (AUROC) | bag of words (accuracy) |", "| --- | ---: | ---: | --- | --- | ---: |"]
    for name, rows in sets:
        kind, kinds, spans = kind_of(rows)
        cues = measure(rows)
        worst = max(cues, key=lambda cue: cues[cue])
        shown = ", ".join(kinds) if len(kinds) <= 4 else "%d classes" % len(kinds)
        if kind == "tokens":
            shown = "%d spans: %s" % (spans, shown)
        if kind == "number":
            values = [row["label"] for row in rows]
            shown = "a number, %s to %s" % (min(values), max(values))
        bag = "%.0f %%" % (100 * bag_of_words(rows)) if has_bag(rows) else ""
        lines.append("| [%s](%s.md) | %d | %d | %s | %s %.2f | %s |" % (name, name, len(rows), len({r["group"] for r in rows}), shown, worst, cues[worst], bag))
    return "\n".join(lines)


def main():
    failed = False
    sets = []
    for path in sorted(FOLDER.glob("*.jsonl")):
        rows = read(path)
        name = path.stem
        if name == "demo-corpus":
            continue
        card = FOLDER / (name + ".md")
        found = problems(name, rows, card.read_text(encoding="utf-8")) if card.exists() else ["there is no card"]
        cues = measure(rows)
        print("%-22s %4d  %s" % (name, len(rows), "  ".join("%s %.2f" % item for item in cues.items())))
        for problem in found:
            print("    FAILED: " + problem)
        failed = failed or bool(found)
        sets.append((name, rows))
    if "--table" in sys.argv[1:]:
        print(table(sets))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
