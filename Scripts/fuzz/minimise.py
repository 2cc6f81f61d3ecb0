"""Makes a finding smaller: fewer changed files, fewer words, files cut by halves, as long as it stays the same finding."""

from dataclasses import replace


def variants(case):
    """Smaller cases, the boldest first."""
    for name in case.files:
        if any(name == seed or name.startswith(seed + "/") for seed in case.base):
            yield replace(case, files={k: v for k, v in case.files.items() if k != name})
    for i in range(len(case.arguments) - 1, 1, -1):
        if case.arguments[i].startswith("--") and not case.arguments[i].startswith("--output"):
            flag_ends = i + 1 if i + 1 == len(case.arguments) or case.arguments[i + 1].startswith("-") else i + 2
            yield replace(case, arguments=case.arguments[:i] + case.arguments[flag_ends:])
    for i, word in enumerate(case.arguments):
        if len(word) > 200:
            yield replace(case, arguments=[*case.arguments[:i], word[: len(word) // 2], *case.arguments[i + 1:]])
    for name, data in case.files.items():
        piece = len(data) // 2
        while piece >= max(1, len(data) // 16):
            for start in range(0, len(data), piece):
                yield replace(case, files={**case.files, name: data[:start] + data[start + piece:]})
            piece //= 2


def minimise(case, is_same, executions=60):
    """The smallest case found within so many executions."""
    left = executions
    progress = True
    while progress and left > 0:
        progress = False
        for smaller in variants(case):
            if left <= 0:
                break
            left -= 1
            if is_same(smaller):
                case, progress = smaller, True
                break
    return case
