"""The plain implementation held against Hugging Face: the input and output of every module it stands for, and more."""
import torch

from . import expert, rotating, unlike
from .plain import Rotary
from .weights import Reader

READERS = rotating.READERS | unlike.READERS | expert.READERS


def read(model):
    """Hugging Face's model in the plain form."""
    return READERS[model.config.model_type](Reader(model))


def extra(model, m, types):
    """What a call gets beside the tokens."""
    return dict(token_type_ids=types[None]) if m.types is not None else {}


def first(value):
    return (value[0] if isinstance(value, tuple) else value).detach().clone()


def relative(mine, value):
    """The largest difference over the largest value; heads may stand before tokens."""
    errors = []
    if mine.shape == value.squeeze(0).shape or mine.numel() == value.numel():
        errors.append((mine.reshape(value.shape) - value).abs().max())
    if value.ndim == 4 and mine.numel() == value.numel():
        turned = value.transpose(1, 2)
        errors.append((mine.reshape(turned.shape) - turned).abs().max())
    return min(errors) / value.abs().max()


def shown(model, ids, names, **kwargs):
    """What Hugging Face shows of one document, under the plain implementation's names."""
    found, handles = {}, []

    def keep(name, rows):
        def hook(module, args, given, output):
            source = (args[0] if args else given["hidden_states"]) if name.endswith(".in") else output
            value = first(source)
            found[name] = value if rows is None else value[..., rows]
        return hook

    def table(name):
        def hook(module, args, given, output):
            indices, weights = (list(args) + list(given.values()))[1:3]
            count = module.num_experts
            found[name] = torch.zeros(len(indices), count).scatter(1, indices, weights.double())
        return hook

    modules = dict(model.named_modules())
    for name in names:
        module, _, end = name[1:].rpartition(".")
        end, _, rows = end.partition("@")
        if end == "table":
            hook = table(name)
        else:
            hook = keep(name, torch.tensor([int(row) for row in rows.split(",")]) if rows else None)
        handles.append(modules[module].register_forward_hook(hook, with_kwargs=True))
    with torch.no_grad():
        # Other implementations than the plain one hide the pattern.
        eager = model.config._attn_implementation == "eager"
        out = model(ids[None], output_hidden_states=True, output_attentions=eager, **kwargs)
    for handle in handles:
        handle.remove()
    return out, found


def check(model, m, ids, types):
    """Holds all that Hugging Face shows; how many values that are."""
    mine = {}

    def at(name, value):
        mine[name] = value
        return value

    rotaries = {id(b.attention.rotary): b.attention.rotary for b in m.blocks if b.attention.rotary is not None}
    for rotary in rotaries.values():
        rotary.rounded = not m.exact
    mine["end"] = m.run(ids, types, at)
    for rotary in rotaries.values():
        rotary.rounded = False
    out, found = shown(model, ids, [name for name in mine if name.startswith("~")], **extra(model, m, types))
    for i in range(len(m.blocks)):
        found[f"blocks.{i}.hook_resid_pre"] = out.hidden_states[i]
        if model.config._attn_implementation == "eager":
            found[f"blocks.{i}.attn.hook_pattern"] = out.attentions[i].transpose(1, 2)
    found["end"] = out.logits if hasattr(out, "logits") and m.unembed is not None else out.last_hidden_state
    for name in mine:
        assert not name.startswith("~") or name in found, f"{model.config.model_type} {name}: never called"
    for name, value in found.items():
        error = relative(mine[name], value)
        # Norms, softmax and rotation are computed in float32 whatever the model's type, in most families.
        assert error < (1e-9 if m.exact else 5e-6), f"{model.config.model_type} {name}: {error}"
    return len(found)
