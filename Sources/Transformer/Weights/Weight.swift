/// The weights that an architecture can have, by what they do; those of a block stand there once a layer.
enum Weight: Hashable, Sendable, CaseIterable {
  case tokenEmbedding, positionEmbedding, tokenTypeEmbedding, embeddingNorm
  case norm1, query, key, value, attentionOutput, norm2, gate, mlpInput, mlpOutput
  case finalNorm, headDense, unembedding

  var isInBlock: Bool {
    switch self {
    case .norm1, .query, .key, .value, .attentionOutput, .norm2, .gate, .mlpInput, .mlpOutput: true
    default: false
    }
  }
}

/// The shape that a weight must have.
struct WeightShape: Equatable {
  /// [outputs, inputs] of a projection, [rows, width] of an embedding, [width] of a norm.
  var sizes: [Int]
  /// Whether a bias, as long as the first size, belongs to it.
  var hasBias: Bool
}

extension Configuration {
  /// Whether this architecture has a weight, and its shape.
  func shape(of weight: Weight) -> WeightShape? {
    switch weight {
    case .tokenEmbedding: WeightShape(sizes: [vocabularySize, width], hasBias: false)
    case .positionEmbedding: positions == .learned ? WeightShape(sizes: [context, width], hasBias: false) : nil
    case .tokenTypeEmbedding:
      embedding.tokenTypes > 0 ? WeightShape(sizes: [embedding.tokenTypes, width], hasBias: false) : nil
    case .embeddingNorm: embedding.normalized ? normShape : nil
    case .norm1, .norm2: normShape
    case .query: WeightShape(sizes: [attention.queryWidth, width], hasBias: attention.queryKeyValueBias)
    case .key, .value: WeightShape(sizes: [attention.keyValueWidth, width], hasBias: attention.queryKeyValueBias)
    case .attentionOutput: WeightShape(sizes: [width, attention.queryWidth], hasBias: attention.outputBias)
    case .gate: mlp.gated ? WeightShape(sizes: [mlp.width, width], hasBias: mlp.bias) : nil
    case .mlpInput: WeightShape(sizes: [mlp.width, width], hasBias: mlp.bias)
    case .mlpOutput: WeightShape(sizes: [width, mlp.width], hasBias: mlp.bias)
    case .finalNorm: hasFinalNorm || head.kind == .maskedToken ? normShape : nil
    case .headDense: head.kind == .maskedToken ? WeightShape(sizes: [width, width], hasBias: true) : nil
    case .unembedding: hasLogits ? WeightShape(sizes: [vocabularySize, width], hasBias: head.bias) : nil
    }
  }

  private var normShape: WeightShape { WeightShape(sizes: [width], hasBias: norm.bias) }
}
