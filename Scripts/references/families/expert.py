"""Readers of the families with experts."""
import torch

from .plain import Attention, Block, Expert, Experts, Linear
from .weights import activation, attention, decoder, softmax_choice, windows


def mixture(r):
    """Mixtral, OLMoE, Qwen 2 and 3: softmax of all experts' scores."""
    c, act, eps, kind = r.c, activation(r.c.hidden_act), r.c.rms_norm_eps, r.c.model_type
    rotary = r.rotary(r.model.model.rotary_emb)
    layers = c.num_hidden_layers
    window = windows(c) if kind == "qwen2_moe" else [getattr(c, "sliding_window", None)] * layers
    more = dict(clip=c.clip_qkv, norms="q_norm", eps=eps, norm_width="whole") if kind == "olmoe" else {}
    if kind == "qwen3_moe":
        more = dict(norms="q_norm", eps=eps)
    choose = softmax_choice(c.num_experts_per_tok, kind == "mixtral" or c.norm_topk_prob)

    def block(i, h):
        sparse = not kind.startswith("qwen") or i not in c.mlp_only_layers and (i + 1) % c.decoder_sparse_step == 0
        if sparse:
            shared = {}
            if kind == "qwen2_moe":
                shared = dict(shared=r.gated(h + "mlp.shared_expert", act),
                              shared_gate=r.linear(h + "mlp.shared_expert_gate"))
            mlp = r.experts(h + "mlp.experts", h + "mlp.gate", choose, act, **shared)
        else:
            mlp = r.gated(h + "mlp", act)
        return Block(attention(r, h, rotary=rotary, window=window[i], **more), mlp, r.norm(h + "input_layernorm", eps),
                     r.norm(h + "post_attention_layernorm", eps))

    return decoder(r, eps, block)


def gpt_oss(r):
    c, eps, k = r.c, r.c.rms_norm_eps, r.c.num_experts_per_tok
    rotary, window = r.rotary(r.model.model.rotary_emb), windows(c)

    def choose(logits):
        top, indices = logits.topk(k, -1)
        return indices, top.softmax(-1)

    def product(gate, up):
        gate, up = gate.clamp(max=c.swiglu_limit), up.clamp(-c.swiglu_limit, c.swiglu_limit)
        return (up + 1) * gate * (c.swiglu_alpha * gate).sigmoid()

    def block(i, h):
        e = h + "mlp.experts."
        each = [Expert(Linear(u[:, 0::2].T, b[0::2]), Linear(u[:, 1::2].T, b[1::2]), Linear(d.T, o))
                for u, b, d, o in zip(*(r.s[e + n] for n in ("gate_up_proj", "gate_up_proj_bias", "down_proj",
                                                             "down_proj_bias")))]
        return Block(attention(r, h, rotary=rotary, window=window[i], sinks=r.s[h + "self_attn.sinks"]),
                     Experts(r.linear(h + "mlp.router"), each, choose, product, h + "mlp.experts"),
                     r.norm(h + "input_layernorm", eps), r.norm(h + "post_attention_layernorm", eps))

    return decoder(r, eps, block)


def deepseek(r):
    c, act, eps, k = r.c, activation(r.c.hidden_act), r.c.rms_norm_eps, r.c.num_experts_per_tok
    three = c.model_type == "deepseek_v3"
    pairs = "neighbours" if not three else "unzipped" if c.rope_interleave else "halves"
    rotary = r.rotary(r.model.model.rotary_emb, pairs=pairs, first=c.qk_nope_head_dim)
    rope = c.rope_parameters
    scale = (c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5
    if rope["rope_type"] != "default" and rope.get("mscale_all_dim"):
        scale *= (0.1 * rope["mscale_all_dim"] * torch.tensor(rope["factor"]).log().item() + 1) ** 2

    def choice(bias):
        def choose(logits):
            scores = logits.sigmoid() if three else logits.softmax(-1)
            chosen = scores + bias if three else scores
            if three or c.topk_method == "group_limited_greedy":
                groups = chosen.view(len(chosen), c.n_group, -1)
                best = groups.topk(2, -1)[0].sum(-1) if three else groups.max(-1)[0]
                kept = torch.zeros_like(best).scatter(1, best.topk(c.topk_group, -1)[1], 1)
                chosen = groups.masked_fill(kept[..., None] == 0, -torch.inf).flatten(1)
            indices = chosen.topk(k, -1)[1]
            weights = scores.gather(1, indices)
            if three and c.norm_topk_prob:
                weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
            return indices, weights * c.routed_scaling_factor
        return choose

    def block(i, h):
        a = h + "self_attn."
        small = lambda name: r.norm(a + name, 1e-6)
        low = c.q_lora_rank is not None
        heads = c.num_attention_heads
        latent = Attention(
            heads, heads, r.linear(a + "o_proj"), scale, r.linear(a + ("q_b_proj" if low else "q_proj")), rotary=rotary,
            q_down=r.linear(a + "q_a_proj"), q_latent_norm=small("q_a_layernorm"),
            kv_down=r.linear(a + "kv_a_proj_with_mqa"), kv_latent_norm=small("kv_a_layernorm"),
            kv_up=r.linear(a + "kv_b_proj"), shared=c.qk_rope_head_dim)
        if i < c.first_k_dense_replace:
            mlp = r.gated(h + "mlp", act)
        else:
            bias = r.s.get(h + "mlp.gate.e_score_correction_bias", 0)
            mlp = r.experts(h + "mlp.experts", h + "mlp.gate", choice(bias), act,
                            shared=r.gated(h + "mlp.shared_experts", act))
        return Block(latent, mlp, r.norm(h + "input_layernorm", eps), r.norm(h + "post_attention_layernorm", eps))

    return decoder(r, eps, block)


READERS = dict(mixtral=mixture, olmoe=mixture, qwen2_moe=mixture, qwen3_moe=mixture, gpt_oss=gpt_oss,
               deepseek_v2=deepseek, deepseek_v3=deepseek)
