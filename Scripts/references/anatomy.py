"""How many parameters transformers' own classes have, built without weights, for the tests of Anatomy.

    pip install transformers==5.23.0 torch==2.13.0
    python Scripts/references/anatomy.py Tests/AnatomyTests/Fixtures/anatomy.json

The released models' facts below are typed from the papers that introduce them and from the configurations that their
makers published; Unfold's presets were written separately. `published` is the count that the makers' files hold, where
it is known, as a check on both. `active` are the parameters that one token uses: experts' by the share of them that wake
up, all others whole; the makers' rounded figures are held against it. Also: small random configurations of every family
with their options, and the floating-point operations that PyTorch counts in forward passes, experts included.
"""

import json
import random
import sys
from pathlib import Path

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM


def gpt2(width, layers, heads):
    return dict(model_type="gpt2", vocab_size=50257, n_positions=1024, n_embd=width, n_layer=layers, n_head=heads)


def rotary(kind, vocabulary, width, neurons, layers, heads, key_values, context, **more):
    return dict(
        model_type=kind, vocab_size=vocabulary, hidden_size=width, intermediate_size=neurons,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=key_values,
        max_position_embeddings=context, **more)


def qwen2(width, neurons, layers, heads, key_values, tied, vocabulary=151936, context=131072):
    return rotary("qwen2", vocabulary, width, neurons, layers, heads, key_values, context, tie_word_embeddings=tied)


def qwen3(width, neurons, layers, heads, tied):
    return rotary("qwen3", 151936, width, neurons, layers, heads, 8, 40960, head_dim=128, tie_word_embeddings=tied)


def qwen3_moe(width, neurons, expert, layers, heads):
    return rotary(
        "qwen3_moe", 151936, width, neurons, layers, heads, 4, 40960, head_dim=128, moe_intermediate_size=expert,
        num_experts=128, num_experts_per_tok=8)


def gemma2(width, neurons, layers, heads, key_values, head):
    return rotary("gemma2", 256000, width, neurons, layers, heads, key_values, 8192, head_dim=head)


# name: (configuration, the count that the makers' files hold)
PRESETS = {
    "gpt2": (gpt2(768, 12, 12), 124_439_808),
    "gpt2-medium": (gpt2(1024, 24, 16), 354_823_168),
    "gpt2-large": (gpt2(1280, 36, 20), 774_030_080),
    "gpt2-xl": (gpt2(1600, 48, 25), 1_557_611_200),
    "llama-2-7b": (rotary("llama", 32000, 4096, 11008, 32, 32, 32, 4096), 6_738_415_616),
    "llama-2-13b": (rotary("llama", 32000, 5120, 13824, 40, 40, 40, 4096), 13_015_864_320),
    "llama-2-70b": (rotary("llama", 32000, 8192, 28672, 80, 64, 8, 4096), 68_976_648_192),
    "llama-3-8b": (rotary("llama", 128256, 4096, 14336, 32, 32, 8, 8192), 8_030_261_248),
    "llama-3-70b": (rotary("llama", 128256, 8192, 28672, 80, 64, 8, 8192), 70_553_706_496),
    "llama-3-405b": (rotary("llama", 128256, 16384, 53248, 126, 128, 8, 131072), 405_853_388_800),
    "mistral-7b": (rotary("mistral", 32000, 4096, 14336, 32, 32, 8, 32768, sliding_window=4096), 7_241_732_096),
    "mixtral-8x7b": (
        rotary("mixtral", 32000, 4096, 14336, 32, 32, 8, 32768, num_local_experts=8, num_experts_per_tok=2),
        46_702_792_704),
    "qwen2.5-0.5b": (qwen2(896, 4864, 24, 14, 2, True, context=32768), 494_032_768),
    "qwen2.5-1.5b": (qwen2(1536, 8960, 28, 12, 2, True), 1_543_714_304),
    "qwen2.5-3b": (qwen2(2048, 11008, 36, 16, 2, True, context=32768), 3_085_938_688),
    "qwen2.5-7b": (qwen2(3584, 18944, 28, 28, 4, False, 152064), 7_615_616_512),
    "qwen2.5-14b": (qwen2(5120, 13824, 48, 40, 8, False, 152064), 14_770_033_664),
    "qwen2.5-32b": (qwen2(5120, 27648, 64, 40, 8, False, 152064), 32_763_876_352),
    "qwen2.5-72b": (qwen2(8192, 29568, 80, 64, 8, False, 152064), 72_706_203_648),
    "qwen3-0.6b": (qwen3(1024, 3072, 28, 16, True), None),
    "qwen3-1.7b": (qwen3(2048, 6144, 28, 16, True), None),
    "qwen3-4b": (qwen3(2560, 9728, 36, 32, True), 4_022_468_096),
    "qwen3-8b": (qwen3(4096, 12288, 36, 32, False), 8_190_735_360),
    "qwen3-14b": (qwen3(5120, 17408, 40, 40, False), 14_768_307_200),
    "qwen3-32b": (qwen3(5120, 25600, 64, 64, False), 32_762_123_264),
    "qwen3-30b-a3b": (qwen3_moe(2048, 6144, 768, 48, 32), 30_532_122_624),
    "qwen3-235b-a22b": (qwen3_moe(4096, 12288, 1536, 94, 64), 235_093_634_560),
    "gemma-2-2b": (gemma2(2304, 9216, 26, 8, 4, 256), 2_614_341_888),
    "gemma-2-9b": (gemma2(3584, 14336, 42, 16, 8, 256), 9_241_705_984),
    "gemma-2-27b": (gemma2(4608, 36864, 46, 32, 16, 128), 27_227_128_320),
    "deepseek-v3": (
        rotary(
            "deepseek_v3", 129280, 7168, 18432, 61, 128, 128, 163840, moe_intermediate_size=2048, n_shared_experts=1,
            n_routed_experts=256, num_experts_per_tok=8, n_group=8, topk_group=4, first_k_dense_replace=3,
            kv_lora_rank=512, q_lora_rank=1536, qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128),
        None),
}


def masked(kind, vocabulary, positions, types):
    return dict(
        model_type=kind, vocab_size=vocabulary, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, max_position_embeddings=positions, type_vocab_size=types)


def opt(width, neurons, layers, heads, **more):
    return dict(
        model_type="opt", vocab_size=50272, hidden_size=width, ffn_dim=neurons, num_hidden_layers=layers,
        num_attention_heads=heads, max_position_embeddings=2048, **more)


def neox(width, neurons, layers, heads, vocabulary=50304):
    return dict(
        model_type="gpt_neox", vocab_size=vocabulary, hidden_size=width, intermediate_size=neurons,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=2048, rotary_pct=0.25)


def gpt_oss(layers, experts):
    return rotary(
        "gpt_oss", 201088, 2880, 2880, layers, 64, 8, 131072, head_dim=64, num_local_experts=experts,
        num_experts_per_tok=4, sliding_window=128)


def falcon(vocabulary, width, layers, heads, **more):
    return dict(
        model_type="falcon", vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, **more)


# Released models of further families, one or two of each: for these Unfold has no presets.
FAMILIES = {
    "gemma-2b": (rotary("gemma", 256000, 2048, 16384, 18, 8, 1, 8192, head_dim=256), 2_506_172_416),
    "gemma-7b": (rotary("gemma", 256000, 3072, 24576, 28, 16, 16, 8192, head_dim=256), 8_537_680_896),
    "gemma-3-270m": (
        rotary("gemma3_text", 262144, 640, 2048, 18, 4, 1, 32768, head_dim=256, sliding_window=512), 268_098_176),
    "gemma-3-1b": (
        rotary("gemma3_text", 262144, 1152, 6912, 26, 4, 1, 32768, head_dim=256, sliding_window=512), 999_885_952),
    "gemma-3-4b": (
        dict(model_type="gemma3", text_config=rotary(
            "gemma3_text", 262208, 2560, 10240, 34, 8, 4, 131072, head_dim=256, sliding_window=1024)), 3_880_263_168),
    "pythia-70m": (neox(512, 2048, 6, 8), 70_426_624),
    "pythia-6.9b": (neox(4096, 16384, 32, 32, 50432), 6_857_302_016),
    "gpt-neo-125m": (
        dict(model_type="gpt_neo", vocab_size=50257, hidden_size=768, num_layers=12, num_heads=12,
             max_position_embeddings=2048, window_size=256, attention_types=[[["global", "local"], 6]]), 125_198_592),
    "olmo-1b": (rotary("olmo", 50304, 2048, 8192, 16, 16, 16, 2048, tie_word_embeddings=True), 1_176_764_416),
    "olmo-7b": (rotary("olmo", 50304, 4096, 11008, 32, 32, 32, 2048), 6_888_095_744),
    "olmo-2-7b": (rotary("olmo2", 100352, 4096, 11008, 32, 32, 32, 4096), 7_298_617_344),
    "olmo-3-7b": (rotary("olmo3", 100278, 4096, 11008, 32, 32, 32, 65536, sliding_window=4096), 7_298_011_136),
    "gpt-j-6b": (
        dict(model_type="gptj", vocab_size=50400, n_embd=4096, n_layer=28, n_head=16, n_positions=2048, rotary_dim=64),
        6_050_882_784),
    "opt-125m": (opt(768, 3072, 12, 12), 125_239_296),
    "opt-350m": (opt(1024, 4096, 24, 16, word_embed_proj_dim=512, do_layer_norm_before=False), 331_196_416),
    "opt-6.7b": (opt(4096, 16384, 32, 32), 6_658_473_984),
    "phi-1.5": (rotary("phi", 51200, 2048, 8192, 24, 32, 32, 2048, partial_rotary_factor=0.5), 1_418_270_720),
    "phi-2": (rotary("phi", 51200, 2560, 10240, 32, 32, 32, 2048, partial_rotary_factor=0.4), 2_779_683_840),
    "phi-3-mini-4k": (rotary("phi3", 32064, 3072, 8192, 32, 32, 32, 4096, sliding_window=2047), 3_821_079_552),
    "gpt-oss-20b": (gpt_oss(24, 32), 20_914_757_184),
    "gpt-oss-120b": (gpt_oss(36, 128), 116_829_156_672),
    "qwen1.5-moe-a2.7b": (
        rotary("qwen2_moe", 151936, 2048, 5632, 24, 16, 16, 8192, moe_intermediate_size=1408,
               shared_expert_intermediate_size=5632, num_experts=60, num_experts_per_tok=4), 14_315_784_192),
    "olmoe-1b-7b": (
        rotary("olmoe", 50304, 2048, 1024, 16, 16, 16, 4096, num_experts=64, num_experts_per_tok=8), 6_919_161_856),
    "deepseek-v2-lite": (
        rotary(
            "deepseek_v2", 102400, 2048, 10944, 27, 16, 16, 163840, moe_intermediate_size=1408, n_shared_experts=2,
            n_routed_experts=64, num_experts_per_tok=6, first_k_dense_replace=1, kv_lora_rank=512, q_lora_rank=None,
            qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128), 15_706_484_224),
    "deepseek-v2": (
        rotary(
            "deepseek_v2", 102400, 5120, 12288, 60, 128, 128, 163840, moe_intermediate_size=1536, n_shared_experts=2,
            n_routed_experts=160, num_experts_per_tok=6, n_group=8, topk_group=3, topk_method="group_limited_greedy",
            first_k_dense_replace=1, kv_lora_rank=512, q_lora_rank=1536, qk_rope_head_dim=64, qk_nope_head_dim=128,
            v_head_dim=128, routed_scaling_factor=16.0), 235_741_434_880),
    "bloom-560m": (
        dict(model_type="bloom", vocab_size=250880, hidden_size=1024, n_layer=24, n_head=16), 559_214_592),
    "falcon-7b": (falcon(65024, 4544, 32, 71), None),
    "falcon-40b": (falcon(65024, 8192, 60, 128, num_kv_heads=8, new_decoder_architecture=True), None),
    "falcon-rw-1b": (
        falcon(50304, 2048, 24, 32, alibi=True, bias=True, multi_query=False, parallel_attn=False), 1_311_625_216),
    "stablelm-3b-4e1t": (
        rotary("stablelm", 50304, 2560, 6912, 32, 32, 32, 4096, partial_rotary_factor=0.25), 2_795_443_200),
    "stablelm-2-12b": (
        rotary("stablelm", 100352, 5120, 13824, 40, 32, 8, 4096, partial_rotary_factor=0.25, qk_layernorm=True,
               use_parallel_residual=True), None),
    "roberta-base": (masked("roberta", 50265, 514, 1), 124_697_433),
    "xlm-roberta-base": (masked("xlm-roberta", 250002, 514, 1), 278_295_186),
    "distilbert-base": (
        dict(model_type="distilbert", vocab_size=30522, dim=768, hidden_dim=3072, n_layers=6, n_heads=12,
             max_position_embeddings=512), 66_985_530),
    "glm-4-9b-0414": (
        rotary("glm4", 151552, 4096, 13696, 40, 32, 2, 32768, head_dim=128, attention_bias=True), 9_400_279_040),
    "command-r": (rotary("cohere", 256000, 8192, 22528, 40, 64, 64, 131072, logit_scale=0.0625), 34_980_831_232),
    "command-r7b": (
        rotary("cohere2", 256000, 4096, 14336, 32, 32, 8, 132096, logit_scale=0.25, sliding_window=4096), 8_028_033_024),
    "granite-3.0-2b": (
        rotary("granite", 49155, 2048, 8192, 40, 32, 8, 4096, tie_word_embeddings=True, embedding_multiplier=12.0,
               attention_multiplier=0.015625, residual_multiplier=0.22, logits_scaling=8.0), None),
    "smollm3-3b": (rotary("smollm3", 128256, 2048, 11008, 36, 16, 4, 65536), 3_075_098_624),
    "starcoder2-3b": (rotary("starcoder2", 49152, 3072, 12288, 30, 24, 2, 16384, sliding_window=4096), 3_030_371_328),
    "mistral-small-3.1-24b": (
        dict(model_type="mistral3", text_config=rotary(
            "mistral", 131072, 5120, 32768, 40, 32, 8, 131072, head_dim=128, sliding_window=None), tie_word_embeddings=False),
        23_572_403_200),
}


# Billions of parameters that a token uses, as the makers round them: arXiv 2401.04088, 2505.09388, 2412.19437.
ACTIVE = {"mixtral-8x7b": 13, "qwen3-30b-a3b": 3, "qwen3-235b-a22b": 22, "deepseek-v3": 37}


def build(configuration, device="meta"):
    configuration = dict(configuration)
    # Of a model that also sees, the text.
    config = AutoConfig.for_model(configuration.pop("model_type"), **configuration).get_text_config()
    kind = AutoModelForCausalLM
    if config.model_type in ("roberta", "xlm-roberta", "distilbert"):
        kind = AutoModelForMaskedLM
    if config.model_type == "bert":
        kind = AutoModelForMaskedLM if "BertForMaskedLM" in (config.architectures or []) else AutoModel
    with torch.device(device):
        # Eager experts: those that no token chose are not run, and not counted.
        return kind.from_config(config, attn_implementation="eager", experts_implementation="eager")


def part(name):
    if any(word in name for word in ("wte", "wpe", "embed_tokens", "embed_positions", "embed_in", "_embeddings.", "project_in")):
        return "embedding"
    if any(word in name for word in ("ln_", "norm", "LayerNorm", "layer_norm")):
        return "norm"
    if any(word in name for word in ("lm_head", "embed_out", "predictions", "pooler", "vocab_", "project_out")):
        return "head"
    if "attn" in name or "attention" in name:
        return "attention"
    return "mlp"


def count(configuration):
    model = build(configuration)
    result = {"configuration": configuration, "parameters": 0, "active": 0, "biases": 0, "parts": {}}
    experts = [getattr(model.config, key, None) for key in ("num_local_experts", "num_experts", "n_routed_experts")]
    experts = next((number for number in experts if number), None)
    for name, tensor in model.named_parameters():
        # Also where a head that shares it is named first.
        kind = "embedding" if tensor is model.get_input_embeddings().weight else part(name)
        if "predictions" in name and "LayerNorm" in name or name.startswith(("lm_head.layer_norm", "vocab_layer_norm")):
            kind = "head"
        result["parameters"] += tensor.numel()
        if ".experts." in name:
            awake, rest = divmod(tensor.numel() * model.config.num_experts_per_tok, experts)
            assert rest == 0
            result["active"] += awake
        else:
            result["active"] += tensor.numel()
        result["parts"][kind] = result["parts"].get(kind, 0) + tensor.numel()
        if name.endswith("bias"):
            result["biases"] += tensor.numel()
    return result


def variants(rng):
    """Small configurations with every option that changes a count."""
    def size(low, high, step=1):
        return rng.randrange(low, high) * step

    def flag():
        return rng.random() < 0.5

    def base(kind, **more):
        groups = size(1, 5)
        heads = groups * size(1, 5)
        head = size(2, 9, 2)
        fields = rotary(
            kind, size(50, 500), size(2, 9) * heads * 2, size(10, 200), size(1, 7), heads, groups, size(32, 512))
        if kind not in ("gpt_neox",) and flag():
            fields["head_dim"] = head
        fields["tie_word_embeddings"] = flag()
        fields.update(more)
        return fields

    for _ in range(4):
        heads = size(1, 7)
        fields = dict(
            model_type="gpt2", vocab_size=size(50, 500), n_positions=size(16, 99), n_embd=heads * size(2, 9),
            n_layer=size(1, 6), n_head=heads, tie_word_embeddings=flag())
        if flag():
            fields["n_inner"] = size(5, 90)
        yield fields
    for _ in range(3):
        yield base("llama", attention_bias=flag(), mlp_bias=flag())
        yield base("mistral", sliding_window=16)
        yield base("qwen2")
        yield base("qwen3", attention_bias=flag())
        yield base("gemma2", attention_bias=flag(), head_dim=size(2, 9, 2))
        experts = size(2, 9)
        yield base("mixtral", num_local_experts=experts, num_experts_per_tok=rng.randrange(1, experts + 1))
        layers = size(3, 7)
        yield base(
            "qwen3_moe", num_hidden_layers=layers, num_experts=experts, num_experts_per_tok=1,
            moe_intermediate_size=size(3, 30), decoder_sparse_step=size(1, 3),
            mlp_only_layers=[rng.randrange(layers)] if flag() else [], attention_bias=flag(), head_dim=size(2, 9, 2))
        neox = base("gpt_neox", attention_bias=flag())
        del neox["num_key_value_heads"]
        yield neox
        heads = size(1, 6)
        yield dict(
            base("deepseek_v3"), num_attention_heads=heads, num_key_value_heads=heads, num_hidden_layers=layers,
            first_k_dense_replace=rng.randrange(layers + 1), moe_intermediate_size=size(3, 30),
            n_shared_experts=size(1, 4), n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2,
            kv_lora_rank=size(3, 20), q_lora_rank=size(3, 20) if flag() else None, qk_rope_head_dim=size(1, 5, 2),
            qk_nope_head_dim=size(1, 20), v_head_dim=size(1, 20), attention_bias=flag(), head_dim=None)
        for architecture in ("BertModel", "BertForMaskedLM"):
            yield dict(
                model_type="bert", architectures=[architecture], vocab_size=size(50, 500), hidden_size=heads * size(2, 9),
                num_hidden_layers=size(1, 6), num_attention_heads=heads, intermediate_size=size(5, 90),
                max_position_embeddings=size(16, 99), type_vocab_size=size(1, 4))


def flops(configuration, tokens):
    """What PyTorch counts for one text of so many tokens: whole squares of scores, matrix products alone."""
    model = build(configuration, "cpu").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        # Different tokens, so that experts of all kinds wake up.
        model(input_ids=torch.randint(configuration["vocab_size"], (1, tokens)), use_cache=False)
    return {"configuration": configuration, "tokens": tokens, "flops": counter.get_total_flops()}


FLOPS = [
    (gpt2(768, 12, 12), 96),
    (rotary("llama", 1000, 96, 200, 3, 6, 2, 128, head_dim=16), 64),
    (rotary("qwen3", 1000, 96, 200, 3, 6, 3, 128, head_dim=24), 64),
    (rotary("gemma2", 1000, 96, 200, 4, 6, 2, 128, head_dim=16), 64),
    (rotary(
        "deepseek_v3", 1000, 96, 200, 3, 6, 6, 128, first_k_dense_replace=3, moe_intermediate_size=10,
        n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2, kv_lora_rank=24, q_lora_rank=32,
        qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=20), 64),
    (rotary("mixtral", 1000, 96, 200, 3, 6, 2, 128, head_dim=16, num_local_experts=8, num_experts_per_tok=2), 64),
    (rotary(
        "qwen3_moe", 1000, 96, 200, 4, 6, 2, 128, head_dim=24, num_experts=16, num_experts_per_tok=4,
        moe_intermediate_size=40, mlp_only_layers=[1]), 64),
    (rotary(
        "deepseek_v3", 1000, 96, 200, 4, 6, 6, 128, first_k_dense_replace=1, moe_intermediate_size=32,
        n_shared_experts=2, n_routed_experts=16, num_experts_per_tok=4, n_group=4, topk_group=2, kv_lora_rank=24,
        q_lora_rank=32, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=20), 64),
]

torch.manual_seed(0)
result = {"transformers": transformers.__version__, "presets": {}, "families": {}, "variants": [], "flops": []}
for name, (configuration, published) in (PRESETS | FAMILIES).items():
    counted = count(configuration)
    if published is not None and published != counted["parameters"]:
        sys.exit(f"{name}: transformers counts {counted['parameters']}, the makers' files hold {published}")
    if name in ACTIVE and abs(counted["active"] / 1e9 - ACTIVE[name]) > 1:
        sys.exit(f"{name}: {counted['active']} parameters are used by a token, the makers say {ACTIVE[name]} billion")
    counted["published"] = published
    result["presets" if name in PRESETS else "families"][name] = counted
result["variants"] = [count(configuration) for configuration in variants(random.Random(5))]
result["flops"] = [flops(*case) for case in FLOPS]
Path(sys.argv[1]).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
