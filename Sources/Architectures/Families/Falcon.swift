/// Falcon in its three forms: 7B (one key-value head, one norm for both branches), 40B and 180B (groups, two norms),
/// and 1B with ALiBi.
enum Falcon: Family {
  static let modelTypes = ["falcon"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let isNew = try config.bool("new_decoder_architecture", default: false)
    let isParallel = try isNew || config.bool("parallel_attn", default: true)
    let bias = try config.bool("bias", default: false)
    let hasALiBi = try config.bool("alibi", default: false)
    let width = try config.dimension("hidden_size")
    let heads = try config.dimension(config.name("num_attention_heads", "n_head"))
    let keyValueHeads =
      try !isNew && config.bool("multi_query", default: true) ? 1 : config.dimension("num_kv_heads", default: heads)
    _ = try config.evenly("num_attention_heads", heads, into: "num_kv_heads", keyValueHeads)
    let headWidth = try config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let context = try config.dimension("max_position_embeddings", default: 2048)
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_epsilon", default: 1e-5))
    let norms = try config.count("num_ln_in_parallel_attn", default: isNew ? 2 : 1)
    let block = Block(
      norm1: norm, norm2: isParallel && norms == 1 ? nil : norm, isParallel: isParallel,
      attention: Attention(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, queryKeyValueBias: bias, outputBias: bias,
        rotary: hasALiBi ? nil : try config.rotary(width: headWidth, context: context),
        alibi: hasALiBi ? .init(scale: 1 / Double(headWidth).squareRoot(), isRounded: true) : nil),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("ffn_hidden_size", default: 4 * width),
          activation: try config.activation("activation", default: "gelu"), isGated: false, bias: bias)))
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: context,
      blocks: Array(repeating: block, count: try config.layers(config.name("num_hidden_layers", "n_layer"))),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: true), norm: norm))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let joined = StoredTensor("h.{i}.self_attention.query_key_value", rows: .byHead)
    // With groups and two norms they are named by what reads them.
    let block = architecture.blocks[0]
    let isNamed = block.isParallel && block.norm2 != nil
    return TensorNames(
      prefixes: ["transformer."],
      [
        .tokenEmbedding: "word_embeddings",
        .norm1: .init(isNamed ? "h.{i}.ln_attn" : "h.{i}.input_layernorm"),
        .query: joined, .key: joined, .value: joined,
        .attentionOutput: "h.{i}.self_attention.dense",
        .norm2: .init(isNamed ? "h.{i}.ln_mlp" : "h.{i}.post_attention_layernorm"),
        .mlpInput: "h.{i}.mlp.dense_h_to_4h", .mlpOutput: "h.{i}.mlp.dense_4h_to_h",
        .finalNorm: "ln_f", .unembedding: "lm_head",
      ],
      ignored: ["h.*.self_attention.rotary_emb.inv_freq"])
  }
}
