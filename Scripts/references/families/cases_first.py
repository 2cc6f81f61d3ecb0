"""The first cases: GPT-2, Llama, Mistral, Qwen 2, BERT, on shorter documents than the later ones'."""
import torch
from transformers import (BertConfig, BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM)

from .case import case

COMMON = dict(attn_implementation="eager")


def former(name, build, *more, **options):
    return name, lambda: case(name, build(), *more, former=True, **options)


def old_form(scaling):
    def change(config):
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope["rope_theta"]
        config["rope_scaling"] = scaling
    return change


def gamma(k):
    return k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


gpt2 = dict(vocab_size=24, n_positions=48, n_embd=16, n_layer=2, n_head=4, **COMMON)
llama = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=64, **COMMON)
bert = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=48, **COMMON)
CASES = dict([
    former("gpt2", lambda: GPT2LMHeadModel(GPT2Config(**gpt2))),
    former("gpt2-options", lambda: GPT2LMHeadModel(GPT2Config(
        **gpt2, n_inner=24, activation_function="gelu", scale_attn_by_inverse_layer_idx=True,
        tie_word_embeddings=False)), torch.float16),
    former("gpt2-bare", lambda: GPT2LMHeadModel(GPT2Config(
        **gpt2, n_inner=24, activation_function="relu", scale_attn_weights=False, layer_norm_epsilon=1e-3)),
        torch.bfloat16, rename=lambda k: k.removeprefix("transformer.")),
    former("llama", lambda: LlamaForCausalLM(LlamaConfig(**llama, num_key_value_heads=2, rms_norm_eps=1e-5))),
    former("llama-linear", lambda: LlamaForCausalLM(LlamaConfig(
        **llama, num_key_value_heads=1, head_dim=6, tie_word_embeddings=True, hidden_act="gelu_pytorch_tanh",
        rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0))), torch.float16,
        config=old_form(dict(type="linear", factor=4.0))),
    former("llama3", lambda: LlamaForCausalLM(LlamaConfig(
        **llama, attention_bias=True, mlp_bias=True, rope_parameters=dict(
            rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32))), torch.bfloat16),
    former("mistral", lambda: MistralForCausalLM(MistralConfig(**llama, num_key_value_heads=2, sliding_window=7)),
           torch.float16),
    former("qwen2", lambda: Qwen2ForCausalLM(Qwen2Config(
        **llama, num_key_value_heads=2, use_sliding_window=True, sliding_window=6, max_window_layers=1)),
        torch.float16),
    former("qwen2-tied", lambda: Qwen2ForCausalLM(Qwen2Config(
        **llama, num_key_value_heads=4, tie_word_embeddings=True)), torch.bfloat16),
    former("bert", lambda: BertForMaskedLM(BertConfig(**bert)), torch.float16),
    former("bert-bare", lambda: BertModel(BertConfig(**bert, hidden_act="gelu_new", layer_norm_eps=1e-5)),
           torch.float16, rename=gamma),
])
