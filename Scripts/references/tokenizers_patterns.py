"""Makes the fixture of regular expressions: what Hugging Face's tokenizers make of random texts by many patterns.

Needs Python 3.11 and tokenizers 0.23.3 (`pip install tokenizers==0.23.3`). Run from the package's root:

    python Scripts/references/tokenizers_patterns.py              # the committed fixture
    python Scripts/references/tokenizers_patterns.py FILE COUNT SEED

Point `UNFOLD_PATTERN_CASES` at FILE and the tests compare that too.
"""

import json
import random
import sys

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers_fixtures import CL100K, O200K

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
FILE = "Tests/TokenizationTests/Fixtures/patterns.json" if len(sys.argv) < 2 else sys.argv[1]
COUNT = 16 if len(sys.argv) < 2 else int(sys.argv[2])
random.seed(23 if len(sys.argv) < 2 else int(sys.argv[3]))

# Patterns that match nothing at some places, which Split and Replace treat in their own way.
EMPTY = ["", "^", "$", "x*", "a*", "b*?", r"\b", r"\B", "(?=b)", "(?<=b)", "a?", r"\A", r"\z", r"\Z", r"\G", r"\s*", r"(?<=\s)|(?=\s)", "^|$", r"(?=(\d{3})+(?!\d))", r"(?<=\p{Ll})(?=\p{Lu})"]
OTHERS = [
    CL100K + "|(?!)", O200K, r"\p{N}{1,3}", r"[^\r\n\p{L}\p{N}]?+\p{L}+| ?[^\s\p{L}\p{N}]++[\r\n]*|\s+(?!\S)|\s+", "(?<=a|ab)c", "(?<!a*)b", "(?<=a+)b", "(?<![ab]|\\s\\s)[a-c]",
    r"(a)\1", r"(?<n>a\g<n>?b)", r"(?~ab)", r"a\Kb", r"\R", r"\X", r"\h+", r"[[:punct:]]+", r"[[:^alpha:]]+", r"[[:alnum:]\W]+", r"[]\d[:^punct:]]+", r"\W+", r"(?W)\w+", r"[^\w[:punct:]]", "[a-z&&[^b]]+", r"\p{Han}+|\p{Hiragana}|\p{Hangul}+", r"\p{^L}+", r"\P{Lu}+", r"\p{Letter}\p{Mark}*", r"\p{Alphabetic}+", "(?i:AB|ß|ſ)", "(?i)k|İ", "(?x) a b # no\n | c",
    "(?m:.)+", ".+", r"\N+", r"\O+", "a{,2}b", "a{2,1}", "a{2}+", "a{1,2}+b", "(?>a*)b", "a*+a|b", r"\w+|[^\w\s]+", r"\d{1,3}(?=(?:\d{3})*\b)", r"(?=a)\w", r"[\p{Lu}\p{Lt}]\p{M}*", r"[^\S\n]+", r"\s+$", r"^\s*", r"\x{e9}|é", "[一-龥぀-ゟ゠-ヿ]+",
]
POOL = list("aaaabbbbccABxX  \t\n\r019.,-'!é한ßſKİǅ字かカ٣½\u0301\u200d\u0085\u3000_") + ["ab", "aab", "\r\n", "  ", "123456", "e\u0301", "👩‍🚀", "aB"]
# Of Unicode 15 and 16.
NEW = ["\U000105C0", "\U00031350", "\U0001E4F0", "\U00010D40", "\U0002EBF0", "\u1C89"]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]


def text(pattern):
    # What is a word to \b is left to the library, which may know an older Unicode.
    pool = POOL if "\\b" in pattern or "\\B" in pattern else POOL + NEW
    return "".join(random.choice(pool) for _ in range(random.randint(0, 14)))


def ids(encoding):
    return [[*encoding.ids], [a for a, _ in encoding.offsets], [b - a for a, b in encoding.offsets]]


def main():
    alphabet = sorted(set("".join(POOL + NEW)) | set("_ é"))
    characters = {c: i + 1 for i, c in enumerate(alphabet)} | {"?": 0}
    cases = []
    for i, pattern in enumerate(EMPTY + OTHERS):
        texts = ["", "a", "ab\n"][: 3 if pattern in EMPTY else 0] + [text(pattern) for _ in range(COUNT)]
        replace = Tokenizer(models.BPE(characters, []))
        content, behavior, invert = ["_", "", "é "][i % 3], BEHAVIORS[i % 5], i % 7 == 3
        replace.normalizer = normalizers.Replace(Regex(pattern), content)
        split = Tokenizer(models.WordLevel({"?": 0}, "?"))
        split.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior, invert)
        decode = Tokenizer(models.BPE(characters, []))
        decode.decoder = decoders.Sequence([decoders.Fuse(), decoders.Replace(Regex(pattern), "_")])
        rows = []
        for t in texts:
            plain = [characters[c] for c in t]
            rows.append([t, *ids(replace.encode(t)), *ids(split.encode(t))[1:], decode.decode(plain)])
        cases.append({"pattern": pattern, "content": content, "behavior": json.loads(split.pre_tokenizer.__getstate__())["behavior"], "invert": invert, "rows": rows})
    with open(FILE, "w") as file:
        json.dump({"characters": characters, "cases": cases}, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
