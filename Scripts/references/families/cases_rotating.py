"""Cases of the families that rotate and have no experts."""
import copy

import torch
import transformers as hf

from .case import case

COMMON = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=192, attn_implementation="eager",
              bos_token_id=1, eos_token_id=2, pad_token_id=0)
CASES = {}


def new(name, kind, *more, settings=None, config=None, rename=None, ids_below=None, **options):
    """A case of Hugging Face's causal model of that kind."""
    settings = getattr(hf, settings or kind + "Config")
    CASES[name] = lambda: case(name, getattr(hf, kind + "ForCausalLM")(settings(**(COMMON | options))), *more,
                               config=config, rename=rename, ids_below=ids_below)


def old_rope(scaling=None, fraction=None, **moved):
    """The rope of a configuration as the hub spells it."""
    def change(config):
        rope = config.pop("rope_parameters")
        config[moved.get("theta", "rope_theta")] = rope["rope_theta"]
        if fraction:
            config[fraction] = rope["partial_rotary_factor"]
        if scaling:
            config["rope_scaling"] = scaling
    return change


def chain(*changes, drop=()):
    def change(config):
        for one in changes:
            one(config)
        for key in drop:
            config.pop(key, None)
    return change


def gemma3_old(config):
    """`sliding_window_pattern`, `rope_local_base_freq` and one `rope_scaling`."""
    rope = config.pop("rope_parameters")
    config.pop("layer_types")
    config["sliding_window_pattern"] = 3
    config["rope_theta"] = rope["full_attention"]["rope_theta"]
    config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    config["rope_scaling"] = dict(rope_type="linear", factor=8.0)


half, brain = torch.float16, torch.bfloat16

# √24 is not √24 in bfloat16.
new("gemma2", "Gemma2", brain, hidden_size=24, num_hidden_layers=3, head_dim=6, query_pre_attn_scalar=9,
    sliding_window=7, attn_logit_softcapping=2.0, final_logit_softcapping=3.0,
    config=chain(old_rope(), drop=["layer_types"]))
new("gemma2-uncapped", "Gemma2", half, head_dim=4, attn_logit_softcapping=None, final_logit_softcapping=None,
    sliding_window=9, attention_bias=True, tie_word_embeddings=False,
    layer_types=["full_attention", "sliding_attention"])
gemma3_rope = dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=5000.0),
                   sliding_attention=dict(rope_type="default", rope_theta=300.0))
gemma3 = dict(num_hidden_layers=3, head_dim=6, query_pre_attn_scalar=8, sliding_window=7, hidden_size=24)
new("gemma3", "Gemma3", brain, settings="Gemma3TextConfig", **gemma3, sliding_window_pattern=3,
    rope_parameters=copy.deepcopy(gemma3_rope), config=gemma3_old)
new("gemma3-types", "Gemma3", half, settings="Gemma3TextConfig", **(gemma3 | dict(num_hidden_layers=2)),
    final_logit_softcapping=4.0, layer_types=["full_attention", "sliding_attention"])


def seeing(name, kind, text, vision, *more, rename=None, config=None, **options):
    """A model that also sees: its text lies under `text_config`."""
    def make():
        wide = COMMON | text
        wide.pop("attn_implementation")
        settings = getattr(hf, kind + "Config")(
            text_config=wide, vision_config=vision, attn_implementation="eager", **options)
        case(name, getattr(hf, kind + "ForConditionalGeneration")(settings), *more, rename=rename, config=config,
             ids_below=wide["vocab_size"] - 1)
    CASES[name] = make


siglip = dict(model_type="siglip_vision_model", hidden_size=8, intermediate_size=8, num_hidden_layers=1,
              num_attention_heads=2, image_size=8, patch_size=4, num_channels=1)
seeing("gemma3-seeing", "Gemma3", dict(
    model_type="gemma3_text", **gemma3, sliding_window_pattern=3, rope_parameters=copy.deepcopy(gemma3_rope)),
    siglip, brain, mm_tokens_per_image=4, image_token_index=23, boi_token_index=21, eoi_token_index=22,
    config=lambda c: gemma3_old(c["text_config"]))



def newer_names(name):
    """As transformers 5 names a seeing model's tensors in memory."""
    if name.startswith("language_model.lm_head"):
        return name.removeprefix("language_model.")
    return "model." + name.replace("language_model.model.", "language_model.")


pixtral = dict(model_type="pixtral", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
               image_size=8, patch_size=4, num_channels=1, head_dim=4)
seeing("mistral3-seeing", "Mistral3", dict(model_type="mistral", head_dim=6, sliding_window=None, rope_parameters=dict(
    rope_type="default", rope_theta=5000.0)), pixtral, half, image_token_index=23, tie_word_embeddings=False,
    rename=newer_names, config=lambda c: old_rope()(c["text_config"]))

qwen3 = dict(head_dim=6)
new("qwen3", "Qwen3", brain, **qwen3, config=chain(old_rope(), drop=["layer_types"]))
new("qwen3-windows", "Qwen3", half, **qwen3, attention_bias=True, tie_word_embeddings=True, num_hidden_layers=3,
    use_sliding_window=True, sliding_window=7, max_window_layers=1, num_key_value_heads=4)
# The hub's Gemma 1 says gelu and means the tanh form.
new("gemma", "Gemma", brain, hidden_size=24, head_dim=8, num_key_value_heads=1,
    config=chain(old_rope(), lambda c: c.update(hidden_act="gelu")))
new("olmo", "Olmo", num_key_value_heads=4, clip_qkv=0.8, config=old_rope())
new("olmo-bias", "Olmo", half, attention_bias=True, tie_word_embeddings=True)
new("olmo2", "Olmo2", brain, config=old_rope())
yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=48, rope_theta=500000.0, beta_fast=8.0,
            beta_slow=1.0)


def olmo3_old(config):
    rope = config.pop("rope_parameters")["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope


new("olmo3", "Olmo3", brain, num_attention_heads=2, num_key_value_heads=1, num_hidden_layers=4,
    sliding_window=7, config=chain(olmo3_old, drop=["layer_types"]),
    rope_parameters=dict(full_attention=dict(yarn, attention_factor=1.2), sliding_attention=dict(
        rope_type="default", rope_theta=500000.0)))
new("phi", "Phi", half, num_key_value_heads=4, hidden_size=32, partial_rotary_factor=0.5,
    config=old_rope(fraction="partial_rotary_factor"))
new("phi-qk-norm", "Phi", hidden_size=32, qk_layernorm=True, hidden_act="gelu", rope_parameters=dict(
    rope_type="default", rope_theta=500.0, partial_rotary_factor=0.25))
short, long = [1.0, 1.1, 1.5, 2.0], [1.2, 3.0, 6.0, 8.0]
new("phi3", "Phi3", brain, hidden_size=32, original_max_position_embeddings=48, rope_parameters=dict(
    rope_type="longrope", rope_theta=10000.0, short_factor=short, long_factor=long),
    config=old_rope(dict(type="longrope", short_factor=short, long_factor=long)))
new("phi3-windows", "Phi3", half, hidden_size=32, sliding_window=9, rope_parameters=dict(
    rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.75), tie_word_embeddings=True)
# As Phi-4-mini: a part of each head, and the older length among rope's parameters.
new("phi3-partial", "Phi3", brain, hidden_size=32, tie_word_embeddings=True, original_max_position_embeddings=48,
    rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75, short_factor=short[:3],
                         long_factor=long[:3]), config=old_rope(
        dict(type="longrope", short_factor=short[:3], long_factor=long[:3]), fraction="partial_rotary_factor"))
new("stablelm", "StableLm", half, hidden_size=32, use_qkv_bias=True, config=old_rope(fraction="partial_rotary_factor"))
new("stablelm-qk-norm", "StableLm", hidden_size=32, qk_layernorm=True, use_parallel_residual=True,
    rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5))
new("glm4", "Glm4", brain, hidden_size=32, head_dim=8, config=old_rope(fraction="partial_rotary_factor"))
new("cohere", "Cohere", half, use_qk_norm=True, logit_scale=0.25, config=old_rope())
new("cohere-plain", "Cohere", attention_bias=True, tie_word_embeddings=False, num_key_value_heads=4)
new("cohere2", "Cohere2", brain, num_hidden_layers=4, sliding_window=7, sliding_window_pattern=3, logit_scale=0.5,
    config=chain(old_rope(), lambda c: c.update(sliding_window_pattern=3), drop=["layer_types"]))
granite = dict(embedding_multiplier=6.0, logits_scaling=3.0, residual_multiplier=0.4, attention_multiplier=0.3)
new("granite", "Granite", brain, **granite, tie_word_embeddings=True, config=old_rope())
new("granite-bias", "Granite", half, **granite, attention_bias=True, mlp_bias=True)
new("smollm3", "SmolLM3", brain, num_hidden_layers=4, no_rope_layer_interval=3, use_sliding_window=True,
    sliding_window=7, config=chain(old_rope(), drop=["layer_types"]))
new("starcoder2", "Starcoder2", brain, sliding_window=9, config=old_rope())
new("starcoder2-bare", "Starcoder2", half, use_bias=False, tie_word_embeddings=False, hidden_act="gelu")
new("llama-dynamic", "Llama", **{"max_position_embeddings": 64, "rope_parameters": dict(
    rope_type="dynamic", rope_theta=500.0, factor=4.0)}, config=old_rope(dict(type="dynamic", factor=4.0)))
new("llama-yarn", "Llama", half, hidden_size=32, rope_parameters=yarn | dict(rope_theta=10000.0), config=old_rope(
    dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=48, beta_fast=8.0, beta_slow=1.0)))
new("llama-longrope", "Llama", brain, hidden_size=32, rope_parameters=dict(
    rope_type="longrope", rope_theta=10000.0, short_factor=short, long_factor=long, factor=4.0,
    original_max_position_embeddings=48))
