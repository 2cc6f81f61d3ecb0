"""The commands that write, with what they need and what they leave: shared by the injection of faults and the kills."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fuzz"))
import seeds as seed_maker  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

SITES = ["--sites", "resid_post,mlp_post", "--top", "2", "--threads", "1"]
SMALL = ["--batch-tokens", "64", "--shard-tokens", "128"]
LABELS = ["--label-field", "label", "--label-field", "number"]
TRAINING = ["--sites", "resid_post", "--layers", "1", "--latents", "16", "--k", "4", "--batch", "32", "--tokens", "3000",
            "--checkpoint-steps", "20", "--threads", "1", "--special-tokens"]


@dataclass
class Writer:
    name: str
    command: list
    output: str  # what it leaves, in its folder
    resumes: bool = False  # whether --resume goes on where it ended

    def again(self):
        """The command that a person gives after a failure."""
        return [*self.command, "--resume"] if self.resumes and "--resume" not in self.command else self.command


CAPTURE = ["capture", "models/mini", "texts/corpus.jsonl"]
WRITERS = [
    Writer("capture", [*CAPTURE, "-o", "out", *SITES, *SMALL, *LABELS], "out", resumes=True),
    Writer("capture-resume", [*CAPTURE, "-o", "half", *SITES, *SMALL, *LABELS, "--resume"], "half", resumes=True),
    Writer("capture-plain", [*CAPTURE, "-o", "out.h5", *SITES, *SMALL, *LABELS], "out.h5", resumes=True),
    Writer("merge", ["store", "merge", "part-0", "part-1", "-o", "out"], "out"),
    Writer("pack", ["store", "pack", "store", "-o", "out", "--storage", "uint8"], "out"),
    Writer("label", ["store", "label", "store", "texts/labels.jsonl", "--label-field", "tone"], "store"),
    Writer("sae-train", ["sae", "train", "store", "-o", "out", *TRAINING], "out", resumes=True),
    Writer("probe-train", ["probe", "train", "store", "--label", "label", "--positive", "warm", "--sites", "resid_post", "--outer-folds", "2",
                           "--folds", "2", "--shuffles", "10", "-o", "out.safetensors", "--threads", "1"], "out.safetensors"),
    Writer("lens-train", ["lens", "train", "models/mini", "texts/corpus.jsonl", "-o", "out.safetensors", "--steps", "3", "--batch-tokens", "64",
                          "--threads", "1"], "out.safetensors"),
    Writer("export-tensors", ["export", "tensors", "store", "-o", "out.npz", "--force"], "out.npz"),
    Writer("export-table", ["export", "table", "store", "-o", "out.csv", "--force"], "out.csv"),
    Writer("export-delphi", ["export", "delphi", "dictionaries/own-topk", "store", "-o", "out", "--force"], "out"),
    Writer("sae-encode", ["sae", "encode", "dictionaries/own-topk", "store", "-o", "out.safetensors"], "out.safetensors"),
]
NEEDED = ["models/mini", "texts/corpus.jsonl", "texts/labels.jsonl", "store", "part-0", "part-1", "dictionaries/own-topk", "half", "home"]


class Workplace:
    """Inputs that every attempt gets a fresh copy of."""

    def __init__(self, unfold, folder):
        self.unfold = str(Path(unfold).resolve())
        self.folder = Path(folder).resolve()
        self.pristine = self.folder / "seeds"
        self.place = self.folder / "place"
        seed_maker.make(self.unfold, self.pristine)
        (self.pristine / "home").mkdir()
        self.prepare_half()

    def environment(self, home, **more):
        return {**os.environ, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1", "HOME": str(home), "XDG_CACHE_HOME": str(home), **more}

    def prepare_half(self):
        """A capture that was stopped: the first shards of a whole one, and the lines that name them."""
        whole = next(writer for writer in WRITERS if writer.name == "capture-resume").command
        subprocess.run([self.unfold, *whole, "--quiet"], cwd=self.pristine, check=True, stdout=subprocess.DEVNULL,
                       env=self.environment(self.pristine / "home"))
        half = self.pristine / "half"
        lines = (half / "manifest.jsonl").read_text().splitlines()
        kept = lines[:1 + (len(lines) - 2) // 2]
        (half / "manifest.jsonl").write_text("\n".join(kept) + "\n")
        for i, shard in enumerate(sorted(half.glob("shard-*.h5"))):
            if i + 1 >= len(kept):
                shard.unlink()

    def fresh(self):
        shutil.rmtree(self.place, ignore_errors=True)
        for name in NEEDED:
            source, target = self.pristine / name, self.place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        return self.place

    def start(self, command, error, **more):
        """The process of a command, in its place."""
        return subprocess.Popen(
            [self.unfold, *command, "--quiet"], cwd=self.place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=error,
            env=self.environment(self.place / "home", **more))

    def run(self, command, seconds=60, **more):
        """(exit code, negative for a signal and None after its time; standard error)."""
        process = self.start(command, subprocess.PIPE, **more)
        try:
            _, error = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[1].decode("utf-8", "replace")
        return process.returncode, error.decode("utf-8", "replace")

    def is_sound(self, output):
        """What `store verify` says of a store."""
        return self.run(["store", "verify", output])


def content(path):
    """The digests of the files below a path; what only marks a folder as being in use is left out."""
    path = Path(path)
    if path.is_file():
        return {"": hashlib.sha256(path.read_bytes()).hexdigest()}
    return {file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(path.rglob("*")) if file.is_file() and file.name != ".lock"}


def difference(found, expected):
    """In words, or None: files that are missing, that differ, and that are too many."""
    words = [f"{name or 'the file'} is missing" for name in expected if name not in found]
    words += [f"{name or 'the file'} differs" for name in expected if name in found and found[name] != expected[name]]
    words += [f"{name} was left" for name in found if name not in expected]
    return "; ".join(words[:4]) or None
