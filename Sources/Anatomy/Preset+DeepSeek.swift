extension Preset {
  static let deepSeek = [
    Preset(
      name: "deepseek-v3", title: "DeepSeek-V3 and R1",
      configuration: """
        {"model_type": "deepseek_v3", "vocab_size": 129280, "hidden_size": 7168, "intermediate_size": 18432,
        "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128,
        "n_shared_experts": 1, "n_routed_experts": 256, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4,
        "first_k_dense_replace": 3, "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128, "v_head_dim": 128, "max_position_embeddings": 163840, "num_nextn_predict_layers": 1}
        """, source: "arXiv 2412.19437, section 4.2"),
    rotary(
      "deepseek-v2", "DeepSeek-V2", "deepseek_v2", vocabulary: 102_400, width: 5120, neurons: 12288, layers: 60,
      heads: 128, keyValueHeads: 128, context: 163_840,
      more: """
        "moe_intermediate_size": 1536, "n_shared_experts": 2, "n_routed_experts": 160, "num_experts_per_tok": 6,
        "topk_method": "group_limited_greedy", "n_group": 8, "topk_group": 3, "routed_scaling_factor": 16,
        "first_k_dense_replace": 1, "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128, "v_head_dim": 128
        """, source: "arXiv 2405.04434, and config.json"),
    rotary(
      "deepseek-v2-lite", "DeepSeek-V2-Lite", "deepseek_v2", vocabulary: 102_400, width: 2048, neurons: 10944,
      layers: 27, heads: 16, keyValueHeads: 16, context: 163_840,
      more: """
        "moe_intermediate_size": 1408, "n_shared_experts": 2, "n_routed_experts": 64, "num_experts_per_tok": 6,
        "first_k_dense_replace": 1, "kv_lora_rank": 512, "q_lora_rank": null, "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128, "v_head_dim": 128
        """, source: "arXiv 2405.04434, and config.json"),
  ]
}
