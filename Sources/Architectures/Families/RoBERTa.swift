/// RoBERTa and XLM-R: BERT whose positions begin behind the padding token's row.
enum RoBERTa: Family {
  static let modelTypes = ["roberta", "xlm-roberta"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let padding = try config.count("pad_token_id", default: 1)
    var architecture = try BERT.encoder(config, positionOffset: padding + 1, isMasked: true)
    guard let longest = architecture.longestDocument, longest > 0 else {
      throw config.contradiction(
        "pad_token_id", "positions begin behind the padding token's row, where there is none",
        expected: "less than max_position_embeddings - 1", found: "\(padding)")
    }
    architecture.embedding.positions?.skippedToken = padding
    architecture.head.activation = .gelu
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    var names = BERT.encoderNames(prefix: "roberta.")
    names.tensors[.headDense] = ["lm_head.dense"]
    names.tensors[.finalNorm] = ["lm_head.layer_norm"]
    names.tensors[.unembedding] = [
      BERT.unembedding("lm_head.decoder", shared: "lm_head.bias", isTied: architecture.head.isTied)
    ]
    names.ignored += ["lm_head.decoder.bias", "lm_head.bias"]
    return names
  }
}

/// DistilBERT: BERT without token types and pooler.
enum DistilBERT: Family {
  static let modelTypes = ["distilbert"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let width = try config.dimension("dim", default: 768)
    let heads = try config.dimension("n_heads", default: 12)
    let rows = try config.dimension("max_position_embeddings", default: 512)
    let activation = try config.activation("activation", default: "gelu")
    let norm = Norm(.layer, epsilon: 1e-12)
    let block = Block(
      normPlace: .onStream, norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: try config.evenly("dim", width, into: "n_heads", heads), isCausal: false,
        queryKeyValueBias: true, outputBias: true),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("hidden_dim", default: 4 * width), activation: activation, isGated: false,
          bias: true)))
    let isMasked = try BERT.isMasked(config, default: true)
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: rows, embedding: .init(positions: .init(rows: rows), norm: norm),
      blocks: Array(repeating: block, count: try config.layers("n_layers")),
      head: .init(
        kind: isMasked ? .maskedToken : .none, isTied: try config.bool("tie_word_embeddings", default: true),
        bias: isMasked, norm: isMasked ? norm : nil, activation: activation))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let layer = "transformer.layer.{i}."
    return TensorNames(
      prefixes: ["distilbert."],
      [
        .tokenEmbedding: "embeddings.word_embeddings", .positionEmbedding: "embeddings.position_embeddings",
        .embeddingNorm: "embeddings.LayerNorm",
        .query: .init(layer + "attention.q_lin"), .key: .init(layer + "attention.k_lin"),
        .value: .init(layer + "attention.v_lin"), .attentionOutput: .init(layer + "attention.out_lin"),
        .norm1: .init(layer + "sa_layer_norm"), .mlpInput: .init(layer + "ffn.lin1"),
        .mlpOutput: .init(layer + "ffn.lin2"), .norm2: .init(layer + "output_layer_norm"),
        .headDense: "vocab_transform", .finalNorm: "vocab_layer_norm", .unembedding: "vocab_projector",
      ],
      ignored: ["embeddings.position_ids"], taskHeads: ["pre_classifier.*", "classifier.*", "qa_outputs.*"])
  }
}
