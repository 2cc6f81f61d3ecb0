"""Changes to JSON by its structure: values of another kind, numbers at the edge, deep nesting, names given twice."""

import json

NUMBERS = ["0", "-1", "1", "-0", "2", "0.5", "1e400", "-1e400", "1e308", "5e-324", "2147483647", "2147483648", "-2147483649",
           "4294967296", "9007199254740993", "4611686018427387904", "9223372036854775807", "9223372036854775808",
           "-9223372036854775808", "18446744073709551616", "9" * 400, "1e-9999", "NaN", "Infinity", "0x1A", "007", "3.10"]
TEXTS = ['""', '" "', '"\\u0000"', '"\\ud800"', '"\\u001b[31m\\u0007"', '"../../../../etc/passwd"', '"/dev/zero"', '"%s%n"',
         '"\\u202e\\ufeff"', '"a\\nb"', '"' + "a" * 100_000 + '"', '"\\uffff\\udbff\\udfff"', '"true"', '"NaN"', '"-1"']
OTHERS = ["null", "true", "false", "[]", "{}", "[[]]", "[null]", '{"a":null}', '{"":0}', "[0,-1]"]


class Raw(str):
    """JSON text that stands as it is."""


class Members(list):
    """An object as pairs, so that a name can stand twice."""


def parse(text):
    return json.loads(text, object_pairs_hook=lambda pairs: Members([list(pair) for pair in pairs]))


def text(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Members):
        return "{" + ",".join(f"{name if isinstance(name, Raw) else json.dumps(name)}:{text(v)}" for name, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def places(value, found=None, depth=0):
    """Every (container, index, depth) below a value; of long arrays the first and the last few."""
    found = [] if found is None else found
    if isinstance(value, list):
        indices = range(len(value))
        if len(indices) > 40:
            indices = [*indices[:20], *indices[-20:]]
        for i in indices:
            found.append((value, i, depth))
            places(value[i][1] if isinstance(value, Members) else value[i], found, depth + 1)
    return found


def deep(random):
    depth = random.choice([10, 100, 1000, 20_000, 300_000])
    a, b = random.choice([("[", "]"), ('{"a":', "}")])
    return Raw(a * depth + ("0" if random.random() < 0.5 else "") + b * depth)


def replacement(random, old):
    """Something else to stand in the place of a value: often of its own kind."""
    what = random.random()
    if isinstance(old, bool) or old is None:
        what += 0.3
    if isinstance(old, (int, float)) and not isinstance(old, bool) and what < 0.6:
        if random.random() < 0.3:
            return random.choice([old + 1, old - 1, -old, old * 2, old * 1000])
        return Raw(random.choice(NUMBERS))
    if isinstance(old, str) and not isinstance(old, Raw) and what < 0.5:
        if old and random.random() < 0.4:
            cut = random.randrange(len(old))
            return random.choice([old[:cut], old + old, old[:cut] + "\x00" + old[cut:], old.upper(), old + " ", old[:cut] + "\u0301" + old[cut:]])
        return Raw(random.choice(TEXTS))
    kind = random.randrange(8)
    if kind < 3:
        return Raw(random.choice(NUMBERS))
    if kind < 5:
        return Raw(random.choice(TEXTS))
    if kind < 7:
        return Raw(random.choice(OTHERS))
    return deep(random)


def once(random, root):
    found = places(root[0])
    if not found or random.random() < 0.02:
        root[0] = replacement(random, root[0])
        return
    # A value near the root decides more than one of a thousand leaves.
    weights = [1 / (1 + depth) for _, _, depth in found]
    container, i, _ = random.choices(found, weights)[0]
    if i >= len(container):
        return
    is_object = isinstance(container, Members)
    what = random.randrange(12)
    if what < 7:
        if is_object:
            container[i][1] = replacement(random, container[i][1])
        else:
            container[i] = replacement(random, container[i])
    elif what == 7:
        del container[i]
    elif what == 8:
        container.insert(random.randrange(len(container) + 1), list(container[i]) if is_object else container[i])
    elif what == 9 and is_object:
        container[i][0] = Raw(random.choice([json.dumps(container[i][0] + "x"), *TEXTS[:10], '"__proto__"']))
    elif what == 10:
        other, j, _ = random.choice(found)
        if j < len(other):
            value = other[j][1] if isinstance(other, Members) else other[j]
            if value is not container and len(text(value)) < 10_000:
                copy = Raw(text(value))
                if is_object:
                    container[i][1] = copy
                else:
                    container[i] = copy
    elif not is_object:
        container.extend([container[i]] * random.choice([1, 10, 1000]))


def mutate(random, source):
    """JSON text from JSON text; now and then no longer JSON at all."""
    try:
        root = [parse(source)]
    except (ValueError, RecursionError):
        return source[:random.randrange(len(source) + 1)]
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        once(random, root)
    result = text(root[0])
    if random.random() < 0.05:
        cut = random.randrange(len(result) + 1)
        result = random.choice([result[:cut], result + "}", "\ufeff" + result, result[:cut] + "\x00" + result[cut:]])
    return result
