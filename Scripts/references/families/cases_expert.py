"""Cases of the families with experts."""
import torch
import transformers as hf

from .case import case
from .cases_rotating import COMMON, chain, old_rope

CASES = {}
half, brain = torch.float16, torch.bfloat16


def new(name, kind, *more, config=None, rename=None, **options):
    settings = getattr(hf, kind + "Config")

    def make():
        c = settings(**(COMMON | options))
        case(name, getattr(hf, kind + "ForCausalLM")(c), *more, config=config, rename=rename)

    CASES[name] = make


def gpt_oss_old(config):
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope


new("gpt_oss", "GptOss", brain, head_dim=8, intermediate_size=8, num_local_experts=5, num_experts_per_tok=3,
    sliding_window=7, rope_parameters=dict(rope_type="yarn", factor=4.0, beta_fast=8.0, beta_slow=1.0, truncate=False,
                                           original_max_position_embeddings=48, rope_theta=10000.0), config=gpt_oss_old)
qwen = dict(moe_intermediate_size=8, num_experts=5, num_experts_per_tok=2)
new("qwen3_moe", "Qwen3Moe", brain, **qwen, norm_topk_prob=True, head_dim=6, config=old_rope())
new("qwen3_moe-sparse", "Qwen3Moe", half, **qwen, norm_topk_prob=False, head_dim=4, num_hidden_layers=4,
    num_attention_heads=2, num_key_value_heads=1,
    decoder_sparse_step=2, mlp_only_layers=[3], attention_bias=True, use_sliding_window=True, sliding_window=7)
new("qwen2_moe", "Qwen2Moe", half, **qwen, shared_expert_intermediate_size=12, num_hidden_layers=3, mlp_only_layers=[0],
    config=chain(old_rope(), drop=["layer_types"]))
new("qwen2_moe-norm", "Qwen2Moe", **qwen, shared_expert_intermediate_size=12, qkv_bias=False, norm_topk_prob=True,
    use_sliding_window=True, sliding_window=7, max_window_layers=2, config=chain(drop=["layer_types"]))
new("mixtral", "Mixtral", half, intermediate_size=12, num_local_experts=4, num_experts_per_tok=2, config=old_rope())
new("mixtral-window", "Mixtral", intermediate_size=12, num_local_experts=3, num_experts_per_tok=2, sliding_window=7)
new("olmoe", "Olmoe", brain, intermediate_size=8, num_experts=6, num_experts_per_tok=3, clip_qkv=1.2, config=old_rope())
latent = dict(num_key_value_heads=4, kv_lora_rank=10, qk_rope_head_dim=4, qk_nope_head_dim=6, v_head_dim=5,
              moe_intermediate_size=8, n_routed_experts=8, num_experts_per_tok=3, first_k_dense_replace=1,
              hidden_size=24)


def deepseek_old(scaling=None):
    def change(config):
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope["rope_theta"]
        if scaling:
            config["rope_scaling"] = scaling
        config.pop("head_dim", None)
    return change


yarn = dict(type="yarn", factor=4.0, beta_fast=8, beta_slow=1, original_max_position_embeddings=48, mscale=0.8,
            mscale_all_dim=0.6)
spelled = dict(yarn, rope_type="yarn", rope_theta=10000.0)
new("deepseek_v2", "DeepseekV2", brain, **latent, q_lora_rank=None, n_shared_experts=2, routed_scaling_factor=1.5,
    config=deepseek_old())
new("deepseek_v2-groups", "DeepseekV2", half, **latent, q_lora_rank=12, n_shared_experts=1, n_group=4, topk_group=2,
    topk_method="group_limited_greedy", routed_scaling_factor=4.0, rope_parameters=dict(spelled),
    config=deepseek_old(yarn))
new("deepseek_v3", "DeepseekV3", brain, **latent, q_lora_rank=12, n_shared_experts=1, n_group=4, topk_group=2,
    rope_parameters=dict(spelled), config=deepseek_old(yarn))
new("deepseek_v3-halves", "DeepseekV3", **latent, q_lora_rank=None, n_shared_experts=2, n_group=2, topk_group=1,
    rope_interleave=False, norm_topk_prob=False, attention_bias=True, routed_scaling_factor=1.0)
