#!/usr/bin/env python3
"""Makes the fixtures of TransformerTests: tiny random models and what every site of theirs must hold.

    python3 Scripts/references/transformer.py [FOLDER of all-MiniLM-L6-v2]

Pinned: torch 2.13.0, transformers 5.23.0, safetensors 0.8.0, numpy. For each case a model of Hugging Face's own class
gets random weights (norms and biases too), is saved in its usual layout, and is run in float64 on ragged documents. The
sites that Hugging Face hides come from the plain implementation below, which takes an edit at any site; it is held
against Hugging Face (hidden states, attention, inputs and outputs of every projection, logits) before anything is written: to
1e-9, or 5e-6 where Hugging Face itself computes norms in float32.

A fixture is a folder: config.json, model.safetensors, and expected.safetensors with
  ids, lengths, types             the documents, laid end to end
  rows                            the tokens whose values are kept
  site/<name>                     the values of a site in those rows; scores and pattern: [rows, heads, longest],
                                  0 beyond the document (scores: -1e30 where masked)
  bfloat16                        the error of Hugging Face's own bfloat16: root mean square of the difference of the
                                  last values, over that of the values
  edit/<name>                     the last values (logits, or the last block's) of two tokens, when the site's value x
                                  at token `edited` becomes 1.5 x + 0.2 (j mod 3), j the element's place in the row
                                  (a norm would undo the same shift of all elements)
"""
import copy, json, math, pathlib, shutil, sys
import torch
import transformers
from safetensors.torch import load_file, save_file

OUT = pathlib.Path(__file__).parents[2] / "Tests/TransformerTests/Fixtures"
LENGTHS = [1, 5, 40, 2, 13]
EDITED = 1 + 5 + 40 + 2 + 4  # The fifth token of the last document.
torch.set_default_dtype(torch.float64)


# ---- The plain implementation: one document, every value shown to `at`, which may return another.

def activation(name):
    return transformers.activations.ACT2FN[name]


def norm(x, weight, bias, eps, kind, at, prefix):
    if kind == "layer":
        x = x - x.mean(-1, keepdim=True)
    scale = at(prefix + "hook_scale", (x.pow(2).mean(-1, keepdim=True) + eps).sqrt())
    x = at(prefix + "hook_normalized", x / scale)
    return x * weight + (0 if bias is None else bias)


def rotate(x, positions, frequencies):  # [T, heads, d_head]
    half = frequencies.shape[0]
    angle = positions[:, None].double() * frequencies[None]  # [T, half]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)


def run(m, ids, types, at):
    """The last values of one document: logits, or the last block's output."""
    T = len(ids)
    pre = m["norm_place"] == "before"
    e = "" if pre else "embed."
    x = at(e + "hook_embed", m["embed"][ids])
    if m["positions"] is not None:
        x = x + at(e + "hook_pos_embed", m["positions"][:T])
    if m["types"] is not None:
        x = x + at(e + "hook_token_type_embed", m["types"][types])
    if not pre:
        x = norm(x, *m["embed_norm"], m["eps"], m["norm"], at, "embed.ln.")
        x = at("hook_full_embed", x)
    for i, w in enumerate(m["blocks"]):
        p = f"blocks.{i}."
        site = lambda name, value: at(p + name, value)

        def attention(h):
            q = site("attn.hook_q", (h @ w["q"][0].T + w["q"][1]).view(T, m["heads"], -1))
            k = site("attn.hook_k", (h @ w["k"][0].T + w["k"][1]).view(T, m["kv_heads"], -1))
            v = site("attn.hook_v", (h @ w["v"][0].T + w["v"][1]).view(T, m["kv_heads"], -1))
            if m["frequencies"] is not None:
                t = torch.arange(T)
                q = site("attn.hook_rot_q", rotate(q, t, m["frequencies"]))
                k = site("attn.hook_rot_k", rotate(k, t, m["frequencies"]))
            group = m["heads"] // m["kv_heads"]
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            scores = torch.einsum("thd,shd->ths", q, k) * m["scales"][i]
            t, s = torch.arange(T)[:, None, None], torch.arange(T)[None, None]
            if m["causal"]:
                hidden = s > t
                if m["windows"][i]:
                    hidden = hidden | (s <= t - m["windows"][i])
                scores = scores.masked_fill(hidden, -math.inf)
            scores = site("attn.hook_attn_scores", scores)
            pattern = site("attn.hook_pattern", scores.softmax(-1))
            z = site("attn.hook_z", torch.einsum("ths,shd->thd", pattern, v))
            o = w["o"][0].view(-1, m["heads"], z.shape[-1])  # [d_model, heads, d_head]
            result = site("attn.hook_result", torch.einsum("thd,mhd->thm", z, o))
            return site("hook_attn_out", result.sum(1) + w["o"][1])

        def mlp(h):
            h = site("mlp.hook_in", h)
            if w["gate"] is not None:
                gate = site("mlp.hook_pre", h @ w["gate"][0].T + w["gate"][1])
                post = m["act"](gate) * site("mlp.hook_pre_linear", h @ w["in"][0].T + w["in"][1])
            else:
                post = m["act"](site("mlp.hook_pre", h @ w["in"][0].T + w["in"][1]))
            post = site("mlp.hook_post", post)
            return site("hook_mlp_out", post @ w["out"][0].T + w["out"][1])

        x = site("hook_resid_pre", x)
        if pre:
            x = site("hook_resid_mid", x + attention(norm(x, *w["ln1"], m["eps"], m["norm"], site, "ln1.")))
            x = site("hook_resid_post", x + mlp(norm(x, *w["ln2"], m["eps"], m["norm"], site, "ln2.")))
        else:
            x = norm(site("hook_resid_mid", x + attention(x)), *w["ln1"], m["eps"], m["norm"], site, "ln1.")
            x = norm(site("hook_resid_post", x + mlp(x)), *w["ln2"], m["eps"], m["norm"], site, "ln2.")
            x = site("hook_normalized_resid_post", x)
    last = x
    if m["dense"] is not None:
        x = m["act"](at("mlm_head.hook_out", x @ m["dense"][0].T + m["dense"][1]))
    if m["final_norm"] is not None:
        x = norm(x, *m["final_norm"], m["eps"], m["norm"], at, "ln_final.")
    if m["unembed"] is None:
        return last
    x = at("unembed.hook_in", x)
    return at("unembed.hook_out", x @ m["unembed"][0].T + m["unembed"][1])


# ---- Hugging Face's weights in that form.

def weights(model):
    c = model.config
    s = {k: v.double() for k, v in model.state_dict().items()}

    def linear(name):
        return (s[name + ".weight"], s.get(name + ".bias", 0)) if name + ".weight" in s else None

    def normed(name):
        return (s[name + ".weight"], s.get(name + ".bias"))

    family = c.model_type
    m = dict(types=None, embed_norm=None, dense=None, positions=None, frequencies=None, final_norm=None)
    if family == "gpt2":
        b = "transformer."
        conv = lambda name: (s[name + ".weight"].T, s[name + ".bias"])
        heads = c.n_head
        m |= dict(norm_place="before", norm="layer", eps=c.layer_norm_epsilon, heads=heads, kv_heads=heads,
                  causal=True, windows=[None] * c.n_layer, embed=s[b + "wte.weight"], positions=s[b + "wpe.weight"],
                  act=activation(c.activation_function), final_norm=normed(b + "ln_f"),
                  unembed=linear("lm_head"), blocks=[])
        d = c.n_embd // heads
        m["scales"] = [(d ** -0.5 if c.scale_attn_weights else 1) /
                       (i + 1 if c.scale_attn_by_inverse_layer_idx else 1) for i in range(c.n_layer)]
        for i in range(c.n_layer):
            h = f"{b}h.{i}."
            qkv = conv(h + "attn.c_attn")
            part = lambda j: (qkv[0][j * c.n_embd:(j + 1) * c.n_embd], qkv[1][j * c.n_embd:(j + 1) * c.n_embd])
            m["blocks"].append(dict(ln1=normed(h + "ln_1"), q=part(0), k=part(1), v=part(2),
                                    o=conv(h + "attn.c_proj"), ln2=normed(h + "ln_2"), gate=None,
                                    **{"in": conv(h + "mlp.c_fc"), "out": conv(h + "mlp.c_proj")}))
    elif family in ("llama", "mistral", "qwen2"):
        b = "model."
        layers = c.num_hidden_layers
        d = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
        m |= dict(norm_place="before", norm="rms", eps=c.rms_norm_eps, heads=c.num_attention_heads,
                  kv_heads=c.num_key_value_heads, causal=True, scales=[d ** -0.5] * layers,
                  embed=s[b + "embed_tokens.weight"], act=activation(c.hidden_act), final_norm=normed(b + "norm"),
                  unembed=linear("lm_head"), blocks=[], frequencies=model.model.rotary_emb.inv_freq.double())
        m["windows"] = [None] * layers
        if family == "mistral":
            m["windows"] = [c.sliding_window] * layers
        if family == "qwen2":
            m["windows"] = [c.sliding_window if t == "sliding_attention" else None for t in c.layer_types]
        for i in range(layers):
            h = f"{b}layers.{i}."
            m["blocks"].append(dict(
                ln1=normed(h + "input_layernorm"), ln2=normed(h + "post_attention_layernorm"),
                **{n: linear(h + f"self_attn.{n}_proj") for n in "qkvo"},
                **{n: linear(h + f"mlp.{t}_proj") for n, t in (("gate", "gate"), ("in", "up"), ("out", "down"))}))
    elif family == "bert":
        b = "bert." if any(k.startswith("bert.") for k in s) else ""
        layers = c.num_hidden_layers
        e = b + "embeddings."
        m |= dict(norm_place="after", norm="layer", eps=c.layer_norm_eps, heads=c.num_attention_heads,
                  kv_heads=c.num_attention_heads, causal=False, windows=[None] * layers,
                  scales=[(c.hidden_size // c.num_attention_heads) ** -0.5] * layers,
                  embed=s[e + "word_embeddings.weight"], positions=s[e + "position_embeddings.weight"],
                  types=s[e + "token_type_embeddings.weight"], embed_norm=normed(e + "LayerNorm"),
                  act=activation(c.hidden_act), blocks=[], unembed=None)
        if "cls.predictions.transform.dense.weight" in s:
            m |= dict(dense=linear("cls.predictions.transform.dense"),
                      final_norm=normed("cls.predictions.transform.LayerNorm"),
                      unembed=linear("cls.predictions.decoder"))
        for i in range(layers):
            h = f"{b}encoder.layer.{i}."
            m["blocks"].append(dict(
                q=linear(h + "attention.self.query"), k=linear(h + "attention.self.key"),
                v=linear(h + "attention.self.value"), o=linear(h + "attention.output.dense"),
                ln1=normed(h + "attention.output.LayerNorm"), ln2=normed(h + "output.LayerNorm"), gate=None,
                **{"in": linear(h + "intermediate.dense"), "out": linear(h + "output.dense")}))
    return m


# ---- Held against Hugging Face.

def check(model, m, ids, types):
    """Every value that Hugging Face shows equals the plain implementation's."""
    seen = {}

    def keep(name, which, view=lambda v: v):
        def hook(module, args, output):
            value = args[0] if which == "in" else output
            seen[name] = view(value[0] if isinstance(value, tuple) else value).squeeze(0).detach().clone()
        return hook

    c, handles = model.config, []
    for name, module in model.named_modules():
        parts = name.split(".")
        i = next((int(p) for p in parts if p.isdigit()), None)
        p = f"blocks.{i}."
        for end, site, which in (
                ("attn.c_proj", "attn.hook_z", "in"), ("attn.c_proj", "hook_attn_out", "out"),
                ("mlp.c_fc", "mlp.hook_in", "in"), ("mlp.c_fc", "mlp.hook_pre", "out"),
                ("mlp.c_proj", "mlp.hook_post", "in"), ("mlp.c_proj", "hook_mlp_out", "out"),
                ("self_attn.q_proj", "attn.hook_q", "out"), ("self_attn.k_proj", "attn.hook_k", "out"),
                ("self_attn.v_proj", "attn.hook_v", "out"), ("self_attn.o_proj", "attn.hook_z", "in"),
                ("self_attn.o_proj", "hook_attn_out", "out"), ("mlp.gate_proj", "mlp.hook_pre", "out"),
                ("mlp.up_proj", "mlp.hook_pre_linear", "out"), ("mlp.down_proj", "mlp.hook_post", "in"),
                ("mlp.down_proj", "hook_mlp_out", "out"), ("mlp.up_proj", "mlp.hook_in", "in"),
                ("self.query", "attn.hook_q", "out"), ("self.key", "attn.hook_k", "out"),
                ("self.value", "attn.hook_v", "out"), ("attention.output.dense", "attn.hook_z", "in"),
                ("attention.output.dense", "hook_attn_out", "out"),
                ("attention.output.LayerNorm", "hook_resid_mid", "in"), ("intermediate.dense", "mlp.hook_in", "in"),
                ("intermediate.dense", "mlp.hook_pre", "out"), ("output.LayerNorm", "hook_resid_post", "in")):
            if i is not None and name.endswith("." + end) and not (
                    end.startswith("output.") and "attention.output" in name):
                handles.append(module.register_forward_hook(keep(p + site, which)))
    kwargs = dict(token_type_ids=types[None]) if m["types"] is not None else {}
    with torch.no_grad():
        out = model(ids[None], output_hidden_states=True, output_attentions=True, **kwargs)
    for handle in handles:
        handle.remove()
    layers = len(m["blocks"])
    for i in range(layers):
        seen[f"blocks.{i}.hook_resid_pre"] = out.hidden_states[i][0]
        seen[f"blocks.{i}.attn.hook_pattern"] = out.attentions[i][0].transpose(0, 1)
    seen["end"] = (out.logits if hasattr(out, "logits") and m["unembed"] is not None else out.last_hidden_state)[0]
    mine = {}

    def at(name, value):
        mine[name] = value
        return value

    mine["end"] = run(m, ids, types, at)
    for name, value in seen.items():
        error = (mine[name].reshape(value.shape) - value).abs().max() / value.abs().max()
        # Llama's norm is computed in float32 whatever the model's type.
        assert error < (1e-9 if m["norm"] == "layer" else 5e-6), f"{c.model_type} {name}: {error}"
    return len(seen)


# ---- One case.

def randomize(model, generator):
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim == 2:
                fan = p.shape[0] if "c_" in name and "attn" in name or "mlp.c_" in name else p.shape[1]
                p.copy_(noise * (0.5 if "embed" in name or ".wte" in name or ".wpe" in name else fan ** -0.5))
            elif "norm" in name.lower() or ".ln_" in name:
                p.copy_(1 + 0.3 * noise if name.endswith("weight") else 0.3 * noise)
            else:
                p.copy_(0.3 * noise)


def bfloat16_error(model, documents, types):
    """Parameters and activations in bfloat16, rotary frequencies as they are: what from_pretrained(dtype=…) gives."""
    exact, lowered = [], []
    half = copy.deepcopy(model)
    for p in half.parameters():
        p.data = p.data.bfloat16()
    for b in half.buffers():
        b.data = b.data.float() if b.is_floating_point() else b.data
    torch.set_default_dtype(torch.float32)
    for ids, t in zip(documents, types):
        kwargs = dict(token_type_ids=t[None]) if model.config.model_type == "bert" else {}
        for m, out in ((model, exact), (half, lowered)):
            with torch.no_grad():
                result = m(ids[None], **kwargs)
            out.append((result.logits if hasattr(result, "logits") else result.last_hidden_state)[0].double())
    torch.set_default_dtype(torch.float64)
    exact, lowered = torch.cat(exact), torch.cat(lowered)
    return ((lowered - exact).pow(2).mean() / exact.pow(2).mean()).sqrt()


def case(name, model, dtype=torch.float32, rename=None, config=None):
    generator = torch.Generator().manual_seed(len(name) * 1000 + sum(map(ord, name)))
    model = model.double().eval()
    randomize(model, generator)
    for p in model.parameters():
        p.data = p.data.to(dtype).double()
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    # A copy: rotary frequencies would be rounded too.
    copy.deepcopy(model).to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tensors = load_file(folder / "model.safetensors")
    if rename:
        tensors = {rename(k): v for k, v in tensors.items() if rename(k)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    kept = json.loads((folder / "config.json").read_text())
    for key in ("architectures", "transformers_version", "dtype", "initializer_range", "use_cache", "summary_type",
                "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout"):
        kept.pop(key, None)
    if config:
        config(kept)
    (folder / "config.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")

    vocabulary = model.config.vocab_size
    n = sum(LENGTHS)
    ids = torch.randint(0, vocabulary, (n,), generator=generator)
    types = torch.randint(0, 2, (n,), generator=generator) if model.config.model_type == "bert" else torch.zeros(n).long()
    m = weights(model)
    starts = [sum(LENGTHS[:d]) for d in range(len(LENGTHS))]
    rows = [0, 45, EDITED]
    documents = [slice(a, a + l) for a, l in zip(starts, LENGTHS)]
    shown = 0
    for d in documents:
        shown = check(model, m, ids[d], types[d])
    sites = {}
    longest = max(LENGTHS)
    for d in documents:
        def at(site, value):
            if site.endswith("hook_attn_scores"):
                value = value.masked_fill(value == -math.inf, -1e30)
            if site.endswith(("hook_attn_scores", "hook_pattern")):
                value = torch.nn.functional.pad(value, (0, longest - value.shape[-1]))
            sites.setdefault(site, []).append(value)
        run(m, ids[d], types[d], lambda s, v: (at(s, v), v)[1])
    out = {f"site/{s}": torch.cat(v)[rows].float() for s, v in sites.items()}
    last, position = documents[-1], EDITED - starts[-1]
    plain = run(m, ids[last], types[last], lambda s, v: v)
    for site in sites:
        def edit(s, v):
            if s != site:
                return v
            v = v.clone()
            row = v[position]
            v[position] = 1.5 * row + 0.2 * (torch.arange(row.numel()) % 3).view(row.shape)
            return v
        edited = run(m, ids[last], types[last], edit)
        if not site.startswith("ln_final") or m["unembed"] is not None:
            assert (edited - plain).abs().max() > 1e-3 * plain.abs().max(), f"{name}: editing {site} changes nothing"
        out[f"edit/{site}"] = edited[[position, -1]].float()
    out |= dict(ids=ids.int(), types=types.int(), lengths=torch.tensor(LENGTHS).int(), rows=torch.tensor(rows).int(),
                edited=torch.tensor([EDITED]).int(),
                bfloat16=bfloat16_error(model, [ids[d] for d in documents], [types[d] for d in documents]).float())
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: {len(sites)} sites, {shown} held against Hugging Face, {size / 1000:.0f} kB")


def main():
    from transformers import (BertConfig, BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                              LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM)
    common = dict(attn_implementation="eager")
    gpt2 = dict(vocab_size=24, n_positions=48, n_embd=16, n_layer=2, n_head=4, **common)
    case("gpt2", GPT2LMHeadModel(GPT2Config(**gpt2)))
    case("gpt2-options", GPT2LMHeadModel(GPT2Config(
        **gpt2, n_inner=24, activation_function="gelu", scale_attn_by_inverse_layer_idx=True,
        tie_word_embeddings=False)), torch.float16)
    case("gpt2-bare", GPT2LMHeadModel(GPT2Config(
        **gpt2, n_inner=24, activation_function="relu", scale_attn_weights=False, layer_norm_epsilon=1e-3)),
        torch.bfloat16, rename=lambda k: k.removeprefix("transformer."))
    llama = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                 max_position_embeddings=64, **common)
    case("llama", LlamaForCausalLM(LlamaConfig(**llama, num_key_value_heads=2, rms_norm_eps=1e-5)))

    def old_form(scaling):
        def change(config):
            rope = config.pop("rope_parameters")
            config["rope_theta"] = rope["rope_theta"]
            config["rope_scaling"] = scaling
        return change

    case("llama-linear", LlamaForCausalLM(LlamaConfig(
        **llama, num_key_value_heads=1, head_dim=6, tie_word_embeddings=True, hidden_act="gelu_pytorch_tanh",
        rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0))), torch.float16,
        config=old_form(dict(type="linear", factor=4.0)))
    case("llama3", LlamaForCausalLM(LlamaConfig(
        **llama, attention_bias=True, mlp_bias=True, rope_parameters=dict(
            rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32))), torch.bfloat16)
    case("mistral", MistralForCausalLM(MistralConfig(
        **llama, num_key_value_heads=2, sliding_window=7)), torch.float16)
    case("qwen2", Qwen2ForCausalLM(Qwen2Config(
        **llama, num_key_value_heads=2, use_sliding_window=True, sliding_window=6, max_window_layers=1)), torch.float16)
    case("qwen2-tied", Qwen2ForCausalLM(Qwen2Config(
        **llama, num_key_value_heads=4, tie_word_embeddings=True)), torch.bfloat16)
    bert = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=48, **common)
    case("bert", BertForMaskedLM(BertConfig(**bert)), torch.float16)

    def gamma(k):
        return k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    case("bert-bare", BertModel(BertConfig(**bert, hidden_act="gelu_new", layer_norm_eps=1e-5)), torch.float16,
         rename=gamma)


def minilm(path):
    """A trained BERT: every layer, on two sentences. Its weights are not part of the fixture."""
    model = transformers.AutoModel.from_pretrained(path, attn_implementation="eager").double().eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    documents = [torch.tensor(tokenizer(t)["input_ids"]) for t in (
        "A probe is a linear classifier on the activations of one layer.", "Superposition!")]
    m = weights(model)
    rows, kept = [7], ("hook_normalized_resid_post", "mlp.hook_post", "embed.hook_embed",
                          "hook_full_embed", "ln2.hook_scale")
    sites = {}
    for ids in documents:
        check(model, m, ids, torch.zeros_like(ids))
        run(m, ids, torch.zeros_like(ids), lambda s, v: (sites.setdefault(s, []).append(v), v)[1])
    ids = torch.cat(documents)
    rows.append(len(ids) - 1)
    out = {f"site/{s}": torch.cat(v)[rows].float() for s, v in sites.items() if s.endswith(kept)}
    # Neurons are many: those of one token are enough.
    out = {s: v[:1] if "mlp" in s else v for s, v in out.items()}
    out |= dict(ids=ids.int(), lengths=torch.tensor([len(d) for d in documents]).int(),
                rows=torch.tensor(rows).int())
    folder = OUT / "minilm"
    folder.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    print("minilm:", len(out), "tensors", (folder / "expected.safetensors").stat().st_size // 1000, "kB")


if __name__ == "__main__":
    minilm(sys.argv[1]) if len(sys.argv) > 1 else main()
