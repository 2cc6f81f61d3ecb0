import StrictJSON

/// How GGUF files call one architecture, and what differs there from the others
/// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and what llama.cpp's converter writes).
struct GGUFFamily: Sendable {
  /// The value of `general.architecture`, with which its keys begin.
  var name: String
  /// The `model_type` of its config.json.
  var modelType: String
  /// Metadata that this architecture has beside the usual, or under other names in config.json.
  var keys: [(stored: String, config: String)] = []
  /// What all models of the architecture have in common and no file says.
  var constants: [(key: String, value: JSONValue)] = []
  /// Of so many layers the last sees everything, the others slide a window; nil where all layers are alike.
  var period: Int?
  /// The window where the file does not say.
  var window: Int?
  /// Whether the rows of queries and keys were reordered so that neighbouring dimensions rotate together.
  var isPermuted = false
  /// Whether there is no such model without experts.
  var hasExperts = false
  /// Whether YaRN stretches scores by `yarn_log_multiplier` and leaves cosines and sines as they are.
  var stretchesScores = false

  static func named(_ name: String) -> GGUFFamily? { all.first { $0.name == name } }

  /// Metadata and what config.json calls it, the same for most architectures.
  static let usualKeys: [(stored: String, config: String)] = [
    ("embedding_length", "hidden_size"), ("block_count", "num_hidden_layers"),
    ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"), ("feed_forward_length", "intermediate_size"),
    ("context_length", "max_position_embeddings"), ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ("attention.layer_norm_epsilon", "layer_norm_eps"), ("rope.freq_base", "rope_theta"),
    ("rope.dimension_count", "partial_rotary_factor"), ("attention.sliding_window", "sliding_window"),
    ("attention.clamp_kqv", "clip_qkv"), ("attn_logit_softcapping", "attn_logit_softcapping"),
    ("final_logit_softcapping", "final_logit_softcapping"), ("expert_count", "num_experts"),
    ("expert_used_count", "num_experts_per_tok"), ("expert_feed_forward_length", "moe_intermediate_size"),
  ]

  static let all: [GGUFFamily] = [
    // With experts the family is Mixtral's, with a window Mistral's.
    GGUFFamily(name: "llama", modelType: "llama", isPermuted: true),
    GGUFFamily(
      name: "gpt2", modelType: "gpt2",
      keys: [
        ("embedding_length", "n_embd"), ("block_count", "n_layer"), ("attention.head_count", "n_head"),
        ("context_length", "n_positions"), ("feed_forward_length", "n_inner"),
        ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
      ]),
    GGUFFamily(
      name: "gptneox", modelType: "gpt_neox", keys: [("use_parallel_residual", "use_parallel_residual")]),
    GGUFFamily(
      name: "bloom", modelType: "bloom",
      keys: [
        ("block_count", "n_layer"), ("attention.head_count", "n_head"), ("context_length", "seq_length"),
        ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
      ]),
    GGUFFamily(
      name: "falcon", modelType: "falcon",
      keys: [
        ("attention.head_count_kv", "num_kv_heads"), ("feed_forward_length", "ffn_hidden_size"),
        ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
      ],
      // Its form with groups of any number, of which the oldest's single group is one.
      constants: [("new_decoder_architecture", .bool(true))]),
    GGUFFamily(name: "phi2", modelType: "phi"),
    GGUFFamily(name: "phi3", modelType: "phi3"),
    GGUFFamily(name: "qwen2", modelType: "qwen2"),
    GGUFFamily(name: "qwen3", modelType: "qwen3"),
    GGUFFamily(
      name: "qwen2moe", modelType: "qwen2_moe",
      keys: [("expert_shared_feed_forward_length", "shared_expert_intermediate_size")], hasExperts: true),
    GGUFFamily(
      name: "qwen3moe", modelType: "qwen3_moe", constants: [("norm_topk_prob", .bool(true))], hasExperts: true),
    GGUFFamily(name: "gemma", modelType: "gemma"),
    GGUFFamily(name: "gemma2", modelType: "gemma2", period: 2, window: 4096),
    GGUFFamily(
      name: "gemma3", modelType: "gemma3_text", keys: [("rope.freq_base_swa", "rope_local_base_freq")], period: 6),
    GGUFFamily(name: "olmo", modelType: "olmo", isPermuted: true),
    // With a window it is OLMo 3.
    GGUFFamily(name: "olmo2", modelType: "olmo2", period: 4),
    GGUFFamily(name: "olmoe", modelType: "olmoe", hasExperts: true),
    GGUFFamily(
      name: "stablelm", modelType: "stablelm", keys: [("use_parallel_residual", "use_parallel_residual")]),
    GGUFFamily(name: "starcoder2", modelType: "starcoder2", keys: [("attention.layer_norm_epsilon", "norm_epsilon")]),
    GGUFFamily(name: "command-r", modelType: "cohere", keys: [("logit_scale", "logit_scale")]),
    GGUFFamily(
      name: "cohere2", modelType: "cohere2", keys: [("logit_scale", "logit_scale")], period: 4, window: 4096),
    GGUFFamily(name: "glm4", modelType: "glm4"),
    GGUFFamily(
      name: "granite", modelType: "granite",
      keys: [
        ("logit_scale", "logits_scaling"), ("embedding_scale", "embedding_multiplier"),
        ("residual_scale", "residual_multiplier"), ("attention.scale", "attention_multiplier"),
      ], isPermuted: true),
    GGUFFamily(name: "smollm3", modelType: "smollm3", isPermuted: true),
    GGUFFamily(
      name: "gpt-oss", modelType: "gpt_oss", keys: [("expert_feed_forward_length", "intermediate_size")],
      period: 2, window: 128, hasExperts: true),
    // By its router it is the second or the third generation.
    GGUFFamily(
      name: "deepseek2", modelType: "deepseek_v2",
      keys: [
        ("rope.dimension_count", "qk_rope_head_dim"), ("attention.kv_lora_rank", "kv_lora_rank"),
        ("attention.q_lora_rank", "q_lora_rank"), ("attention.value_length_mla", "v_head_dim"),
        ("leading_dense_block_count", "first_k_dense_replace"), ("expert_count", "n_routed_experts"),
        ("expert_shared_count", "n_shared_experts"), ("expert_weights_scale", "routed_scaling_factor"),
        ("expert_weights_norm", "norm_topk_prob"), ("expert_group_count", "n_group"),
        ("expert_group_used_count", "topk_group"),
      ], stretchesScores: true),
    GGUFFamily(name: "bert", modelType: "bert"),
  ]
}
