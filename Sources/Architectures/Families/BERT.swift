import StrictJSON

/// BERT and sentence encoders of its shape: learned positions and token types, attention both ways, LayerNorm after
/// attention and MLP; logits where the checkpoint has the masked-language head.
enum BERT: Family {
  static let modelTypes = ["bert"]

  static func architecture(_ config: ConfigReader) throws -> Architecture { try encoder(config, positionOffset: 0) }

  /// Whether there is a masked-language head, by the class that saved the file; `value` is what a silent one means.
  static func isMasked(_ config: ConfigReader, default value: Bool) throws -> Bool {
    try config.strings("architectures")?.contains { $0.hasSuffix("ForMaskedLM") } ?? value
  }

  /// The shape that BERT and RoBERTa share.
  static func encoder(_ config: ConfigReader, positionOffset: Int, isMasked silent: Bool = false) throws -> Architecture
  {
    try config.require("is_decoder", is: false)
    try config.require("add_cross_attention", is: false)
    if let kind = try config.reader.optional("position_embedding_type"), try kind.string() != "absolute" {
      throw kind.unexpected("\"absolute\": other positions are not supported")
    }
    let width = try config.dimension("hidden_size")
    let heads = try config.dimension("num_attention_heads")
    let rows = try config.dimension("max_position_embeddings", default: 512)
    let activation = try config.activation("hidden_act", default: "gelu")
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_eps", default: 1e-12))
    let block = Block(
      normPlace: .onStream, norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: try config.evenly("hidden_size", width, into: "num_attention_heads", heads),
        isCausal: false, queryKeyValueBias: true, outputBias: true),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("intermediate_size"), activation: activation, isGated: false, bias: true)))
    let isMasked = try isMasked(config, default: silent)
    let head = Architecture.Head(
      kind: isMasked ? .maskedToken : .none, isTied: try config.bool("tie_word_embeddings", default: true),
      bias: isMasked, norm: isMasked ? norm : nil, activation: activation, hasPooler: !isMasked)
    let types = try config.dimension("type_vocab_size", default: 2)
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: max(1, rows - positionOffset),
      embedding: .init(positions: .init(rows: rows, offset: positionOffset), tokenTypes: types, norm: norm),
      blocks: Array(repeating: block, count: try config.layers("num_hidden_layers")), head: head)
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    var names = encoderNames(prefix: "bert.")
    names.tensors[.headDense] = ["cls.predictions.transform.dense"]
    names.tensors[.finalNorm] = ["cls.predictions.transform.LayerNorm"]
    names.tensors[.unembedding] = [
      unembedding("cls.predictions.decoder", shared: "cls.predictions.bias", isTied: architecture.head.isTied)
    ]
    names.ignored += ["cls.seq_relationship.*", "cls.predictions.decoder.bias", "cls.predictions.bias"]
    return names
  }

  /// The unembedding of a masked-language head: tied, it shares the head's bias; untied, it has one of its own.
  static func unembedding(_ name: String, shared: String, isTied: Bool) -> StoredTensor {
    let own = name + ".bias"
    return StoredTensor(name, bias: isTied ? shared : own, otherBias: isTied ? own : shared)
  }

  /// What BERT and RoBERTa call the tensors of the base model.
  static func encoderNames(prefix: String) -> TensorNames {
    let layer = "encoder.layer.{i}."
    return TensorNames(
      prefixes: [prefix],
      [
        .tokenEmbedding: "embeddings.word_embeddings", .positionEmbedding: "embeddings.position_embeddings",
        .tokenTypeEmbedding: "embeddings.token_type_embeddings", .embeddingNorm: "embeddings.LayerNorm",
        .query: .init(layer + "attention.self.query"), .key: .init(layer + "attention.self.key"),
        .value: .init(layer + "attention.self.value"), .attentionOutput: .init(layer + "attention.output.dense"),
        .norm1: .init(layer + "attention.output.LayerNorm"), .mlpInput: .init(layer + "intermediate.dense"),
        .mlpOutput: .init(layer + "output.dense"), .norm2: .init(layer + "output.LayerNorm"),
      ],
      ignored: ["embeddings.position_ids", "pooler.dense.*"])
  }
}
