#!/usr/bin/env python3
"""Makes what the documentation's catalogue takes from elsewhere, so that no code and no page is kept twice.

    Scripts/tutorial-steps.py

Into Sources/Unfold/Unfold.docc/Generated, which git ignores:

- of each program of a tutorial (Examples/NAME/main.swift with lines "// STEP name") a file NAME-name.swift for each step:
  the program as far as that step, without the comment at its top;
- TenTasks.md: docs/recipes.md as an article;
- the pictures that the tutorials show.
"""

import re
import shutil
from pathlib import Path

root = Path(__file__).resolve().parent.parent
target = root / "Sources/Unfold/Unfold.docc/Generated"
shutil.rmtree(target, ignore_errors=True)
target.mkdir(parents=True)

for program in ["FirstProbe", "ReadDictionary", "FromTransformerLens"]:
    source = (root / "Examples" / program / "main.swift").read_text()
    head, *parts = re.split(r"^// STEP (\w+)\n", source, flags=re.MULTILINE)
    text = re.sub(r"\A(//.*\n)+\n", "", head)
    for name, part in zip(parts[::2], parts[1::2]):
        text += part
        (target / f"{program}-{name}.swift").write_text(text.rstrip() + "\n")

recipes = (root / "docs/recipes.md").read_text()
title, rest = recipes.split("\n\n", 1)
rest = re.sub(r"\[([^\]]*)\]\(\.\./[^)]*\)", r"`\1`", rest)
abstract, rest = rest.split("\n\n## ", 1)
summary, overview = abstract.split(". ", 1)
(target / "TenTasks.md").write_text(f"{title}\n\n{summary}.\n\n## Overview\n\n{overview}\n\n### {rest}".replace("\n## ", "\n### ").replace("### Overview", "## Overview"))

for picture in ["probes/depth.svg", "docs/patching.svg", "docs/superposition-measure.svg"]:
    shutil.copy(root / picture, target)
