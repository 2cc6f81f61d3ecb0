"""Trains the model, or goes on where the last checkpoint stopped.

    python data.py CORPUS STATE            (once)
    python train.py STATE [--set decay_at=TOKENS stop_at=TOKENS ...]

The learning rate warms up, stays, and falls in a line to zero between
decay_at and stop_at. The plan lives in STATE/plan.json and is read again
every few steps, so it may be edited while training runs. A checkpoint holds
the weights, both optimizers and the sampler; resuming repeats the very steps
that would have been made.
"""
import argparse
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

from data import balance
from model import Mini, Muon, TiedLoss, adam

SEED = 7
PLAN = {
    "decay_at": 9_000_000, "stop_at": 11_139_000,
    "rows": 16, "context": 256,                # until long_at; then half the rows, twice as long
    "long_at": 4_100_000,
    "sampled": 2048, "exact_at": 10_680_000,   # see TiedLoss; the whole vocabulary from exact_at on
    "muon_rate": 0.02, "table_rate": 0.003, "warmup": 100_000,
    "emphasis": {                              # factors on the balanced shares
        "lang-chinese": 1.9, "lang-japanese": 1.9, "css": 1.7, "http": 1.7, "lang-portuguese": 1.7,
        "mathematics": 1.7, "lang-italian": 1.6, "lang-korean": 1.6, "lang-arabic": 1.5, "lang-french": 1.5,
        "lang-german": 1.5, "lang-spanish": 1.5, "lang-russian": 1.4, "c-code": 1.0, "qa": 1.0,
        "swift-code": 1.0, "citations": 0.9, "facts": 0.9, "legal": 0.9, "html": 0.8, "json": 0.8,
        "python-code": 0.8, "markdown": 0.7, "recipes": 0.7, "stories": 0.6, "poetry": 0.55, "reviews": 0.55,
        "plays": 0.5, "speeches": 0.4},
}
GOLDEN = 0.6180339887498949
CHECKPOINT_SECONDS = 240


class Sampler:
    """Draws training windows; its whole state is one generator and a counter a domain.

    Every other window of a domain begins at a document, the next ones of a
    shuffled round; the others begin at golden-ratio offsets, which cover the
    text evenly. Documents stand in a shuffled order, so what follows a short
    one is another of the same domain.
    """

    def __init__(self, folder):
        self.summary = json.loads((folder / "summary.json").read_text())
        self.names = list(self.summary)
        self.tokens = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in self.names}
        self.starts = {n: np.load(folder / f"{n}.starts.npy") for n in self.names}
        self.count = dict.fromkeys(self.names, 0)
        self.rng = np.random.default_rng(SEED)

    def state(self):
        return {"count": dict(self.count), "rng": self.rng.bit_generator.state}

    def restore(self, state):
        self.count = dict(state["count"])
        self.rng.bit_generator.state = state["rng"]

    def offset(self, name, length):
        number, starts = self.count[name], self.starts[name]
        self.count[name] += 1
        last = len(self.tokens[name]) - length
        if number % 2:
            return int((number // 2 * GOLDEN + 0.5) % 1 * last)
        turn, place = divmod(number // 2, len(starts))
        order = np.random.default_rng([SEED, turn]).permutation(len(starts))
        return min(int(starts[order[place]]), last)

    def batch(self, shares, rows, context):
        # One uniform draw, then even steps: the rows of a batch spread over the domains.
        edges = np.cumsum([shares[n] for n in self.names])
        picks = np.searchsorted(edges / edges[-1], (np.arange(rows) + self.rng.random()) / rows)
        out = np.empty((rows, context + 1), dtype=np.int64)
        for row, pick in zip(out, picks):
            name = self.names[min(pick, len(self.names) - 1)]
            at = self.offset(name, context + 1)
            row[:] = self.tokens[name][at:at + context + 1]
        return torch.from_numpy(out)


def scale(plan, tokens):
    if tokens >= plan["decay_at"]:
        return max(0.0, (plan["stop_at"] - tokens) / (plan["stop_at"] - plan["decay_at"]))
    return min(1.0, (tokens + 1000) / plan["warmup"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=NUMBER")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)

    plan_file = args.state / "plan.json"
    plan = PLAN | (json.loads(plan_file.read_text()) if plan_file.exists() else {})
    plan |= {k: float(v) for k, v in (pair.split("=") for pair in args.set)}
    plan_file.write_text(json.dumps(plan, indent=1))

    sampler, model = Sampler(args.state / "encoded"), Mini()
    muon, others = Muon(model), adam(model)
    step = tokens = 0
    seconds = 0.0
    latest = args.state / "checkpoint.pt"

    if latest.exists():
        saved = torch.load(latest, weights_only=False)
        model.load_state_dict(saved["model"])
        muon.load_state_dict(saved["muon"])
        others.load_state_dict(saved["others"])
        sampler.restore(saved["sampler"])
        if "torch_rng" in saved:
            torch.set_rng_state(saved["torch_rng"])
        step, tokens, seconds = saved["step"], saved["tokens"], saved["seconds"]

    def save(path):
        torch.save({"model": model.state_dict(), "muon": muon.state_dict(),
                    "others": others.state_dict(), "sampler": sampler.state(), "step": step,
                    "tokens": tokens, "seconds": seconds, "torch_rng": torch.get_rng_state(), "plan": plan}, f"{path}.new")
        os.replace(f"{path}.new", path)

    asked = []                                 # SIGTERM: finish the step, save, leave
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    forward = torch.compile(model, dynamic=False) if args.compile else model
    mean, since, mark, saved_at = 0.0, 0, time.time(), time.time()
    while tokens < plan["stop_at"]:
        factor = scale(plan, tokens)
        long = tokens >= plan["long_at"]
        rows = int(plan["rows"]) // (2 if long else 1)
        context = int(plan["context"]) * (2 if long else 1)
        shares = {n: share * plan["emphasis"].get(n, 1.0) for n, share in
                  balance({n: s["bytes"] for n, s in sampler.summary.items()}).items()}
        ids = sampler.batch(shares, rows, context)

        states = forward(ids[:, :-1])
        loss = TiedLoss.apply(states.flatten(0, 1), model.wte.weight, ids[:, 1:].flatten(),
                              0 if tokens >= plan["exact_at"] else int(plan["sampled"]))
        loss.backward()
        muon.step(plan["muon_rate"] * factor)
        for group in others.param_groups:
            group["lr"] = plan["table_rate"] * factor
        others.step()
        model.zero_grad(set_to_none=True)

        step, since, mean = step + 1, since + rows * context, mean + loss.item()
        before, tokens = tokens, tokens + rows * context
        if step % 20 == 0:
            now = time.time()
            seconds += now - mark
            print(f"{time.strftime('%H:%M:%S')} step {step} tokens {tokens} loss {mean / 20:.4f} "
                  f"rate {factor:.3f} {since / (now - mark):.0f} tokens/s", flush=True)
            mean, since, mark = 0.0, 0, now
            plan = PLAN | json.loads(plan_file.read_text())
            if now - saved_at > CHECKPOINT_SECONDS:
                save(latest)
                saved_at = now
        if before < plan["decay_at"] <= tokens:
            save(args.state / "before-decay.pt")
        if asked:
            break
    save(latest)
    if tokens >= plan["stop_at"]:
        save(args.state / "final.pt")


if __name__ == "__main__":
    main()
