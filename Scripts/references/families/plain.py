"""The plain implementation: one document through one description of a model, in float64.

Every value goes through `at(name, value)`, which may return another. Names that begin with ~ are no sites: they are the
inputs and outputs of Hugging Face's modules, which the check holds against them.
"""
import math
from dataclasses import dataclass, field
from typing import Callable

import torch


@dataclass
class Linear:
    weight: torch.Tensor  # [out, in]
    bias: torch.Tensor | float = 0
    module: str | None = None  # Hugging Face's module, and the outputs of it that these are
    rows: torch.Tensor | None = None

    def __call__(self, x, at):
        y = x @ self.weight.T + self.bias
        if self.module is not None:
            at(f"~{self.module}.in", x)
            at(f"~{self.module}.out" + ("" if self.rows is None else "@" + ",".join(map(str, self.rows.tolist()))), y)
        return y


@dataclass
class Norm:
    weight: torch.Tensor | float
    bias: torch.Tensor | None
    eps: float
    kind: str  # layer or rms
    module: str | None = None

    def __call__(self, x, at, prefix):
        if self.module is not None:
            at(f"~{self.module}.in", x)
        if self.kind == "layer":
            x = x - x.mean(-1, keepdim=True)
        scale = at(prefix + "hook_scale", (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt())
        x = at(prefix + "hook_normalized", x / scale)
        x = x * self.weight + (0 if self.bias is None else self.bias)
        if self.module is not None:
            at(f"~{self.module}.out", x)
        return x


@dataclass
class Rotary:
    # The length of a document -> inverse frequencies, and the factor of cosine and sine.
    frequencies: Callable[[int], tuple[torch.Tensor, float]]
    # halves: i with i + r/2. neighbours: 2 i with 2 i + 1. unzipped: neighbours, which come out as halves.
    pairs: str = "halves"
    first: int = 0  # The elements of a head before it are not rotated; nor those after the last frequency's pair.
    rounded: bool = False  # Angles as Hugging Face rounds them, for the check.

    def __call__(self, x):  # [T, heads, d_head]
        frequencies, factor = self.frequencies(x.shape[0])
        half = frequencies.shape[0]
        if self.rounded:
            angle = (torch.arange(x.shape[0]).float()[:, None] * frequencies.float()[None]).double()
        else:
            angle = torch.arange(x.shape[0])[:, None].double() * frequencies.double()[None]  # [T, half]
        cos, sin = factor * angle.cos()[:, None], factor * angle.sin()[:, None]
        before, x, after = x.split([self.first, 2 * half, x.shape[-1] - self.first - 2 * half], -1)
        a, b = (x[..., :half], x[..., half:]) if self.pairs == "halves" else (x[..., 0::2], x[..., 1::2])
        a, b = a * cos - b * sin, b * cos + a * sin
        x = torch.stack([a, b], -1).flatten(-2) if self.pairs == "neighbours" else torch.cat([a, b], -1)
        return torch.cat([before, x, after], -1)


@dataclass
class Attention:
    heads: int
    kv_heads: int
    o: Linear
    scale: float
    q: Linear | None = None
    k: Linear | None = None
    v: Linear | None = None
    causal: bool = True
    window: int | None = None
    rotary: Rotary | None = None
    q_norm: Norm | None = None
    k_norm: Norm | None = None
    norm_width: str = "head"  # or whole
    clip: float | None = None
    soft_cap: float | None = None
    sinks: torch.Tensor | None = None
    # The length of a document -> [heads, T], added to the scores by key.
    alibi: Callable[[int], torch.Tensor] | None = None
    # Latent attention: down and up, with the norm between; the last `shared` outputs of kv_down are every head's
    # rotary key. k and v are parts of kv_up.
    q_down: Linear | None = None
    q_latent_norm: Norm | None = None
    kv_down: Linear | None = None
    kv_latent_norm: Norm | None = None
    kv_up: Linear | None = None
    shared: int = 0

    def normed(self, norm, x, site, name):
        if norm is None:
            return x
        shape = x.shape
        if self.norm_width == "whole":
            x = x.flatten(1)
        return norm(x, site, f"attn.{name}.").view(shape)

    def latents(self, h, site):
        quiet = lambda name, value: site(name, value) if name.startswith("~") else value
        q = h
        if self.q_down is not None:
            q = site("attn.hook_q_latent", self.q_latent_norm(self.q_down(h, site), quiet, ""))
        down = self.kv_down(h, site)
        latent, shared = down.split([down.shape[-1] - self.shared, self.shared], -1)
        latent = site("attn.hook_kv_latent", self.kv_latent_norm(latent, quiet, ""))
        up = self.kv_up(latent, site).view(len(h), self.heads, -1)
        v_head = self.o.weight.shape[1] // self.heads
        k, v = up.split([up.shape[-1] - v_head, v_head], -1)
        k = torch.cat([k, shared[:, None].expand(-1, self.heads, -1)], -1)
        return q, k, v

    def __call__(self, h, site):
        T = len(h)
        split = lambda x, heads: x.view(T, heads, -1)
        if self.kv_down is not None:
            x, k, v = self.latents(h, site)
            q = site("attn.hook_q", split(self.q(x, site), self.heads))
            k, v = site("attn.hook_k", k), site("attn.hook_v", v)
        else:
            q = site("attn.hook_q", split(self.q(h, site), self.heads))
            q = self.normed(self.q_norm, q, site, "q_norm")
            k = site("attn.hook_k", split(self.k(h, site), self.kv_heads))
            k = self.normed(self.k_norm, k, site, "k_norm")
            v = site("attn.hook_v", split(self.v(h, site), self.kv_heads))
        if self.clip is not None:
            q, k, v = (x.clamp(-self.clip, self.clip) for x in (q, k, v))
        if self.rotary is not None:
            q, k = site("attn.hook_rot_q", self.rotary(q)), site("attn.hook_rot_k", self.rotary(k))
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        scores = torch.einsum("thd,shd->ths", q, k) * self.scale
        if self.soft_cap is not None:
            scores = self.soft_cap * (scores / self.soft_cap).tanh()
        if self.alibi is not None:
            scores = scores + self.alibi(T)[None]
        t, s = torch.arange(T)[:, None, None], torch.arange(T)[None, None]
        if self.causal:
            hidden = s > t
            if self.window:
                hidden = hidden | (s <= t - self.window)
            scores = scores.masked_fill(hidden, -math.inf)
        scores = site("attn.hook_attn_scores", scores)
        if self.sinks is not None:
            scores = torch.cat([scores, self.sinks[None, :, None].expand(T, -1, 1)], -1)
        pattern = site("attn.hook_pattern", scores.softmax(-1)[..., :T])
        z = site("attn.hook_z", torch.einsum("ths,shd->thd", pattern, v))
        self.o(z.flatten(1), site)
        o = self.o.weight.view(-1, self.heads, z.shape[-1])  # [d_model, heads, d_head]
        result = site("attn.hook_result", torch.einsum("thd,mhd->thm", z, o))
        return result.sum(1) + self.o.bias


@dataclass
class MLP:
    act: Callable
    up: Linear
    out: Linear
    gate: Linear | None = None

    def __call__(self, h, site, prefix="mlp.", quiet=False):
        show = (lambda name, value: value) if quiet else site
        if self.gate is not None:
            gate = show(prefix + "hook_pre", self.gate(h, site))
            post = self.act(gate) * show(prefix + "hook_pre_linear", self.up(h, site))
        else:
            post = self.act(show(prefix + "hook_pre", self.up(h, site)))
        return self.out(site(prefix + "hook_post", post), site)


@dataclass
class Expert:
    gate: Linear
    up: Linear
    out: Linear


@dataclass
class Experts:
    router: Linear
    experts: list[Expert]
    choose: Callable  # router logits -> (indices, weights), [T, k]
    product: Callable  # (gate, up) -> neurons
    module: str  # Hugging Face's, whose arguments are (tokens, indices, weights)
    shared: MLP | None = None
    shared_gate: Linear | None = None

    def __call__(self, h, site):
        logits = site("mlp.hook_router_logits", self.router(h, site))
        indices, weights = self.choose(logits)
        weights = site("mlp.hook_expert_weights", weights)
        indices = site("mlp.hook_expert_indices", indices.double()).round().long()
        site(f"~{self.module}.table", torch.zeros_like(logits).scatter(1, indices, weights))
        sum = torch.zeros(len(h), self.experts[0].out.weight.shape[0])
        for e, expert in enumerate(self.experts):
            routed = indices == e
            here = routed.any(-1, keepdim=True).double()
            at = lambda name, value: site(f"mlp.experts.{e}.{name}", value * here)
            gate, up = at("hook_pre", expert.gate(h, site)), at("hook_pre_linear", expert.up(h, site))
            post = at("hook_post", self.product(gate, up))
            sum = sum + (weights * routed).sum(-1, keepdim=True) * expert.out(post, site)
        site(f"~{self.module}.out", sum)
        if self.shared is not None:
            shared = self.shared(h, site, "mlp.shared_experts.", quiet=True)
            if self.shared_gate is not None:
                shared = shared * self.shared_gate(h, site).sigmoid()
            sum = sum + shared
        return sum


@dataclass
class Block:
    attention: Attention
    mlp: MLP | Experts
    ln1: Norm
    ln2: Norm | None  # None: the MLP reads what attention reads.
    # before: h reads a norm. after: a norm of what the branch adds. stream: a norm of the sum.
    place: str = "before"
    parallel: bool = False
    ln1_post: Norm | None = None
    ln2_post: Norm | None = None
    multiplier: float = 1

    def attend(self, h, site):
        h = self.attention(h, site)
        if self.place == "after":
            h = self.ln1(h, site, "ln1.")
        if self.ln1_post is not None:
            h = self.ln1_post(h, site, "ln1_post.")
        return site("hook_attn_out", h * self.multiplier)

    def think(self, h, site):
        h = self.mlp(site("mlp.hook_in", h), site)
        if self.place == "after":
            h = self.ln2(h, site, "ln2.")
        if self.ln2_post is not None:
            h = self.ln2_post(h, site, "ln2_post.")
        return site("hook_mlp_out", h * self.multiplier)

    def __call__(self, x, site):
        x = site("hook_resid_pre", x)
        before = self.place == "before"
        if self.parallel:
            h = self.ln1(x, site, "ln1.")
            added = self.attend(h, site)
            h = h if self.ln2 is None else self.ln2(x, site, "ln2.")
            return site("hook_resid_post", x + added + self.think(h, site))
        x = site("hook_resid_mid", x + self.attend(self.ln1(x, site, "ln1.") if before else x, site))
        if self.place == "stream":
            x = self.ln1(x, site, "ln1.")
        x = site("hook_resid_post", x + self.think(self.ln2(x, site, "ln2.") if before else x, site))
        if self.place == "stream":
            x = site("hook_normalized_resid_post", self.ln2(x, site, "ln2."))
        return x


@dataclass
class Model:
    embed: torch.Tensor
    blocks: list[Block] = field(default_factory=list)
    embed_scale: float = 1
    project_in: Linear | None = None
    positions: torch.Tensor | None = None
    positions_of: Callable = lambda ids: torch.arange(len(ids))
    types: torch.Tensor | None = None
    embed_norm: Norm | None = None
    norm_of_sum: bool = False  # BERT: the norm is of the sum of embeddings, and the sites lie under `embed.`.
    dense: Linear | None = None
    act: Callable | None = None
    final_norm: Norm | None = None
    project_out: Linear | None = None
    unembed: Linear | None = None
    logit_scale: float = 1
    logit_cap: float | None = None
    exact: bool = False  # Hugging Face computes all in float64 here.

    def start(self, ids, types, at):
        e = "embed." if self.norm_of_sum else ""
        x = self.embed[ids] * self.embed_scale
        if self.project_in is not None:
            x = self.project_in(x, at)
        if self.embed_norm is not None and not self.norm_of_sum:
            x = self.embed_norm(x, at, "embed.ln.")
        x = at(e + "hook_embed", x)
        if self.positions is not None:
            x = x + at(e + "hook_pos_embed", self.positions[self.positions_of(ids)])
        if self.types is not None:
            x = x + at(e + "hook_token_type_embed", self.types[types])
        if self.norm_of_sum:
            x = at("hook_full_embed", self.embed_norm(x, at, "embed.ln."))
        return x

    def run(self, ids, types, at):
        """The last values of one document: logits, or the last block's output."""
        x = self.start(ids, types, at)
        for i, block in enumerate(self.blocks):
            p = f"blocks.{i}."
            x = block(x, lambda name, value: at(name if name.startswith("~") else p + name, value))
        last = x
        if self.dense is not None:
            x = self.act(at("mlm_head.hook_out", self.dense(x, at)))
        if self.final_norm is not None:
            x = self.final_norm(x, at, "ln_final.")
        if self.unembed is None:
            return last
        if self.project_out is not None:
            x = self.project_out(x, at)
        x = self.unembed(at("unembed.hook_in", x), at) * self.logit_scale
        if self.logit_cap is not None:
            x = self.logit_cap * (x / self.logit_cap).tanh()
        return at("unembed.hook_out", x)
