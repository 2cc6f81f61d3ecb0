"""Hugging Face's weights in the plain form: what the families' readers share."""
import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from .plain import MLP, Attention, Expert, Experts, Linear, Model, Norm, Rotary


def activation(name):
    return transformers.activations.ACT2FN[name]


class Reader:
    """One model's tensors by name."""

    def __init__(self, model):
        self.model, self.c = model, model.config
        self.s = {k: v.double() for k, v in model.state_dict().items()}

    def linear(self, name, rows=None, bias=True):
        """A linear layer, or those of its outputs."""
        if name + ".weight" not in self.s:
            return None
        w, b = self.s[name + ".weight"], self.s.get(name + ".bias", 0) if bias else 0
        if rows is not None:
            rows = rows.flatten()
            w, b = w[rows], b[rows] if torch.is_tensor(b) else b
        return Linear(w, b, name, rows)

    def conv(self, name, rows=None):
        """GPT-2's transposed layer."""
        w, b = self.s[name + ".weight"].T, self.s[name + ".bias"]
        return Linear(w, b, name) if rows is None else Linear(w[rows], b[rows], name, rows)

    def norm(self, name, eps, kind="rms", one=False):
        if name + ".weight" not in self.s:
            return None
        return Norm(self.s[name + ".weight"] + (1 if one else 0), self.s.get(name + ".bias"), eps, kind, name)

    def rotary(self, module, layer_type=None, pairs="halves", first=0, config=None):
        """Hugging Face's own inverse frequencies, as its module would choose them for a document of that length."""
        prefix = "" if layer_type is None else layer_type + "_"
        kind = module.rope_type if layer_type is None else module.rope_type[layer_type]
        own = getattr(module, prefix + "original_inv_freq").double()
        factor = getattr(module, prefix + "attention_scaling")
        config = config or self.c

        def frequencies(T):
            rope = config.rope_parameters if layer_type is None else config.rope_parameters[layer_type]
            if kind == "dynamic" and T > config.max_position_embeddings:
                found = ROPE_INIT_FUNCTIONS[kind](config, seq_len=torch.tensor(T), layer_type=layer_type)[0]
            elif kind == "longrope" and T > rope["original_max_position_embeddings"]:
                found = ROPE_INIT_FUNCTIONS[kind](config, seq_len=T, layer_type=layer_type)[0]
            else:
                return own, factor
            return found.double(), factor

        return Rotary(frequencies, pairs, first)

    def gated(self, name, act, names=("gate_proj", "up_proj", "down_proj")):
        gate, up, out = (self.linear(f"{name}.{n}") for n in names)
        return MLP(act, up, out, gate)

    def fused_gated(self, name, act, width):
        rows = torch.arange(2 * width).view(2, width)
        return MLP(act, self.linear(f"{name}.gate_up_proj", rows[1]), self.linear(f"{name}.down_proj"),
                   self.linear(f"{name}.gate_up_proj", rows[0]))

    def experts(self, name, router, choose, act, product=None, **more):
        """Experts whose gates and ups are stacked: [experts, 2 width, d_model]."""
        up, down = self.s[f"{name}.gate_up_proj"], self.s[f"{name}.down_proj"]
        width = up.shape[1] // 2
        each = [Expert(Linear(u[:width]), Linear(u[width:]), Linear(d)) for u, d in zip(up, down)]
        return Experts(self.linear(router), each, choose, product or (lambda gate, up: act(gate) * up), name, **more)


def softmax_choice(k, normalized, factor=1):
    """The largest of a softmax over all."""
    def choose(logits):
        weights, indices = logits.softmax(-1).topk(k, -1)
        if normalized:
            weights = weights / weights.sum(-1, keepdim=True)
        return indices, weights * factor
    return choose


def width(c):
    return getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads


def windows(c):
    """The window of each layer, by its type."""
    return [c.sliding_window if t == "sliding_attention" else None for t in c.layer_types]


def decoder(r, eps, block, c=None, base="model.", head="lm_head", kind="rms", one=False, norm="norm", **more):
    """A model of Llama's outer form."""
    c = c or r.c
    m = Model(embed=r.s[f"{base}embed_tokens.weight"], final_norm=r.norm(base + norm, eps, kind, one),
              unembed=r.linear(head), **more)
    m.blocks = [block(i, f"{base}layers.{i}.") for i in range(c.num_hidden_layers)]
    return m


def attention(r, h, c=None, out="o_proj", eps=None, kind="rms", one=False, norms=None, **more):
    """Llama's attention, with what the family adds."""
    c = c or r.c
    d = width(c)
    named = {}
    if norms is not None:  # The name of q's.
        named = {n + "_norm": r.norm(f"{h}self_attn.{n}{norms[1:]}", eps, kind, one) for n in "qk"}
    heads = c.num_attention_heads
    options = dict(heads=heads, kv_heads=getattr(c, "num_key_value_heads", heads), scale=d ** -0.5,
                   o=r.linear(f"{h}self_attn.{out}"), **named, **{n: r.linear(f"{h}self_attn.{n}_proj") for n in "qkv"})
    return Attention(**(options | more))
