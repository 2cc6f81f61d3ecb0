/// OPT: learned positions that begin at row 2; the 350M model has norms on the stream and narrower embeddings.
enum OPT: Family {
  static let modelTypes = ["opt"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let heads = try config.dimension("num_attention_heads")
    let bias = try config.bool("enable_bias", default: true)
    let isBefore = try config.bool("do_layer_norm_before", default: true)
    let tokens = try config.dimension("word_embed_proj_dim", default: width)
    let hasWeights = try config.bool("layer_norm_elementwise_affine", default: true)
    let norm = Norm(.layer, epsilon: 1e-5, hasWeight: hasWeights)
    let block = Block(
      normPlace: isBefore ? .before : .onStream, norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: try config.evenly("hidden_size", width, into: "num_attention_heads", heads),
        queryKeyValueBias: bias, outputBias: bias),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("ffn_dim"),
          activation: try config.activation("activation_function", default: "relu"), isGated: false, bias: bias)))
    let context = try config.dimension("max_position_embeddings", default: 2048)
    let isNormedAtEnd = try isBefore && !config.bool("_remove_final_layer_norm", default: false)
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: context,
      embedding: .init(
        tokenWidth: tokens == width ? nil : tokens, positions: .init(rows: context + 2, offset: 2)),
      blocks: Array(repeating: block, count: try config.layers("num_hidden_layers")),
      head: .init(
        isTied: try config.bool("tie_word_embeddings", default: true), norm: isNormedAtEnd ? norm : nil))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    TensorNames(
      prefixes: ["model.decoder.", "model.", "decoder."],
      [
        .tokenEmbedding: "embed_tokens", .embeddingProjection: "project_in",
        .positionEmbedding: "embed_positions",
        .norm1: "layers.{i}.self_attn_layer_norm",
        .query: "layers.{i}.self_attn.q_proj", .key: "layers.{i}.self_attn.k_proj",
        .value: "layers.{i}.self_attn.v_proj", .attentionOutput: "layers.{i}.self_attn.out_proj",
        .norm2: "layers.{i}.final_layer_norm", .mlpInput: "layers.{i}.fc1", .mlpOutput: "layers.{i}.fc2",
        .finalNorm: "final_layer_norm", .headProjection: "project_out", .unembedding: "lm_head",
      ])
  }
}
