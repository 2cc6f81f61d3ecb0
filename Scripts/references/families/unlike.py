"""Readers of the families whose layout is not Llama's: GPT-2 and its kin, and those that see both ways."""
import torch

from .plain import MLP, Attention, Block, Model, Rotary
from .weights import activation


def interleaved(heads, d, parts=3):
    """The rows of a fused projection whose outputs lie head by head, each with its parts."""
    return torch.arange(heads * parts * d).view(heads, parts, d).transpose(0, 1).flatten(1)


def gpt2(r):
    c, b = r.c, "transformer."
    act, eps, d = activation(c.activation_function), c.layer_norm_epsilon, c.n_embd // c.n_head
    rows = torch.arange(3 * c.n_embd).view(3, -1)
    m = Model(embed=r.s[b + "wte.weight"], positions=r.s[b + "wpe.weight"], final_norm=r.norm(b + "ln_f", eps, "layer"),
              unembed=r.linear("lm_head"), exact=True)
    for i in range(c.n_layer):
        h = f"{b}h.{i}."
        scale = (d ** -0.5 if c.scale_attn_weights else 1) / (i + 1 if c.scale_attn_by_inverse_layer_idx else 1)
        a = Attention(c.n_head, c.n_head, r.conv(h + "attn.c_proj"), scale,
                      *(r.conv(h + "attn.c_attn", row) for row in rows))
        m.blocks.append(Block(a, MLP(act, r.conv(h + "mlp.c_fc"), r.conv(h + "mlp.c_proj")),
                              r.norm(h + "ln_1", eps, "layer"), r.norm(h + "ln_2", eps, "layer")))
    return m


def gpt_neo(r):
    c, b = r.c, "transformer."
    act, eps = activation(c.activation_function), c.layer_norm_epsilon
    m = Model(embed=r.s[b + "wte.weight"], positions=r.s[b + "wpe.weight"], final_norm=r.norm(b + "ln_f", eps, "layer"),
              unembed=r.linear("lm_head"))
    for i in range(c.num_layers):
        h = f"{b}h.{i}."
        a = Attention(c.num_heads, c.num_heads, r.linear(h + "attn.attention.out_proj"), 1,
                      *(r.linear(f"{h}attn.attention.{n}_proj") for n in "qkv"),
                      window=c.window_size if c.attention_layers[i] == "local" else None)
        m.blocks.append(Block(a, MLP(act, r.linear(h + "mlp.c_fc"), r.linear(h + "mlp.c_proj")),
                              r.norm(h + "ln_1", eps, "layer"), r.norm(h + "ln_2", eps, "layer")))
    return m


def gptj(r):
    c, b = r.c, "transformer."
    act, eps = activation(c.activation_function), c.layer_norm_epsilon
    r_dim = c.rotary_dim
    frequencies = 1 / 10000 ** (torch.arange(0, r_dim, 2) / r_dim)
    m = Model(embed=r.s[b + "wte.weight"], final_norm=r.norm(b + "ln_f", eps, "layer"), unembed=r.linear("lm_head"))
    for i in range(c.n_layer):
        h = f"{b}h.{i}."
        a = Attention(c.n_head, c.n_head, r.linear(h + "attn.out_proj"), (c.n_embd // c.n_head) ** -0.5,
                      *(r.linear(f"{h}attn.{n}_proj") for n in "qkv"),
                      rotary=Rotary(lambda T: (frequencies, 1), "neighbours"))
        m.blocks.append(Block(a, MLP(act, r.linear(h + "mlp.fc_in"), r.linear(h + "mlp.fc_out")),
                              r.norm(h + "ln_1", eps, "layer"), None, parallel=True))
    return m


def gpt_neox(r):
    c, b = r.c, "gpt_neox."
    act, eps, heads = activation(c.hidden_act), c.layer_norm_eps, c.num_attention_heads
    d = c.hidden_size // heads
    rotary = r.rotary(r.model.gpt_neox.rotary_emb)
    m = Model(embed=r.s[b + "embed_in.weight"], final_norm=r.norm(b + "final_layer_norm", eps, "layer"),
              unembed=r.linear("embed_out") or r.linear("lm_head"))
    for i in range(c.num_hidden_layers):
        h = f"{b}layers.{i}."
        a = Attention(heads, heads, r.linear(h + "attention.dense"), d ** -0.5,
                      *(r.linear(h + "attention.query_key_value", row) for row in interleaved(heads, d)), rotary=rotary)
        m.blocks.append(Block(
            a, MLP(act, r.linear(h + "mlp.dense_h_to_4h"), r.linear(h + "mlp.dense_4h_to_h")),
            r.norm(h + "input_layernorm", eps, "layer"), r.norm(h + "post_attention_layernorm", eps, "layer"),
            parallel=c.use_parallel_residual))
    return m


def opt(r):
    c, b = r.c, "model.decoder."
    act, eps, heads = activation(c.activation_function), 1e-5, c.num_attention_heads
    before = c.do_layer_norm_before
    m = Model(embed=r.s[b + "embed_tokens.weight"], positions=r.s[b + "embed_positions.weight"],
              positions_of=lambda ids: torch.arange(len(ids)) + 2, project_in=r.linear(b + "project_in"),
              final_norm=r.norm(b + "final_layer_norm", eps, "layer"), project_out=r.linear(b + "project_out"),
              unembed=r.linear("lm_head"))
    for i in range(c.num_hidden_layers):
        h = f"{b}layers.{i}."
        a = Attention(heads, heads, r.linear(h + "self_attn.out_proj"), (c.hidden_size // heads) ** -0.5,
                      *(r.linear(f"{h}self_attn.{n}_proj") for n in "qkv"))
        m.blocks.append(Block(a, MLP(act, r.linear(h + "fc1"), r.linear(h + "fc2")),
                              r.norm(h + "self_attn_layer_norm", eps, "layer"),
                              r.norm(h + "final_layer_norm", eps, "layer"), place="before" if before else "stream"))
    return m


def slopes(heads):
    """ALiBi's: powers of one base for the largest power of two of heads, every other one of its root's for the rest."""
    near = 1 << (heads.bit_length() - 1)
    base = 2 ** -(2 ** -(near.bit_length() - 1 - 3))
    root = 2 ** -(2 ** -(near.bit_length() - 3))
    power = lambda b, e: torch.pow(torch.full((), b, dtype=torch.float32), e)
    return torch.cat([power(base, torch.arange(1, near + 1, dtype=torch.int32)),
                      power(root, torch.arange(1, 2 * (heads - near), 2, dtype=torch.int32))])


def bloom(r):
    c, b = r.c, "transformer."
    act = lambda x: x * 0.5 * (1 + torch.tanh(0.79788456 * x * (1 + 0.044715 * x * x)))
    eps, heads, d = c.layer_norm_epsilon, c.n_head, c.hidden_size // c.n_head
    alibi = lambda T: (slopes(heads)[:, None] * torch.arange(T)).double()
    m = Model(embed=r.s[b + "word_embeddings.weight"],
              embed_norm=r.norm(b + "word_embeddings_layernorm", eps, "layer"),
              final_norm=r.norm(b + "ln_f", eps, "layer"), unembed=r.linear("lm_head"))
    for i in range(c.n_layer):
        h = f"{b}h.{i}."
        a = Attention(heads, heads, r.linear(h + "self_attention.dense"), d ** -0.5,
                      *(r.linear(h + "self_attention.query_key_value", row) for row in interleaved(heads, d)),
                      alibi=alibi)
        m.blocks.append(Block(
            a, MLP(act, r.linear(h + "mlp.dense_h_to_4h"), r.linear(h + "mlp.dense_4h_to_h")),
            r.norm(h + "input_layernorm", eps, "layer"), r.norm(h + "post_attention_layernorm", eps, "layer")))
    return m


def falcon(r):
    c, b = r.c, "transformer."
    act, eps, heads = activation(c.activation), c.layer_norm_epsilon, c.num_attention_heads
    d = c.hidden_size // heads
    rows = torch.arange(r.s[b + "h.0.self_attention.query_key_value.weight"].shape[0]).view(-1, d)
    if c.new_decoder_architecture:
        kv = c.num_kv_heads
        groups = rows.view(kv, -1, d)
        q, k, v = groups[:, :-2], groups[:, -2], groups[:, -1]
    elif c.multi_query:
        kv, q, k, v = 1, rows[:-2], rows[-2], rows[-1]
    else:
        kv = heads
        q, k, v = rows.view(heads, 3, d).unbind(1)
    # Slopes and products are rounded to bfloat16, and added before the scores are scaled.
    alibi = lambda T: (slopes(heads)[:, None].bfloat16() * torch.arange(T)).double() * d ** -0.5
    rotary = None if c.alibi else r.rotary(r.model.transformer.rotary_emb)
    m = Model(embed=r.s[b + "word_embeddings.weight"], final_norm=r.norm(b + "ln_f", eps, "layer"),
              unembed=r.linear("lm_head"))
    for i in range(c.num_hidden_layers):
        h = f"{b}h.{i}."
        a = Attention(heads, kv, r.linear(h + "self_attention.dense"), d ** -0.5,
                      *(r.linear(h + "self_attention.query_key_value", row) for row in (q, k, v)),
                      alibi=alibi if c.alibi else None, rotary=rotary)
        norm = lambda name: r.norm(h + name, eps, "layer")
        m.blocks.append(Block(
            a, MLP(act, r.linear(h + "mlp.dense_h_to_4h"), r.linear(h + "mlp.dense_4h_to_h")),
            norm("input_layernorm") or norm("ln_attn"), norm("ln_mlp") or norm("post_attention_layernorm"),
            parallel=c.new_decoder_architecture or c.parallel_attn))
    return m


def bert(r):
    """BERT, RoBERTa, XLM-RoBERTa."""
    c = r.c
    kind = "bert" if c.model_type == "bert" else "roberta"
    b = kind + "." if any(k.startswith(kind + ".") for k in r.s) else ""
    e, eps, heads, act = b + "embeddings.", c.layer_norm_eps, c.num_attention_heads, activation(c.hidden_act)
    norm = lambda name: r.norm(name, eps, "layer")
    m = Model(embed=r.s[e + "word_embeddings.weight"], positions=r.s[e + "position_embeddings.weight"],
              types=r.s[e + "token_type_embeddings.weight"], embed_norm=norm(e + "LayerNorm"), norm_of_sum=True,
              act=act, exact=True)
    if "cls.predictions.transform.dense.weight" in r.s:
        m.dense, m.final_norm = r.linear("cls.predictions.transform.dense"), norm("cls.predictions.transform.LayerNorm")
        m.unembed = r.linear("cls.predictions.decoder")
    if kind == "roberta":
        pad = c.pad_token_id
        # Padding is not counted, even where it stands in a document.
        m.positions_of = lambda ids: (ids != pad).cumsum(0) * (ids != pad) + pad
        m.act = activation("gelu")
        m.dense, m.final_norm = r.linear("lm_head.dense"), norm("lm_head.layer_norm")
        m.unembed = r.linear("lm_head.decoder")
    for i in range(c.num_hidden_layers):
        h = f"{b}encoder.layer.{i}."
        a = Attention(heads, heads, r.linear(h + "attention.output.dense"), (c.hidden_size // heads) ** -0.5,
                      *(r.linear(f"{h}attention.self.{n}") for n in ("query", "key", "value")), causal=False)
        m.blocks.append(Block(a, MLP(act, r.linear(h + "intermediate.dense"), r.linear(h + "output.dense")),
                              norm(h + "attention.output.LayerNorm"), norm(h + "output.LayerNorm"), place="stream"))
    return m


def distilbert(r):
    c, b = r.c, "distilbert."
    eps, act = 1e-12, activation(c.activation)
    norm = lambda name: r.norm(name, eps, "layer")
    e = b + "embeddings."
    m = Model(embed=r.s[e + "word_embeddings.weight"], positions=r.s[e + "position_embeddings.weight"],
              embed_norm=norm(e + "LayerNorm"), norm_of_sum=True, act=act, exact=True,
              dense=r.linear("vocab_transform"), final_norm=norm("vocab_layer_norm"), unembed=r.linear("vocab_projector"))
    for i in range(c.n_layers):
        h = f"{b}transformer.layer.{i}."
        a = Attention(c.n_heads, c.n_heads, r.linear(h + "attention.out_lin"), (c.dim // c.n_heads) ** -0.5,
                      *(r.linear(f"{h}attention.{n}_lin") for n in "qkv"), causal=False)
        m.blocks.append(Block(a, MLP(act, r.linear(h + "ffn.lin1"), r.linear(h + "ffn.lin2")),
                              norm(h + "sa_layer_norm"), norm(h + "output_layer_norm"), place="stream"))
    return m


READERS = dict(gpt2=gpt2, gpt_neo=gpt_neo, gptj=gptj, gpt_neox=gpt_neox, opt=opt, bloom=bloom, falcon=falcon, bert=bert,
               roberta=bert, distilbert=distilbert) | {"xlm-roberta": bert}
