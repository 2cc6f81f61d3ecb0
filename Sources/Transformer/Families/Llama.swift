/// Llama 1 to 3 and models of its shape: rotary positions, RMSNorm before attention and MLP, gated neurons,
/// grouped-query attention, no biases unless the configuration says so.
enum Llama: Family {
  static let modelTypes = ["llama"]

  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration {
    let attentionBias = try config.bool("attention_bias", default: false)
    return try configuration(
      config, tensors: tensors, queryKeyValueBias: attentionBias, outputBias: attentionBias,
      mlpBias: try config.bool("mlp_bias", default: false)
    ) { _ in nil }
  }

  /// The configuration of a family that differs from Llama in its biases and windows.
  /// - Parameter window: How far back each layer sees.
  static func configuration(
    _ config: ConfigFile, tensors: TensorNames, queryKeyValueBias: Bool, outputBias: Bool,
    mlpBias: Bool, window: (_ layer: Int) -> Int?
  ) throws -> Configuration {
    let width = try config.dimension("hidden_size")
    let layers = try config.dimension("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let keyValueHeads = try config.dimension("num_key_value_heads", default: heads)
    _ = try config.evenly("num_attention_heads", heads, into: "num_key_value_heads", keyValueHeads)
    let headWidth =
      try config.optionalDimension("head_dim")
      ?? config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let context = try config.dimension("max_position_embeddings", default: 2048)
    let tied = try config.bool("tie_word_embeddings", default: false)
    // A checkpoint of the bare model, saved without its head, has names without "model.".
    let headless = !tied && !tensors.contains("lm_head.weight") && !tensors.containsAny(withPrefix: "model.")
    return Configuration(
      modelType: try config.modelType(), layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"), context: context,
      positions: .rotary(try config.rotary(headWidth: headWidth, context: context)),
      norm: .init(kind: .rms, epsilon: try config.positive("rms_norm_eps", default: 1e-6), bias: false),
      attention: .init(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, causal: true,
        scale: 1 / Double(headWidth).squareRoot(), windows: (0..<layers).map(window),
        queryKeyValueBias: queryKeyValueBias, outputBias: outputBias),
      mlp: .init(
        width: try config.dimension("intermediate_size"),
        activation: try config.activation("hidden_act", default: "silu"), gated: true, bias: mlpBias),
      head: .init(kind: headless ? .none : .nextToken, tied: tied))
  }

  static func map(_ configuration: Configuration) -> TensorMap {
    TensorMap(
      prefixes: ["model."],
      tensors: [
        .tokenEmbedding: "embed_tokens",
        .norm1: "layers.{i}.input_layernorm",
        .query: "layers.{i}.self_attn.q_proj",
        .key: "layers.{i}.self_attn.k_proj",
        .value: "layers.{i}.self_attn.v_proj",
        .attentionOutput: "layers.{i}.self_attn.o_proj",
        .norm2: "layers.{i}.post_attention_layernorm",
        .gate: "layers.{i}.mlp.gate_proj",
        .mlpInput: "layers.{i}.mlp.up_proj",
        .mlpOutput: "layers.{i}.mlp.down_proj",
        .finalNorm: "norm",
        .unembedding: "lm_head",
      ],
      // The wavelengths follow from the configuration; old checkpoints carry them all the same.
      ignored: ["layers.*.self_attn.rotary_emb.inv_freq", "rotary_emb.inv_freq"]
        + (configuration.head.tied ? ["lm_head.weight"] : []))
  }
}
