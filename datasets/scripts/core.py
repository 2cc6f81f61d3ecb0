"""What every set shares: a seeded generator, a small template language, and a choice of examples that matches lengths across classes.

Templates hold slots. With the default marks, `{city}` draws from the list `city`, `{a|b|city}` from the alternatives written there
(which may name a list; in code templates a `*` marks that),
`{city#1}` draws once and repeats the same word wherever `#1` stands again, and `{^city}` capitalises what was drawn. An entry of a list may
hold slots itself, and may be a function of the generator. `a~ ` before a word becomes "a" or "an". Code templates use « and » as marks.
"""

import json
import re


class Generator:
    """Splitmix64: the same numbers on every platform and in every version of Python."""

    def __init__(self, seed):
        state = 0xCBF29CE484222325
        for byte in seed.encode("utf-8"):
            state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        self.state = state

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def choice(self, items):
        return items[self.below(len(items))]

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def sample(self, items, n):
        return self.shuffle(list(items))[:n]

    def chance(self, percent):
        return self.below(100) < percent


ARTICLE = re.compile(r"\b([Aa])~ (\W*)(\w+)")


def _article(match):
    word = match.group(3)
    vowel = word[0].lower() in "aeiou"
    if re.match(r"(?i)(uni|use|usu|euro|one\b|once|ut[ie])", word):
        vowel = False
    if re.match(r"(?i)(hour|hono|heir)", word):
        vowel = True
    return match.group(1) + ("n " if vowel else " ") + match.group(2) + word


class Grammar:
    def __init__(self, rng, lists, marks="{}"):
        self.rng = rng
        self.lists = lists
        self.natural = marks == "{}"
        a, b = re.escape(marks[0]), re.escape(marks[1])
        self.slot = re.compile(a + "([^" + a + b + "\n]+)" + b)

    def _draw(self, inside, memory):
        repeated = re.fullmatch(r"(.+)#(\d)", inside)
        name, key = repeated.groups() if repeated else (inside, "")
        if key:
            if (name.lstrip("^"), key) not in memory:
                taken = {value for (other, _), value in memory.items() if other == name.lstrip("^")}
                for _ in range(20):
                    drawn = self._draw(name.lstrip("^"), memory)
                    if drawn not in taken:
                        break
                memory[(name.lstrip("^"), key)] = drawn
            drawn = memory[(name.lstrip("^"), key)]
            return drawn[:1].upper() + drawn[1:] if name.startswith("^") else drawn
        capital = name.startswith("^")
        name = name.lstrip("^")
        if "|" in name:
            options = name.split("|")
        elif name in self.lists:
            options = self.lists[name]
        else:
            raise KeyError("no list named " + repr(name))
        drawn = options(self.rng) if callable(options) else self.rng.choice(options)
        if callable(drawn):
            drawn = drawn(self.rng)
        drawn = str(drawn)
        if drawn.startswith("*") and drawn[1:] in self.lists:
            drawn = self._draw(drawn[1:], memory)
        elif "|" in name and self.natural and drawn in self.lists:
            drawn = self._draw(drawn, memory)
        drawn = self._fill(drawn, memory)
        return drawn[:1].upper() + drawn[1:] if capital else drawn

    def _fill(self, template, memory):
        while True:
            match = self.slot.search(template)
            if not match:
                return template
            template = template[: match.start()] + self._draw(match.group(1), memory) + template[match.end() :]

    def fill(self, template):
        return ARTICLE.sub(_article, self._fill(template, {}))


def candidates(templates, grammar, count, prefix=""):
    """Distinct texts of each template: `templates` yields (label, group, template or function of the grammar)."""
    found = []
    for label, group, template in templates:
        seen = set()
        for _ in range(count * 3):
            text = template(grammar) if callable(template) else grammar.fill(template)
            if text not in seen:
                seen.add(text)
                found.append({"text": text, "label": label, "group": prefix + group})
            if len(seen) == count:
                break
    return found


def length(text):
    return len(text)


def punctuation(text):
    return sum(not c.isalnum() and not c.isspace() for c in text) / len(text)


def capitals(text):
    return sum(map(str.isupper, text)) / len(text)


def word_count(text):
    return len(text.split())


def choose(pool, per_class, share, rng, match=((length, 10),)):
    """As many examples of each class, the measures in `match` matched bin by bin, no group over `share` of the whole."""
    labels = sorted({e["label"] for e in pool}, key=str)
    cap = int(share * per_class * len(labels))
    edges = []
    for measure, count in match:
        ordered = sorted(measure(e["text"]) for e in pool)
        edges.append([ordered[len(ordered) * i // count] for i in range(1, count)])
    bins = 1
    for _, count in match:
        bins *= count

    def bin_of(example):
        place = 0
        for (measure, count), limits in zip(match, edges):
            value = measure(example["text"])
            place = place * count + sum(value >= limit for limit in limits)
        return place

    shelves = {(label, b): [] for label in labels for b in range(bins)}
    seen = set()
    for example in rng.shuffle(list(pool)):
        if example["text"] not in seen:
            seen.add(example["text"])
            shelves[(example["label"], bin_of(example))].append(example)

    used = {}
    chosen = {label: [] for label in labels}
    per_label = {}

    def take(label, b):
        shelf = shelves[(label, b)]
        best, where = None, -1
        for i, example in enumerate(shelf):  # the least used group first, in the shuffled order
            group = (label, example["group"])
            count = per_label.get(group, 0) * 1000 + used.get(example["group"], 0)
            if used.get(example["group"], 0) < cap and (best is None or count < best):
                best, where = count, i
        if where < 0:
            return None
        example = shelf.pop(where)
        used[example["group"]] = used.get(example["group"], 0) + 1
        per_label[(label, example["group"])] = per_label.get((label, example["group"]), 0) + 1
        return example

    turn = 0
    stalled = 0
    while len(chosen[labels[0]]) < per_class and stalled < bins:
        b = turn % bins
        turn += 1
        if all(shelves[(label, b)] for label in labels):
            row = {label: take(label, b) for label in labels}
            if all(row.values()):
                for label in labels:
                    chosen[label].append(row[label])
                stalled = 0
                continue
            for label, example in row.items():  # one class had nothing left under the cap: give the others back
                if example:
                    used[example["group"]] -= 1
                    per_label[(label, example["group"])] -= 1
        stalled += 1
    short = per_class - len(chosen[labels[0]])
    if short:
        raise ValueError("matched only %d of %d a class" % (per_class - short, per_class))
    return [e for label in labels for e in chosen[label]]


SPAN = re.compile(r"\[\[([A-Za-z-]+):(.*?)\]\]")


def with_spans(text):
    """Takes the marks `[[label:words]]` out of a text and returns it with their places in Unicode scalars."""
    plain, spans, at = "", [], 0
    for match in SPAN.finditer(text):
        plain += text[at : match.start()]
        spans.append({"start": len(plain), "end": len(plain) + len(match.group(2)), "label": match.group(1)})
        plain += match.group(2)
        at = match.end()
    return plain + text[at:], spans


def numbered(name, examples, rng):
    """Shuffles, gives ids, and orders the fields as they are written."""
    rows = []
    for i, example in enumerate(rng.shuffle(list(examples))):
        row = {"id": "%s-%04d" % (name, i + 1), "text": example["text"]}
        if "label" in example:
            row["label"] = example["label"]
        row["group"] = example["group"]
        if "spans" in example:
            row["spans"] = example["spans"]
        rows.append(row)
    return rows


def write_jsonl(path, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def two_sided(frames, side):
    """Templates of frames that are written once for the positive and the negative side."""
    return [
        (label, group, side(template, label == "positive"))
        for group, template in frames.items() for label in ("positive", "negative")
    ]
