"""One case: random weights, the model's folder, and what its sites must hold."""
import copy, json, math, pathlib, shutil

import torch
from safetensors.torch import load_file, save_file

from .check import check, extra, read

OUT = pathlib.Path(__file__).parents[3] / "Tests/TransformerTests/Fixtures"
LENGTHS = [1, 5, 160, 2, 13]
FORMER = [1, 5, 40, 2, 13]  # Of the first cases.
FIFTH = 4  # The token of the last document that is edited.
UNTOLD = (
    "architectures", "_sliding_window_pattern", "_attn_implementation", "transformers_version", "dtype",
    "initializer_range", "use_cache", "summary_type", "summary_use_proj", "summary_activation",
    "summary_proj_to_labels", "summary_first_dropout")


def randomize(model, generator, former):
    plus_one = model.config.model_type.startswith("gemma")
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim == 2 and not ("norm" in name and not former):
                fan = p.shape[1]
                if former and ("c_" in name and "attn" in name or "mlp.c_" in name):
                    fan = p.shape[0]
                embeds = ("embed" in name and "embed_out" not in name) or ".wte" in name or ".wpe" in name
                p.copy_(noise * (0.5 if embeds else fan ** -0.5))
            elif p.ndim > 2:
                # Gates and ups of gpt-oss are wide enough to be clamped.
                wide = "gate_up_proj" in name and model.config.model_type == "gpt_oss"
                p.copy_(noise * (4 * p.shape[1] ** -0.5 if wide else p.shape[-1] ** -0.5))
            elif "norm" in name.lower() or ".ln_" in name:
                one = 0 if plus_one and "vision" not in name else 1
                p.copy_(one + 0.3 * noise if name.endswith("weight") else 0.3 * noise)
            elif name.endswith("sinks"):
                p.copy_(noise)
            else:
                p.copy_(0.3 * noise)
        for name, b in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                b.copy_(0.2 * torch.randn(b.shape, generator=generator))


def rounded(model, dtype):
    """Every parameter as the file will hold it, and what Hugging Face rounds to the parameters' type."""
    for p in model.parameters():
        p.data = p.data.to(dtype).double()
    for name, b in model.named_buffers():
        if name.endswith(("e_score_correction_bias", "embed_scale")):
            b.copy_(b.to(dtype).double())


def bfloat16_error(model, m, documents, types):
    """Parameters and activations in bfloat16, rotary frequencies as they are: what from_pretrained(dtype=…) gives."""
    exact, lowered = [], []
    half = copy.deepcopy(model)
    for p in half.parameters():
        p.data = p.data.bfloat16()
    for b in half.buffers():
        b.data = b.data.float() if b.is_floating_point() else b.data
    torch.set_default_dtype(torch.float32)
    for ids, t in zip(documents, types):
        for one, out in ((model, exact), (half, lowered)):
            with torch.no_grad():
                result = one(ids[None], **extra(model, m, t))
            out.append((result.logits if hasattr(result, "logits") else result.last_hidden_state)[0].double())
    torch.set_default_dtype(torch.float64)
    exact, lowered = torch.cat(exact), torch.cat(lowered)
    return ((lowered - exact).pow(2).mean() / exact.pow(2).mean()).sqrt()


def plain_experts(model):
    if model._can_set_experts_implementation():
        model.set_experts_implementation("eager")


def write(name, folder, model, dtype, rename, config):
    shutil.rmtree(folder, ignore_errors=True)
    # A copy: rotary frequencies would be rounded too.
    copy.deepcopy(model).to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tensors = load_file(folder / "model.safetensors")
    if rename:
        tensors = {rename(k): v for k, v in tensors.items() if rename(k)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    kept = json.loads((folder / "config.json").read_text())
    for part in [kept] + [v for v in kept.values() if isinstance(v, dict)]:
        for key in UNTOLD:
            part.pop(key, None)
    if config:
        config(kept)
    (folder / "config.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def read_back(folder, model, dtype, ids, **kwargs):
    """The folder as written is the model: Hugging Face reads it and says the same."""
    again = type(model).from_pretrained(
        folder, attn_implementation=model.config._attn_implementation, dtype=torch.float64).eval()
    plain_experts(again)
    rounded(again, dtype)
    with torch.no_grad():
        a, b = (one(ids[None], **kwargs)[0] for one in (model, again))
    error = (a - b).abs().max() / a.abs().max()
    assert error < 1e-6, f"{folder.name}: read back, it differs by {error}"


def judged(model, ids, documents):
    """The loss of each document, and what Hugging Face says after the last one."""
    losses = []
    with torch.no_grad():
        for d in documents:
            losses.append(float(model(ids[d][None], labels=ids[d][None]).loss) if len(ids[d]) > 1 else 0)
        text = ids[documents[-1]]
        prompt = text
        for _ in range(12):
            best = model(text[None]).logits[0, -1].topk(2)
            if best.values[0] - best.values[1] < 1e-3:
                print("  a close call:", best.values.tolist())
            text = torch.cat([text, best.indices[:1]])
        model.generation_config.eos_token_id = None
        said = model.generate(prompt[None], attention_mask=torch.ones_like(prompt)[None], max_new_tokens=12,
                              do_sample=False, pad_token_id=0)[0]
    assert torch.equal(said, text), f"generate says {said[len(prompt):]}, the whole text again {text[len(prompt):]}"
    return torch.tensor(losses).float(), text[len(prompt):].int()


def parameters(model):
    """Hugging Face's count; of a model that also sees, the text's."""
    if hasattr(model.config, "text_config"):
        parts = list(model.model.language_model.parameters()) + list(model.lm_head.parameters())
        return sum({id(p): p.numel() for p in parts}.values())
    return sum(p.numel() for p in model.parameters())


def edits(m, ids, types, sites, position, name):
    """The last values with an edit at each site."""
    plain = m.run(ids, types, lambda s, v: v)
    found = {}
    for site in sites:
        here = {}

        def edit(s, v):
            if s != site:
                return v
            v = v.clone()
            row = v[position]
            here["routed"] = bool((row != 0).any())
            if site.endswith("hook_expert_indices"):
                v[position] = row.flip(0)
            else:
                v[position] = 1.5 * row + 0.2 * (torch.arange(row.numel()) % 3).view(row.shape)
            return v
        edited = m.run(ids, types, edit)
        if ".experts." in site and not here["routed"]:
            continue
        if not site.startswith("ln_final") or m.unembed is not None:
            least = 1e-3 if len(m.blocks) == 2 else 1e-4
            assert (edited - plain).abs().max() > least * plain.abs().max(), f"{name}: editing {site} changes nothing"
        found[f"edit/{site}"] = edited[[position, -1]].float()
    return found


def case(name, model, dtype=torch.float32, rename=None, config=None, former=False, ids_below=None):
    lengths = FORMER if former else LENGTHS
    generator = torch.Generator().manual_seed(len(name) * 1000 + sum(map(ord, name)))
    model = model.double().eval()
    plain_experts(model)
    randomize(model, generator, former)
    rounded(model, dtype)
    folder = OUT / name
    write(name, folder, model, dtype, rename, config)

    c = getattr(model.config, "text_config", model.config)
    m = read(model)
    n = sum(lengths)
    ids = torch.randint(0, ids_below or c.vocab_size, (n,), generator=generator)
    if "roberta" in c.model_type:  # Padding has no place in a document.
        ids[ids == c.pad_token_id] = c.pad_token_id + 1
    types = torch.zeros(n).long()
    if getattr(c, "type_vocab_size", 1) > 1:
        types = torch.randint(0, 2, (n,), generator=generator)
    starts = [sum(lengths[:d]) for d in range(len(lengths))]
    edited = starts[-1] + FIFTH
    rows = [0, 45 if former else 156, edited]
    documents = [slice(a, a + l) for a, l in zip(starts, lengths)]
    for d in documents:
        shown = check(model, m, ids[d], types[d])
    if not former:
        d = documents[2]
        read_back(folder, model, dtype, ids[d], **extra(model, m, types[d]))
    sites, longest = {}, max(lengths)

    def at(site, value):
        if site.startswith("~"):
            return value
        kept = value
        if site.endswith("hook_attn_scores"):
            kept = kept.masked_fill(kept == -math.inf, -1e30)
        if site.endswith(("hook_attn_scores", "hook_pattern")):
            kept = torch.nn.functional.pad(kept, (0, longest - kept.shape[-1]))
        sites.setdefault(site, []).append(kept)
        return value

    for d in documents:
        m.run(ids[d], types[d], at)
    out = {f"site/{s}": torch.cat(v)[rows].float() for s, v in sites.items()}
    last = documents[-1]
    out |= edits(m, ids[last], types[last], sites, FIFTH, name)
    out |= dict(ids=ids.int(), types=types.int(), lengths=torch.tensor(lengths).int(), rows=torch.tensor(rows).int(),
                edited=torch.tensor([edited]).int(),
                bfloat16=bfloat16_error(model, m, [ids[d] for d in documents], [types[d] for d in documents]).float())
    if not former:
        if m.blocks[0].attention.causal:
            out["loss"], out["greedy"] = judged(model, ids, documents)
        out["parameters"] = torch.tensor([parameters(model)])
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: {len(sites)} sites, {shown} held against Hugging Face, {size / 1000:.0f} kB", flush=True)
