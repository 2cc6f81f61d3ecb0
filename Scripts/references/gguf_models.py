#!/usr/bin/env python3
"""Writes tiny models of TransformerTests as GGUF files, the way llama.cpp's converter would.

    pip install torch==2.13.0 transformers==5.23.0 safetensors==0.8.0 gguf==0.19.0 accelerate==1.15.0
    python3 Scripts/references/gguf_models.py [CASE ...]
    python3 Scripts/references/gguf_models.py --float32 FOLDER [CASE ...]
    python3 Scripts/references/gguf_models.py --gemma FILE of Gemma 3 270M

Each model of Tests/TransformerTests/Fixtures/CASE becomes Fixtures/gguf/CASE.gguf, of the types that its safetensors have
(norms and biases in F32). What every site of it must hold stays the same: expected.safetensors of the case. Names come
from the `gguf` package's own map; what is reordered on the way is done here:
  llama, granite, olmo    rows of queries and keys, so that neighbours rotate together (weights and biases)
  gemma                   1 is added to the weights of norms
  gpt2                    matrices are turned to [outputs, inputs]
  gpt_neox, bloom, falcon queries, keys and values of each head become all queries, all keys, all values
  gpt_oss                 gates and ups that take turns are parted
  deepseek                keys and values rebuilt from the latent are parted, keys turned (not in deepseek_v2, as in old files)
  mixtral and the like    experts are stacked

Where transformers reads the architecture from GGUF, it loads the file too, and its logits must equal those of the
safetensors: from the file alone, or, where its reader knows too little of the metadata, with the case's config.json
("weights alone"). The lines that are printed say which.

With --float32, the models are written for gguf_llamacpp.py: all weights in F32, without the options that llama.cpp lacks,
and beside each a CASE.npz with transformers' logits of the fixture's documents. With --gemma, the logits of two texts and a greedy continuation, by transformers from the file, become gemma.json.
"""
import json, logging, re, sys, tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "TransformerTests" / "Fixtures"
ARCHITECTURES = dict(
    llama="llama", mistral="llama", mixtral="llama", gpt2="gpt2", gpt_neox="gptneox", phi="phi2", phi3="phi3",
    qwen2="qwen2", qwen3="qwen3", qwen2_moe="qwen2moe", qwen3_moe="qwen3moe", gemma="gemma", gemma2="gemma2",
    gemma3_text="gemma3", olmo="olmo", olmo2="olmo2", olmo3="olmo2", olmoe="olmoe", deepseek_v2="deepseek2",
    deepseek_v3="deepseek2", gpt_oss="gpt-oss", bert="bert", starcoder2="starcoder2", falcon="falcon", bloom="bloom",
    stablelm="stablelm", cohere="command-r", cohere2="cohere2", granite="granite", glm4="glm4", smollm3="smollm3")
CASES = """llama llama3 llama-yarn mistral mixtral gpt2 gpt_neox phi phi3 phi3-partial phi3-windows qwen2-tied qwen3
    qwen2_moe qwen3_moe gemma gemma2 gemma3 gemma3-types olmo olmo2 olmo3 olmoe deepseek_v2 deepseek_v2-groups deepseek_v3
    gpt_oss bert starcoder2 falcon falcon-new falcon-one-norm bloom stablelm stablelm-qk-norm cohere cohere2 granite
    granite-bias glm4 smollm3""".split()
# transformers reads these, and with the case's config.json those.
ALONE = "llama qwen2-tied falcon bloom stablelm".split()
WEIGHTS = """llama3 llama-yarn gpt2 phi3 phi3-partial phi3-windows qwen3 qwen2_moe-norm qwen3_moe gemma2 gemma3 gemma3-types
    starcoder2""".split()
# Its layers differ as no GGUF file says: written for transformers alone, which knows no dense layer in qwen2_moe.
PASSING = ["qwen2_moe-norm"]


# What llama.cpp lacks, or takes from the number of layers: other values of config.json, and tensors that then go.
SIMPLER = {
    "mistral": (dict(sliding_window=None), None), "starcoder2": (dict(sliding_window=None), None),
    "phi3-windows": (dict(sliding_window=None), None), "gemma2": (dict(query_pre_attn_scalar=6), None),
    "smollm3": (dict(no_rope_layers=[1, 1, 1, 0], use_sliding_window=False), None),
    "cohere": (dict(use_qk_norm=False), r"self_attn\.[qk]_norm"),
    # It scores groups by their two best in the second generation too.
    "deepseek_v2-groups": (dict(topk_method="greedy", n_group=None, topk_group=None), None),
    "falcon-new": (dict(bias=False), r"\.(mlp|self_attention)\..*bias")}
SAME_SCALES = ["deepseek_v2-groups", "deepseek_v3"]


def simpler(name):
    """A folder with the model as llama.cpp can run it."""
    folder, source = Path(tempfile.mkdtemp()), FIXTURES / name
    changes, dropped = SIMPLER.get(name, ({}, None))
    config = json.loads((source / "config.json").read_text()) | changes
    if name in SAME_SCALES:
        config["rope_scaling"]["mscale"] = config["rope_scaling"]["mscale_all_dim"]
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(source / "model.safetensors")
    save_file({n: x for n, x in tensors.items() if not (dropped and re.search(dropped, n))},
              folder / "model.safetensors", metadata={"format": "pt"})
    return folder


class Case:
    def __init__(self, name, folder=None):
        self.name, self.folder = name, folder or FIXTURES / name
        self.config = transformers.AutoConfig.from_pretrained(self.folder)
        self.c = {**self.config.to_dict(), **json.loads((self.folder / "config.json").read_text())}
        self.kind = self.config.model_type
        self.arch = ARCHITECTURES[self.kind]
        self.tensors = {}
        self.meta = {}

    def get(self, *keys, default=None):
        return next((self.c[k] for k in keys if self.c.get(k) is not None), default)

    @property
    def layers(self): return self.get("num_hidden_layers", "n_layer")
    @property
    def heads(self): return self.get("num_attention_heads", "n_head")
    @property
    def width(self): return self.get("hidden_size", "n_embd")

    @property
    def key_heads(self):
        if self.kind == "falcon":
            if not self.c["new_decoder_architecture"]:
                return 1 if self.c["multi_query"] else self.heads
            return self.c["num_kv_heads"]
        return self.get("num_key_value_heads", default=self.heads)

    @property
    def head(self): return self.get("head_dim", default=self.width // self.heads)

    # What the metadata says.

    def put(self, key, value):
        if value is not None:
            self.meta[f"{self.arch}.{key}"] = value

    def metadata(self):
        put, get = self.put, self.get
        put("context_length", get("max_position_embeddings", "n_positions", "seq_length", default=2048))
        put("embedding_length", self.width)
        put("block_count", self.layers)
        put("feed_forward_length", get("n_inner", "ffn_hidden_size", "intermediate_size", default=4 * self.width))
        put("attention.head_count", self.heads)
        put("attention.head_count_kv", self.key_heads)
        put("vocab_size", self.c["vocab_size"])
        rms = get("rms_norm_eps")
        # OLMo keeps none, and has 1e-5.
        layer = get("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", default=1e-5)
        put("attention.layer_norm_rms_epsilon", rms)
        put("attention.layer_norm_epsilon", None if rms else layer)
        if self.kind not in ("gpt2", "bert", "bloom"):
            self.rotary()
        if get("num_experts", "num_local_experts", "n_routed_experts"):
            self.experts()
        own = getattr(self, "own_" + self.kind, None)
        if own:
            own()

    def rotary(self):
        parameters = self.config.rope_parameters
        one = parameters.get("full_attention", parameters)
        self.put("rope.freq_base", float(one["rope_theta"]))
        share = one.get("partial_rotary_factor", 1.0)
        self.put("rope.dimension_count", int(self.head * share))
        if self.get("head_dim"):
            self.put("attention.key_length", self.head)
            self.put("attention.value_length", self.head)
        kind = one["rope_type"]
        if kind in ("linear", "yarn"):
            self.put("rope.scaling.type", kind)
            self.put("rope.scaling.factor", float(one["factor"]))
        if kind == "yarn":
            self.put("rope.scaling.original_context_length", one["original_max_position_embeddings"])
            self.put("rope.scaling.yarn_beta_fast", float(one["beta_fast"]))
            self.put("rope.scaling.yarn_beta_slow", float(one["beta_slow"]))
            if "attention_factor" in one:
                self.put("rope.scaling.attn_factor", one["attention_factor"] / growth(one["factor"]))
        if kind == "longrope":
            original = self.get("original_max_position_embeddings") or one["original_max_position_embeddings"]
            scale = self.c["max_position_embeddings"] / original
            self.put("rope.scaling.original_context_length", original)
            self.put("rope.scaling.attn_factor", float(np.sqrt(1 + np.log(scale) / np.log(original))))
            self.tensors["rope_factors_long.weight"] = torch.tensor(one["long_factor"])
            self.tensors["rope_factors_short.weight"] = torch.tensor(one["short_factor"])
        if kind == "llama3":
            self.tensors["rope_freqs.weight"] = llama3_factors(one, self.head)

    def experts(self):
        put, get = self.put, self.get
        put("expert_count", get("num_experts", "num_local_experts", "n_routed_experts"))
        put("expert_used_count", get("num_experts_per_tok"))
        put("expert_feed_forward_length", get("moe_intermediate_size"))
        put("expert_shared_feed_forward_length", get("shared_expert_intermediate_size"))

    def own_gpt_neox(self): self.put("use_parallel_residual", self.c["use_parallel_residual"])

    def own_bert(self):
        self.put("attention.causal", False)
        self.meta["tokenizer.ggml.token_type_count"] = self.c["type_vocab_size"]

    def own_mistral(self): self.put("attention.sliding_window", self.c["sliding_window"])
    def own_starcoder2(self): self.put("attention.sliding_window", self.c["sliding_window"])
    def own_phi3(self): self.put("attention.sliding_window", self.get("sliding_window", default=0))
    def own_olmo(self): self.put("attention.clamp_kqv", self.c["clip_qkv"])
    def own_olmoe(self): self.put("attention.clamp_kqv", self.c["clip_qkv"])
    def own_olmo3(self): self.sliding(None)
    def own_cohere(self): self.put("logit_scale", self.c["logit_scale"])

    def own_cohere2(self):
        self.own_cohere()
        self.sliding(self.c["sliding_window_pattern"])

    def sliding(self, pattern):
        """The number of layers of a period, a list of layers, or nothing where the architecture's own holds."""
        self.put("attention.sliding_window", self.c["sliding_window"])
        self.put("attention.sliding_window_pattern", pattern)

    def own_gemma2(self):
        self.sliding(None)
        self.put("attn_logit_softcapping", self.c["attn_logit_softcapping"])
        self.put("final_logit_softcapping", self.c["final_logit_softcapping"])
        self.put("attention.scale", self.c["query_pre_attn_scalar"] ** -0.5)

    def own_gemma3_text(self):
        self.sliding([t == "sliding_attention" for t in self.config.layer_types])
        self.put("final_logit_softcapping", self.c["final_logit_softcapping"])
        self.put("attention.scale", self.c["query_pre_attn_scalar"] ** -0.5)
        self.put("rope.freq_base_swa", float(self.config.rope_parameters["sliding_attention"]["rope_theta"]))

    def own_granite(self):
        self.put("attention.scale", self.c["attention_multiplier"])
        self.put("embedding_scale", self.c["embedding_multiplier"])
        self.put("residual_scale", self.c["residual_multiplier"])
        self.put("logit_scale", self.c["logits_scaling"])

    def own_gpt_oss(self):
        self.sliding(None)
        self.put("expert_feed_forward_length", self.c["intermediate_size"])

    def own_deepseek_v2(self):
        put, c = self.put, self.c
        nope, rope, rank = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["kv_lora_rank"]
        put("rope.dimension_count", rope)
        put("attention.q_lora_rank", c["q_lora_rank"])
        put("attention.kv_lora_rank", rank)
        # Newer files call what is cached the key.
        lengths = ("key_length", "value_length")
        if self.is_parted:
            put("attention.key_length", rank + rope)
            put("attention.value_length", rank)
            put("attention.head_count_kv", 1)
            lengths = ("key_length_mla", "value_length_mla")
        put("attention." + lengths[0], nope + rope)
        put("attention." + lengths[1], c["v_head_dim"])
        put("leading_dense_block_count", c["first_k_dense_replace"])
        put("expert_shared_count", c["n_shared_experts"])
        put("expert_weights_scale", float(c["routed_scaling_factor"]))
        put("expert_weights_norm", self.kind == "deepseek_v3" and c["norm_topk_prob"])
        put("expert_gating_func", 2 if self.kind == "deepseek_v3" else 1)
        put("expert_group_count", c["n_group"])
        put("expert_group_used_count", c["topk_group"])
        one = self.config.rope_parameters
        if one["rope_type"] == "yarn":
            put("rope.scaling.yarn_log_multiplier", 0.1 * one["mscale_all_dim"])
            # In published models both are equal.
            put("rope.scaling.attn_factor",
                growth(one["factor"], one["mscale"]) / growth(one["factor"], one["mscale_all_dim"]))

    own_deepseek_v3 = own_deepseek_v2

    # What the tensors hold.

    @property
    def is_parted(self): return self.name != "deepseek_v2"

    def convert(self):
        self.metadata()
        names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == self.arch), self.layers)
        stacks = {}
        for name, x in load_file(self.folder / "model.safetensors").items():
            name = name.removeprefix("bert.")
            if name.startswith("cls.") or ".nextn" in name:
                continue
            stem, _, suffix = name.rpartition(".")
            parts = stem.split(".")
            if "experts" in parts and parts[-2].isdigit():
                # One expert's matrix; all of them are known by the same name without the number.
                stacks.setdefault((".".join(parts[:-2] + parts[-1:]), suffix), {})[int(parts[-2])] = x
                continue
            if "norms" in parts:  # StableLM: a norm a head
                stacks.setdefault((".".join(parts[:-2]), suffix), {})[int(parts[-1])] = x
                continue
            if name.endswith("e_score_correction_bias"):
                stem, suffix = name.replace("e_score_correction_bias", "e_score_correction"), "bias"
            elif name.endswith(".sinks"):
                stem, suffix = name, "weight"
            elif self.kind == "gpt_oss" and ".experts." in name:
                self.gpt_oss_experts(name, x, names)
                continue
            self.add(names, stem, suffix, x)
        for (stem, suffix), some in stacks.items():
            self.add(names, stem, suffix, torch.stack([some[i] for i in sorted(some)]))

    def add(self, names, stem, suffix, x):
        # A dense layer among layers of experts has the usual names.
        usual = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, self.layers)
        name = names.get_name(stem) or usual.get_name(stem)
        assert name, f"{self.name}: no name for {stem}"
        last = name.rpartition(".")[2]
        if self.arch in ("llama", "granite", "olmo", "smollm3") and last in ("attn_q", "attn_k"):
            x = neighbours(x, self.heads if last == "attn_q" else self.key_heads)
        if self.arch.startswith("gemma") and last.endswith("norm"):
            x = x.float() + 1
        if self.arch == "gpt2" and last in ("attn_qkv", "attn_output", "ffn_up", "ffn_down") and suffix == "weight":
            x = x.T
        if last == "attn_qkv" and self.arch in ("gptneox", "bloom", "falcon"):
            x = ungrouped(x, self.heads, self.key_heads)
        if last == "attn_kv_b" and self.is_parted:
            part = x.view(self.heads, -1, x.shape[1])
            keys, values = part.split([self.c["qk_nope_head_dim"], self.c["v_head_dim"]], 1)
            self.tensors[name[:-4] + "k_b.weight"] = keys.transpose(1, 2)
            self.tensors[name[:-4] + "v_b.weight"] = values
            return
        if last == "ffn_gate_inp_shexp":
            x = x[0]
        self.tensors[f"{name}.{suffix}"] = x

    def gpt_oss_experts(self, name, x, names):
        stem, suffix = (name[:-5], "bias") if name.endswith("_bias") else (name, "weight")
        if suffix == "weight":
            x = x.transpose(1, 2)
        if "gate_up_proj" in stem:
            for first, part in enumerate(("gate_proj", "up_proj")):
                self.add(names, stem.replace("gate_up_proj", part), suffix, x[:, first::2])
        else:
            self.add(names, stem, suffix, x)

    def as_before_stacking(self):
        """Experts one by one, as the first files of Mixtral have them."""
        for name in [n for n in self.tensors if "_exps." in n]:
            for i, x in enumerate(self.tensors.pop(name)):
                self.tensors[name.replace("_exps.", f".{i}.")] = x

    def write(self, path, split=0, quantised=False, widened=False):
        writer = gguf.GGUFWriter(path, self.arch, split_max_tensors=split)
        writer.add_name(self.name)
        writer.add_tokenizer_model("none")
        for key, value in self.meta.items():
            if isinstance(value, bool): writer.add_bool(key, value)
            elif isinstance(value, int): writer.add_uint32(key, value)
            elif isinstance(value, float): writer.add_float32(key, value)
            elif isinstance(value, list): writer.add_array(key, value)
            else: writer.add_string(key, value)
        for name, x in self.tensors.items():
            x = x.contiguous()
            if widened or x.ndim == 1 or "norm" in name or "bias" in name:
                x = x.float()
            if x.dtype == torch.bfloat16 or quantised and x.ndim > 1 and x.shape[-1] % 32 == 0:
                kind = gguf.GGMLQuantizationType.Q8_0 if quantised else gguf.GGMLQuantizationType.BF16
                writer.add_tensor(name, gguf.quants.quantize(x.float().numpy(), kind), raw_dtype=kind)
            else:
                writer.add_tensor(name, x.numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def growth(factor, scale=1):
    return float(0.1 * scale * np.log(factor) + 1)


def neighbours(x, heads):
    """Rows i and i + half of each head become 2i and 2i + 1."""
    return x.reshape(heads, 2, -1, *x.shape[1:]).transpose(1, 2).reshape(x.shape)


def ungrouped(x, heads, key_heads):
    """Of each group its queries, key and value: all queries, all keys, all values."""
    groups = x.reshape(key_heads, heads // key_heads + 2, -1, *x.shape[1:])
    return torch.cat([groups[:, part].reshape(-1, *x.shape[1:]) for part in (slice(0, -2), [-2], [-1])])


def llama3_factors(p, width):
    turn = p["rope_theta"] ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    turns = p["original_max_position_embeddings"] / (2 * np.pi * turn)
    low, high = p["low_freq_factor"], p["high_freq_factor"]
    smooth = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 / ((1 - smooth) / p["factor"] + smooth)).float()


def agreement(case, path, alone):
    """The largest difference of transformers' logits from the file and from the safetensors, in parts of the largest."""
    load = transformers.AutoModelForCausalLM.from_pretrained
    ids = torch.arange(20)[None] * 7 % 24
    own = load(case.folder, dtype=torch.float32, attn_implementation="eager").eval()
    more = {} if alone else dict(config=case.config)
    other = load(path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager", **more).eval()
    with torch.no_grad():
        a, b = own(ids).logits, other(ids).logits
    return float((a - b).abs().max() / a.abs().max())


def main(asked):
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    out = FIXTURES / "gguf"
    out.mkdir(exist_ok=True)
    failed = 0
    for name in CASES + PASSING:
        if asked and name not in asked:
            continue
        case = Case(name)
        case.convert()
        path = (Path(tempfile.mkdtemp()) if name in PASSING else out) / f"{name}.gguf"
        case.write(path)
        if name == "mixtral":
            case.as_before_stacking()
            case.write(out / "mixtral-unstacked.gguf")
        if name == "llama-yarn":
            case.write(out / "llama-yarn-q8.gguf", quantised=True)
        if name == "llama":
            (out / "parts").mkdir(exist_ok=True)
            case.write(out / "parts" / "llama.gguf", split=12)
        line = f"{name}: {case.arch}, {path.stat().st_size} bytes"
        if name in ALONE + WEIGHTS:
            try:
                error = agreement(case, path, name in ALONE)
                line += f", transformers from the {'file' if name in ALONE else 'weights'} alone: {error:.1e}"
                failed += not error < 1e-5
            except Exception as problem:
                line += f", transformers: {type(problem).__name__}: {str(problem)[:200]}"
                failed += 1
        print(line, flush=True)
    sys.exit(failed)


def float32(folder, asked):
    folder = Path(folder)
    for name in asked or CASES:
        case = Case(name, simpler(name))
        case.convert()
        case.write(folder / f"{name}.gguf", widened=True)
        expected = load_file(FIXTURES / name / "expected.safetensors")
        ids, lengths = expected["ids"].long(), expected["lengths"].tolist()
        kind = transformers.AutoModel if name == "bert" else transformers.AutoModelForCausalLM
        model = kind.from_pretrained(case.folder, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            results = [model(part[None]) for part in ids.split(lengths)]
        values = torch.cat([(r.last_hidden_state if name == "bert" else r.logits)[0] for r in results])
        np.savez(folder / f"{name}.npz", ids=ids.numpy(), lengths=np.array(lengths), values=values.numpy())


def gemma(path):
    path = Path(path)
    load = dict(gguf_file=path.name, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, **load).eval()
    ids = tokenizer("The capital of France is")["input_ids"]
    text = tokenizer("A probe reads what a layer knows. The layer does not mind; it has a residual stream to feed, and "
                     "twelve heads that look back at every word before this one.")["input_ids"]
    with torch.no_grad():
        greedy = model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0, len(ids):].tolist()
        logits = model(torch.tensor([text])).logits[0]
        last = model(torch.tensor([ids])).logits[0, -1]
    columns = list(range(0, logits.shape[1], 4099))
    rows = sorted({1, len(text) // 2, len(text) - 1})
    result = dict(
        ids=ids, greedy=greedy, greedyText=tokenizer.decode(greedy), text=text, columns=columns, rows=rows,
        last=[round(v, 5) for v in last[columns].tolist()],
        logits=[[round(v, 5) for v in logits[r, columns].tolist()] for r in rows],
        largest=round(float(logits[rows].abs().max()), 5), top=[int(logits[r].argmax()) for r in range(len(text))])
    (FIXTURES / "gguf" / "gemma.json").write_text(json.dumps(result) + "\n")
    print(result["greedyText"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--gemma"]: gemma(sys.argv[2])
    elif sys.argv[1:2] == ["--float32"]: float32(sys.argv[2], sys.argv[3:])
    else: main(sys.argv[1:])
