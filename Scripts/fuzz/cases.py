"""One execution: the files that were changed, the seeds that stand beside them, and the command."""

import json
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from limits import environment, execute


SHIPPED = Path(__file__).resolve().parents[2] / "models/unfold-mini"


@dataclass
class Case:
    target: str
    arguments: list  # of unfold; `@seeds/…` names a seed
    files: dict = field(default_factory=dict)  # name to bytes: what was changed
    base: dict = field(default_factory=dict)  # name to seed: folders and files that are copied first
    stdin: str | None = None  # a file of the case
    odd: str | None = None  # what is odd about the standard streams

    def place(self, folder, seeds):
        """Writes all that the command needs into an empty folder."""
        folder = Path(folder)
        for name, seed in self.base.items():
            copy = shutil.copytree if (seeds / seed).is_dir() else shutil.copy
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(seeds / seed, folder / name)
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    def words(self, seeds):
        """The arguments as the process gets them: no byte that no process could be given."""
        places = {"@seeds": str(seeds), "@shipped": str(SHIPPED), "\x00": ""}
        words = []
        for word in self.arguments:
            for name, place in places.items():
                word = word.replace(name, place)
            words.append(word)
        return [word.encode("utf-8", "surrogateescape" if word.isascii() else "replace") for word in words]

    def run(self, unfold, folder, seeds, limits):
        """Runs the case in a folder that is emptied before."""
        shutil.rmtree(folder, ignore_errors=True)
        inside, scratch = Path(folder) / "case", Path(folder) / "scratch"
        inside.mkdir(parents=True)
        scratch.mkdir()
        self.place(inside, seeds)
        return execute(
            [str(unfold), *self.words(seeds)], inside, scratch, limits,
            stdin=inside / self.stdin if self.stdin else None, env=environment(TMPDIR=str(scratch), HOME=str(scratch)), odd=self.odd)

    def save(self, folder, note):
        """Keeps the case: case.json, and the changed files beside it, to be looked at."""
        folder = Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        described = {"target": self.target, "note": note, "arguments": self.arguments, "base": self.base, "stdin": self.stdin, "odd": self.odd,
                     "files": list(self.files)}
        (folder / "case.json").write_text(json.dumps(described, indent=1) + "\n")

    @staticmethod
    def load(folder):
        folder = Path(folder)
        known = json.loads((folder / "case.json").read_text())
        files = {name: (folder / name).read_bytes() for name in known["files"]}
        return Case(known["target"], known["arguments"], files, known["base"], known.get("stdin"), known.get("odd"))

    @property
    def shown(self):
        """The command as it can be pasted, in a folder that `--place` has filled."""
        streams = {None: "", "input closed": "<&-", "input a folder": "<.", "output full": ">/dev/full", "output closed": ">&-", "errors closed": "2>&-",
                   "errors full": "2>/dev/full", "output a broken pipe": "| true"}
        return f"{shlex.join(['unfold', *self.arguments])} {f'<{self.stdin}' if self.stdin else streams[self.odd]}".rstrip()
