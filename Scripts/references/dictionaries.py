"""What SAELens, sparsify and PyTorch make of small dictionaries, for the tests of Dictionaries.

    pip install sae-lens==6.54.12 eai-sparsify==1.3.3 torch==2.13.0 transformers==5.23.0
    python Scripts/references/dictionaries.py Tests/DictionariesTests/Fixtures

Writes one folder for each dictionary, as its library saves it, with `expected.safetensors` beside it: activations `x`,
latents `acts` and output `out` as the library computes them from its own files, read again. Then `evaluation.json`: the
measures of one of them, computed here in double precision; and `tiny-gpt2`, a random model, with the losses and
divergences of running it with a dictionary spliced in.

    python Scripts/references/dictionaries.py --check FOLDER

reads what `unfold sae export` has written (`FOLDER/NAME` for each fixture's NAME) and prints the largest differences.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

D, F, OUT, ROWS = 8, 24, 5, 40


def weights(generator, d_out=D):
    def normal(*shape, scale=1.0):
        return torch.randn(*shape, generator=generator) * scale

    return {
        "W_enc": normal(D, F, scale=D**-0.5),
        "b_enc": normal(F, scale=0.2),
        "W_dec": normal(F, d_out, scale=d_out**-0.5) * (0.5 + torch.rand(F, 1, generator=generator)),
        "b_dec": normal(d_out, scale=0.3),
        "threshold": torch.rand(F, generator=generator) * 0.6 - 0.05,
        "b_gate": normal(F, scale=0.3),
        "b_mag": normal(F, scale=0.3),
        "r_mag": normal(F, scale=0.3),
        "W_skip": normal(d_out, D, scale=0.3),
    }


META = {"hook_name": "blocks.1.hook_resid_post", "model_name": "tiny", "context_size": 64, "prepend_bos": True}
SAELENS = {
    "standard": dict(architecture="standard"),
    "standard-plain-input": dict(architecture="standard", apply_b_dec_to_input=False),
    "topk": dict(architecture="topk", k=4),
    "topk-rescaled": dict(architecture="topk", k=4, rescale_acts_by_decoder_norm=True),
    "jumprelu": dict(architecture="jumprelu"),
    "gated": dict(architecture="gated"),
    "constant-norm": dict(architecture="standard", normalize_activations="constant_norm_rescale"),
    "layer-norm": dict(architecture="topk", k=5, normalize_activations="layer_norm"),
    "hook-z": dict(architecture="standard", reshape_activations="hook_z"),
    "transcoder": dict(architecture="transcoder", d_out=OUT),
    "transcoder-constant-norm": dict(
        architecture="transcoder", d_out=OUT, normalize_activations="constant_norm_rescale"),
    "skip-transcoder": dict(architecture="skip_transcoder", d_out=OUT),
    "jumprelu-transcoder": dict(architecture="jumprelu_transcoder", d_out=OUT),
    "jumprelu-skip-transcoder": dict(architecture="jumprelu_skip_transcoder", d_out=OUT),
}


def saelens_outputs(sae, x):
    import einops

    hook_z = sae.cfg.reshape_activations == "hook_z"
    given = einops.rearrange(x, "n (h d) -> n h d", h=2) if hook_z else x
    if hook_z:
        sae.turn_on_forward_pass_hook_z_reshaping()
    with torch.no_grad():
        acts = sae.encode(given)
        out = sae(given)
    return acts, out.reshape(len(x), -1)


def write_expected(folder, x, acts, out):
    save_file(
        {"x": x.contiguous(), "acts": acts.float().contiguous(), "out": out.float().contiguous()},
        folder / "expected.safetensors")


def saelens(root, x):
    from sae_lens import SAE

    for number, (name, options) in enumerate(SAELENS.items()):
        generator = torch.Generator().manual_seed(number)
        is_transcoder = "transcoder" in options["architecture"]
        config = dict(
            d_in=D, d_sae=F, dtype="float32", device="cpu",
            apply_b_dec_to_input=not is_transcoder, metadata={"sae_lens_version": "6.54.12", **META}) | options
        if name == "hook-z":
            config["metadata"] = config["metadata"] | {"hook_name": "blocks.1.attn.hook_z"}
        if is_transcoder:
            config["metadata"] = config["metadata"] | {
                "hook_name": "blocks.1.mlp.hook_in", "hook_name_out": "blocks.1.hook_mlp_out"}
        sae = SAE.from_dict(config)
        values = weights(generator, options.get("d_out", D))
        state = {key: values[key] for key in sae.state_dict()}
        sae.load_state_dict(state)
        folder = root / f"saelens-{name}"
        sae.save_model(folder)
        write_expected(folder, x, *saelens_outputs(SAE.load_from_disk(folder), x))


def saelens_trained(root, x):
    """BatchTopK and Matryoshka as training ends: saved for inference."""
    from sae_lens import SAE
    from sae_lens.registry import get_sae_training_class

    for number, name in enumerate(["batchtopk", "matryoshka_batchtopk"]):
        generator = torch.Generator().manual_seed(100 + number)
        sae_class, config_class = get_sae_training_class(name)
        options = {"matryoshka_widths": [6, 12]} if name.startswith("matryoshka") else {}
        config = config_class(d_in=D, d_sae=F, k=4, rescale_acts_by_decoder_norm=True, **options)
        for key, value in META.items():
            config.metadata[key] = value
        sae = sae_class(config)
        values = weights(generator)
        with torch.no_grad():
            for key in ["W_enc", "b_enc", "W_dec", "b_dec"]:
                getattr(sae, key).copy_(values[key])
            sae.topk_threshold.fill_(0.35)
        folder = root / f"saelens-{name.split('_')[0]}"
        sae.save_inference_model(folder)
        write_expected(folder, x, *saelens_outputs(SAE.load_from_disk(folder), x))


def saelens_flat(root, x):
    """The flat form of versions before 6."""
    from sae_lens import SAE

    forms = {
        "flat-standard": dict(
            hook_point="blocks.1.hook_resid_post", hook_point_head_index=None, normalize_activations=False),
        "flat-topk": dict(
            architecture="standard", hook_name="blocks.1.hook_resid_post", activation_fn_str="topk",
            activation_fn_kwargs={"k": 4}, normalize_activations="none"),
        "flat-jumprelu": dict(
            architecture="jumprelu", hook_name="blocks.1.hook_resid_post", activation_fn="relu",
            apply_b_dec_to_input=False, normalize_activations="layer_norm"),
    }
    for number, (name, options) in enumerate(forms.items()):
        values = weights(torch.Generator().manual_seed(200 + number))
        names = ["W_enc", "b_enc", "W_dec", "b_dec"] + (["threshold"] if "jumprelu" in name else [])
        folder = root / f"saelens-{name}"
        folder.mkdir()
        save_file({key: values[key] for key in names}, folder / "sae_weights.safetensors")
        config = dict(
            model_name="tiny", d_in=D, d_sae=F, dtype="torch.float32", context_size=64, prepend_bos=True,
            finetuning_scaling_factor=False, dataset_path="none") | options
        (folder / "cfg.json").write_text(json.dumps(config))
        write_expected(folder, x, *saelens_outputs(SAE.load_from_disk(folder), x))


def sparsify_outputs(coder, x):
    with torch.no_grad():
        top, indices, _ = coder.encode(x.to(coder.dtype))
        acts = torch.zeros(len(x), coder.num_latents, dtype=top.dtype).scatter_(-1, indices, top)
        out = coder(x.to(coder.dtype)).sae_out
    return acts, out


def sparsify(root, x):
    from sparsify import SparseCoder
    from sparsify.config import SparseCoderConfig

    forms = {
        "layers.1": (dict(k=4, num_latents=F), torch.float32),
        "layers.1.mlp": (dict(k=4, num_latents=F, transcode=True, skip_connection=True), torch.float32),
        "layers.2": (dict(k=4, expansion_factor=3, num_latents=0), torch.bfloat16),
    }
    for number, (name, (options, dtype)) in enumerate(forms.items()):
        values = weights(torch.Generator().manual_seed(300 + number))
        coder = SparseCoder(D, SparseCoderConfig(**options), dtype=dtype)
        with torch.no_grad():
            coder.encoder.weight.copy_(values["W_enc"].T)
            coder.encoder.bias.copy_(values["b_enc"])
            coder.W_dec.copy_(values["W_dec"])
            coder.b_dec.copy_(values["b_dec"])
            if coder.W_skip is not None:
                coder.W_skip.copy_(values["W_skip"])
        folder = root / "sparsify" / name
        coder.save_to_disk(folder)
        # In float32, from the numbers in the file: what bfloat16 arithmetic adds is no property of the file.
        write_expected(folder, x, *sparsify_outputs(SparseCoder.load_from_disk(folder).float(), x))


def evaluation(root, x):
    """The measures of docs/dictionaries.md, from the definitions, in double precision."""
    folder = root / "saelens-topk"
    expected = load_file(folder / "expected.safetensors")
    acts, out, x = expected["acts"].double(), expected["out"].double(), x.double()
    w = load_file(folder / "sae_weights.safetensors")["W_dec"].double()
    unit = w / w.norm(dim=1, keepdim=True)
    cosines = unit @ unit.T - 2 * torch.eye(F, dtype=torch.float64)
    density = (acts > 0).double().mean(0)
    fvu = ((x - out) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
    return {
        "l0": (acts > 0).sum(1).double().mean().item(),
        "l1": acts.sum(1).mean().item(),
        "fvu": fvu.item(),
        "explainedVariance": 1 - fvu.item(),
        "meanSquaredError": ((x - out) ** 2).mean().item(),
        "cosine": torch.nn.functional.cosine_similarity(x, out, dim=1).mean().item(),
        "normRatio": (out.norm(dim=1) / x.norm(dim=1)).mean().item(),
        "density": density.tolist(),
        "dead": int((density == 0).sum()),
        "meanNearestCosine": cosines.max(1).values.mean().item(),
    }


def splice(root):
    """A random GPT-2 with dictionaries at a residual site, its neurons and, as a transcoder, around its MLP."""
    from sae_lens import SAE
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(5)
    config = GPT2Config(vocab_size=40, n_positions=32, n_embd=D, n_layer=2, n_head=2, n_inner=16)
    model = GPT2LMHeadModel(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((parameter + 0.35 * torch.randn_like(parameter)).float().double())
    folder = root / "tiny-gpt2"
    model.float().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model.double()
    lengths = [9, 4, 14]
    ids = torch.randint(0, 40, (sum(lengths),), generator=torch.Generator().manual_seed(6))
    documents = list(torch.split(ids, lengths))

    def run(place=None, edit=None):
        handles = []
        if place is not None:
            handles = [place(edit)]
        logits = []
        with torch.no_grad():
            for document in documents:
                logits.append(model(document[None]).logits[0])
        for handle in handles:
            handle.remove()
        return logits

    def residual(edit):
        def hook(module, inputs, output):
            hidden = output[0] if isinstance(output, tuple) else output
            edited = edit(hidden[0])[None]
            return (edited, *output[1:]) if isinstance(output, tuple) else edited

        return model.transformer.h[0].register_forward_hook(hook)

    def mlp(edit):
        return model.transformer.h[0].mlp.register_forward_hook(
            lambda module, inputs, output: edit(inputs[0][0], output[0])[None])

    def measures(place, splice, take):
        seen = []
        clean = run(place, lambda *values: (seen.append(take(*values)), take(*values))[1])
        mean = torch.cat(seen).mean(0)
        others = {
            "spliced": run(place, splice),
            "zero": run(place, lambda *values: torch.zeros_like(take(*values))),
            "mean": run(place, lambda *values: mean.expand_as(take(*values))),
        }

        def cross_entropy(logits):
            total = sum(
                torch.nn.functional.cross_entropy(l[:-1], d[1:], reduction="sum") for l, d in zip(logits, documents))
            return (total / sum(n - 1 for n in lengths)).item()

        def divergence(logits):
            total = sum(
                (a.log_softmax(-1).exp() * (a.log_softmax(-1) - b.log_softmax(-1))).sum()
                for a, b in zip(clean, logits))
            return (total / sum(lengths)).item()

        result = {"cleanLoss": cross_entropy(clean)}
        for name, logits in others.items():
            result[f"{name}Loss"] = cross_entropy(logits)
            result[f"{name}Divergence"] = divergence(logits)
        return result

    autoencoder = SAE.load_from_disk(root / "saelens-jumprelu").double()
    autoencoder.cfg.dtype = "float64"
    autoencoder.dtype = torch.float64
    coder_folder = root / "sparsify" / "layers.1.mlp"
    from sparsify import SparseCoder

    coder = SparseCoder.load_from_disk(coder_folder).double()
    return {
        "ids": ids.tolist(),
        "lengths": lengths,
        "residual": measures(residual, lambda x: autoencoder(x), lambda x: x),
        "transcoder": measures(mlp, lambda x, y: coder(x).sae_out, lambda x, y: y),
    }


def absorption():
    """SAEBench's two absorption measures of single words, from their definitions."""
    generator = torch.Generator().manual_seed(9)
    cases = []
    for _ in range(60):
        acts = torch.rand(12, generator=generator) * (torch.rand(12, generator=generator) < 0.4) * 2
        cosines = torch.rand(12, generator=generator) * 1.2 - 0.3
        main = torch.randperm(12, generator=generator)[:2].tolist()
        projection = (acts @ cosines).item() * (0.6 + torch.rand(1, generator=generator).item())
        parts = acts * cosines
        own = parts[main].sum().item()
        others = [i for i in range(12) if i not in main]
        absorbers = sorted((parts[i].item() for i in others if cosines[i] >= 0.1 and parts[i] > 0), reverse=True)[:3]
        taken = sum(absorbers)
        if own >= projection or taken / projection < 0.4:
            fraction = 0.0
        elif own <= 0:
            fraction = 1.0
        else:
            part = min(taken, projection - own)
            fraction = min(max(part / (part + own), 0.0), 1.0)
        top = int(parts.argmax())
        full = bool(
            (acts[main] == 0).all() and projection >= 0 and cosines[top] >= 0.025
            and parts[top].item() / projection >= 0.4)
        cases.append({
            "acts": acts.tolist(), "cosines": cosines.tolist(), "main": main, "projection": projection,
            "fraction": fraction, "full": full})
    return cases


def check(root, exported):
    from sae_lens import SAE
    from sparsify import SparseCoder

    for folder in sorted(p for p in Path(exported).iterdir() if (p / "cfg.json").exists()):
        source = root / folder.name if (root / folder.name).exists() else root / "sparsify" / folder.name
        expected = load_file(source / "expected.safetensors")
        if (folder / "sae.safetensors").exists():
            acts, out = sparsify_outputs(SparseCoder.load_from_disk(folder).float(), expected["x"])
        else:
            acts, out = saelens_outputs(SAE.load_from_disk(folder), expected["x"])
        print(
            f"{folder.name:32} out {((out - expected['out']).abs().max() / expected['out'].abs().max()).item():.1e}")


def main():
    if sys.argv[1] == "--check":
        check(Path(__file__).parents[2] / "Tests/DictionariesTests/Fixtures", sys.argv[2])
        return
    root = Path(sys.argv[1])
    for old in [*root.glob("saelens-*"), root / "sparsify", root / "tiny-gpt2"]:
        shutil.rmtree(old, ignore_errors=True)
    # Rows far from zero, as activations are: a mean, and columns of different scale.
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(ROWS, D, generator=generator) * torch.linspace(0.5, 3, D) + torch.randn(D, generator=generator)
    saelens(root, x)
    saelens_trained(root, x)
    saelens_flat(root, x)
    sparsify(root, x)
    record = {"evaluation": evaluation(root, x), "splice": splice(root), "absorption": absorption()}
    (root / "dictionaries.json").write_text(json.dumps(record))


main()
