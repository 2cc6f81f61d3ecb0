"""Regular expressions to stand in a tokenizer: grown from pieces, those that engines stumble over among them."""

ATOMS = ["a", "b", ".", "\\s", "\\S", "\\d", "\\w", "\\p{L}", "\\p{N}", "\\p{Lu}", "\\P{M}", "\\p{Han}", "[^\\s\\p{L}]", "[a-z]",
         "[\\r\\n]", "'s", " ?", "\\n", "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "\\h", "\\R", "\\X", "é", "日", "\\x{1F600}", "\\u00e9",
         "[[:alpha:]]", "[a&&[b]]", "[^]", "[]", "[z-a]", "[\\d-x]", "\\1", "\\k<n>", "\\0", "\\x", "\\p{", "\\p{Nope}", "\\Q", "(?#x)",
         "", "|", "\\", "[", "(", ")", "{", "]", "\x00", "\\cA", "\\o{777}"]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{0,1}", "{1,3}", "{,3}", "{3,}", "{1000}", "{0}", "{99999999999}", "{2,1}", "{1,100}"]
GROUPS = ["({})", "(?:{})", "(?i:{})", "(?i){}", "(?={})", "(?!{})", "(?<={})", "(?<!{})", "(?>{})", "(?<n>{})", "(?x) {} ", "(?s-i:{})", "(?({}))", "(?~{})"]
KNOWN = [
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(a+)+$", r"(a|aa)*b", r"(?:a?){30}a{30}", r"(\s*\s*)*x", r"(?=(a+))a*b\1", r"(?<=a|bc)d"]


def grown(random, depth=0):
    what = random.random()
    if depth > 4 or what < 0.35:
        return random.choice(ATOMS)
    if what < 0.55:
        return grown(random, depth + 1) + random.choice(REPEATS)
    if what < 0.75:
        return random.choice(GROUPS).format(grown(random, depth + 1))
    if what < 0.85:
        return grown(random, depth + 1) + "|" + grown(random, depth + 1)
    return "".join(grown(random, depth + 1) for _ in range(random.choice([2, 3, 5])))


def pattern(random):
    what = random.random()
    if what < 0.1:
        depth = random.choice([10, 100, 1000, 30_000, 300_000])
        if random.random() < 0.3:
            return "(" * 4 + "a" + "".join(f"{repeat})" for repeat in random.choices(["{1000}", "*", "+", "{0,1000}", "{1000,}", "?"], k=4))
        return random.choice(["({}", "(?:{}", "[{}", "a{}", "(?={}"]).format("") * depth + "a" + random.choice([")", "]", "*", ""]) * depth
    if what < 0.35:
        known = random.choice(KNOWN)
        at = random.randrange(len(known) + 1)
        return known[:at] + random.choice([*ATOMS, *REPEATS]) + known[at + random.choice([0, 0, 1, 3]):]
    return grown(random)
