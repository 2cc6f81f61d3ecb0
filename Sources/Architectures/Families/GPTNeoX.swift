/// GPT-NeoX and Pythia: attention and MLP side by side, each behind a norm of its own; the first part of each head
/// rotated.
enum GPTNeoX: Family {
  static let modelTypes = ["gpt_neox"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: true)
    let width = try config.dimension("hidden_size")
    let heads = try config.dimension("num_attention_heads")
    let headWidth = try config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let context = try config.dimension("max_position_embeddings", default: 2048)
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_eps", default: 1e-5))
    let block = Block(
      norm1: norm, norm2: norm, isParallel: try config.bool("use_parallel_residual", default: true),
      attention: Attention(
        heads: heads, headWidth: headWidth, queryKeyValueBias: bias, outputBias: bias,
        rotary: try config.rotary(
          width: headWidth, context: context, baseKey: config.name("rope_theta", "rotary_emb_base"), fraction: 0.25,
          fractionKey: config.name("partial_rotary_factor", "rotary_pct"))),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("intermediate_size"),
          activation: try config.activation("hidden_act", default: "gelu"), isGated: false, bias: true)))
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: context, blocks: Array(repeating: block, count: try config.layers("num_hidden_layers")),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: false), norm: norm))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let joined = StoredTensor("layers.{i}.attention.query_key_value", rows: .byHead)
    return TensorNames(
      prefixes: ["gpt_neox."],
      [
        .tokenEmbedding: "embed_in",
        .norm1: "layers.{i}.input_layernorm",
        .query: joined, .key: joined, .value: joined,
        .attentionOutput: "layers.{i}.attention.dense",
        .norm2: "layers.{i}.post_attention_layernorm",
        .mlpInput: "layers.{i}.mlp.dense_h_to_4h", .mlpOutput: "layers.{i}.mlp.dense_4h_to_h",
        .finalNorm: "final_layer_norm", .unembedding: "embed_out",
      ],
      ignored: [
        "layers.*.attention.bias", "layers.*.attention.masked_bias", "layers.*.attention.rotary_emb.inv_freq",
        "rotary_emb.inv_freq",
      ])
  }
}
