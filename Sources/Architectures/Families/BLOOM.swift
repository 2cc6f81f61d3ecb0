/// BLOOM: ALiBi in the place of positions, and a norm of the token embeddings.
enum BLOOM: Family {
  static let modelTypes = ["bloom"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    try config.require("apply_residual_connection_post_layernorm", is: false)
    let width = try config.dimension(config.name("hidden_size", "n_embed"))
    let headsKey = config.name("n_head", "num_attention_heads")
    let heads = try config.dimension(headsKey)
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_epsilon", default: 1e-5))
    let block = Block(
      norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: try config.evenly("hidden_size", width, into: headsKey, heads),
        queryKeyValueBias: true, outputBias: true, alibi: .init()),
      feedForward: .dense(MLP(neurons: 4 * width, activation: .geluTanh, isGated: false, bias: true)))
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("seq_length", default: 2048),
      embedding: .init(norm: norm, normalizesTokensAlone: true),
      blocks: Array(repeating: block, count: try config.layers(config.name("n_layer", "num_hidden_layers"))),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: true), norm: norm))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let joined = StoredTensor("h.{i}.self_attention.query_key_value", rows: .byHead)
    return TensorNames(
      prefixes: ["transformer."],
      [
        .tokenEmbedding: "word_embeddings", .embeddingNorm: "word_embeddings_layernorm",
        .norm1: "h.{i}.input_layernorm",
        .query: joined, .key: joined, .value: joined,
        .attentionOutput: "h.{i}.self_attention.dense",
        .norm2: "h.{i}.post_attention_layernorm",
        .mlpInput: "h.{i}.mlp.dense_h_to_4h", .mlpOutput: "h.{i}.mlp.dense_4h_to_h",
        .finalNorm: "ln_f", .unembedding: "lm_head",
      ])
  }
}
