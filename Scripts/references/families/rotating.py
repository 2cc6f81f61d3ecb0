"""Readers of the families that rotate and have no experts."""
import torch

from .plain import MLP, Block, Norm
from .weights import activation, attention, decoder, width, windows


def llama(r, **options):
    """Llama, Mistral, Qwen 2 and 3, Granite, SmolLM3: two norms before, gated."""
    c = options.pop("config", None) or r.c
    base, act = options.pop("base", "model."), activation(c.hidden_act)
    kind = c.model_type
    model = r.model.get_submodule(base[:-1])
    rotary = r.rotary(model.rotary_emb, config=c)
    layers = c.num_hidden_layers
    sliding = {"mistral": lambda: [c.sliding_window] * layers, "ministral3": lambda: [c.sliding_window] * layers,
               "qwen2": lambda: windows(c), "qwen3": lambda: windows(c), "smollm3": lambda: windows(c)}
    window = sliding.get(kind, lambda: [None] * layers)()
    rotates = c.no_rope_layers if kind == "smollm3" else [1] * layers
    more = dict(scale=c.attention_multiplier) if kind == "granite" else {}
    if kind == "qwen3":
        more |= dict(norms="q_norm", eps=c.rms_norm_eps)

    def block(i, h):
        return Block(
            attention(r, h, c, rotary=rotary if rotates[i] else None, window=window[i], **more),
            r.gated(h + "mlp", act), r.norm(h + "input_layernorm", c.rms_norm_eps),
            r.norm(h + "post_attention_layernorm", c.rms_norm_eps),
            multiplier=c.residual_multiplier if kind == "granite" else 1)

    if kind == "granite":
        options |= dict(embed_scale=c.embedding_multiplier, logit_scale=1 / c.logits_scaling)
    return decoder(r, c.rms_norm_eps, block, c, base, **options)


def wrapped(r):
    """The text of a model that also sees."""
    return (gemma if r.c.text_config.model_type.startswith("gemma3") else llama)(
        r, config=r.c.text_config, base="model.language_model.")


def gemma(r, config=None, base="model."):
    c = config or r.c
    model = r.model.get_submodule(base[:-1])
    kind, eps = c.model_type, c.rms_norm_eps
    act = activation(c.hidden_act if kind == "gemma" else c.hidden_activation)
    layers = c.num_hidden_layers
    window = [None] * layers if kind == "gemma" else windows(c)
    by_type = None
    if kind == "gemma3_text":
        by_type = {t: r.rotary(model.rotary_emb, t, config=c) for t in set(c.layer_types)}
    plain = None if by_type else r.rotary(model.rotary_emb)
    norm = lambda name: r.norm(name, eps, one=True)

    def block(i, h):
        more = {} if kind == "gemma" else dict(scale=c.query_pre_attn_scalar ** -0.5)
        if kind == "gemma2":
            more |= dict(soft_cap=c.attn_logit_softcapping)
        if by_type:
            more |= dict(norms="q_norm", eps=eps, one=True)
        a = attention(r, h, c, window=window[i], rotary=by_type[c.layer_types[i]] if by_type else plain, **more)
        mlp = r.gated(h + "mlp", act)
        if kind == "gemma":
            return Block(a, mlp, norm(h + "input_layernorm"), norm(h + "post_attention_layernorm"))
        return Block(a, mlp, norm(h + "input_layernorm"), norm(h + "pre_feedforward_layernorm"),
                     ln1_post=norm(h + "post_attention_layernorm"), ln2_post=norm(h + "post_feedforward_layernorm"))

    return decoder(r, eps, block, c, base, one=True, embed_scale=float(model.embed_tokens.embed_scale),
                   logit_cap=getattr(c, "final_logit_softcapping", None))


def olmo(r):
    c, act = r.c, activation(r.c.hidden_act)
    rotary = r.rotary(r.model.model.rotary_emb)
    bare = lambda name: Norm(1, None, 1e-5, "layer", name)

    def block(i, h):
        return Block(attention(r, h, rotary=rotary, clip=c.clip_qkv), r.gated(h + "mlp", act),
                     bare(h + "input_layernorm"), bare(h + "post_attention_layernorm"))

    m = decoder(r, 1e-5, block)
    m.final_norm = bare("model.norm")
    return m


def olmo2(r):
    """OLMo 2 and 3: norms after the branches, and of all queries and all keys."""
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.rms_norm_eps
    three = c.model_type == "olmo3"
    window = windows(c) if three else [None] * c.num_hidden_layers
    module = r.model.model.rotary_emb
    rotary = {t: r.rotary(module, t) for t in set(c.layer_types)} if three else None
    plain = None if three else r.rotary(module)

    def block(i, h):
        return Block(
            attention(r, h, rotary=rotary[c.layer_types[i]] if three else plain, window=window[i], norms="q_norm",
                      eps=eps, norm_width="whole"),
            r.gated(h + "mlp", act), r.norm(h + "post_attention_layernorm", eps),
            r.norm(h + "post_feedforward_layernorm", eps), place="after")

    return decoder(r, eps, block)


def phi(r):
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.layer_norm_eps
    rotary = r.rotary(r.model.model.rotary_emb)

    def block(i, h):
        return Block(
            attention(r, h, out="dense", rotary=rotary, norms="q_layernorm" if c.qk_layernorm else None, eps=eps,
                      kind="layer"),
            MLP(act, r.linear(h + "mlp.fc1"), r.linear(h + "mlp.fc2")), r.norm(h + "input_layernorm", eps, "layer"),
            None, parallel=True)

    return decoder(r, eps, block, kind="layer", norm="final_layernorm")


def phi3(r):
    c, act, eps, d = r.c, activation(r.c.hidden_act), r.c.rms_norm_eps, width(r.c)
    rotary = r.rotary(r.model.model.rotary_emb)
    q, k, v = torch.arange((c.num_attention_heads + 2 * c.num_key_value_heads) * d).split(
        [c.num_attention_heads * d, c.num_key_value_heads * d, c.num_key_value_heads * d])

    def block(i, h):
        name = h + "self_attn.qkv_proj"
        return Block(
            attention(r, h, rotary=rotary, window=c.sliding_window, q=r.linear(name, q), k=r.linear(name, k),
                      v=r.linear(name, v)),
            r.fused_gated(h + "mlp", act, c.intermediate_size), r.norm(h + "input_layernorm", eps),
            r.norm(h + "post_attention_layernorm", eps))

    return decoder(r, eps, block)


def glm4(r):
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.rms_norm_eps
    rotary = r.rotary(r.model.model.rotary_emb, pairs="neighbours")

    def block(i, h):
        return Block(
            attention(r, h, rotary=rotary), r.fused_gated(h + "mlp", act, c.intermediate_size),
            r.norm(h + "input_layernorm", eps), r.norm(h + "post_attention_layernorm", eps),
            ln1_post=r.norm(h + "post_self_attn_layernorm", eps), ln2_post=r.norm(h + "post_mlp_layernorm", eps))

    return decoder(r, eps, block)


def cohere(r):
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.layer_norm_eps
    two = c.model_type == "cohere2"
    rotary = r.rotary(r.model.model.rotary_emb, pairs="neighbours")
    window = windows(c) if two else [None] * c.num_hidden_layers

    def block(i, h):
        return Block(
            attention(r, h, rotary=rotary if window[i] or not two else None, window=window[i], eps=eps, kind="layer",
                      norms="q_norm" if not two and c.use_qk_norm else None),
            r.gated(h + "mlp", act), r.norm(h + "input_layernorm", eps, "layer"), None, parallel=True)

    return decoder(r, eps, block, kind="layer", logit_scale=c.logit_scale)


def stablelm(r):
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.layer_norm_eps
    rotary = r.rotary(r.model.model.rotary_emb)

    def heads(name, count):
        """A norm a head, as one with a weight of [heads, d_head]."""
        if not c.qk_layernorm:
            return None
        return Norm(torch.stack([r.s[f"{name}.norms.{j}.weight"] for j in range(count)]), None, eps, "layer")

    def block(i, h):
        norms = dict(q_norm=heads(h + "self_attn.q_layernorm", c.num_attention_heads),
                     k_norm=heads(h + "self_attn.k_layernorm", c.num_key_value_heads))
        return Block(
            attention(r, h, rotary=rotary, **norms),
            r.gated(h + "mlp", act), r.norm(h + "input_layernorm", eps, "layer"),
            r.norm(h + "post_attention_layernorm", eps, "layer"), parallel=c.use_parallel_residual)

    return decoder(r, eps, block, kind="layer")


def starcoder2(r):
    c, act, eps = r.c, activation(r.c.hidden_act), r.c.norm_epsilon
    rotary = r.rotary(r.model.model.rotary_emb)

    def block(i, h):
        return Block(
            attention(r, h, rotary=rotary, window=c.sliding_window),
            MLP(act, r.linear(h + "mlp.c_fc"), r.linear(h + "mlp.c_proj")), r.norm(h + "input_layernorm", eps, "layer"),
            r.norm(h + "post_attention_layernorm", eps, "layer"))

    return decoder(r, eps, block, kind="layer")


READERS = {k: llama for k in ("llama", "mistral", "qwen2", "qwen3", "granite", "smollm3")} | {
    "gemma": gemma, "gemma2": gemma, "gemma3_text": gemma, "gemma3": wrapped, "mistral3": wrapped, "llava": wrapped,
    "olmo": olmo, "olmo2": olmo2, "olmo3": olmo2, "phi": phi, "phi3": phi3, "glm4": glm4, "cohere": cohere,
    "cohere2": cohere, "stablelm": stablelm, "starcoder2": starcoder2}
