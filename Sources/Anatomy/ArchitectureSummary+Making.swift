import Architectures

extension ArchitectureSummary {
  public init(_ architecture: Architecture) {
    name = architecture.name
    modelType = architecture.modelType
    layers = architecture.layers
    width = architecture.width
    vocabularySize = architecture.vocabularySize
    context = architecture.context
    tokenWidth = architecture.embedding.tokenWidth
    learnedPositions = architecture.embedding.positions?.rows ?? 0
    tokenTypes = architecture.embedding.tokenTypes
    embeddingNorm = architecture.embedding.norm.map(Norm.init)
    head = Head(
      kind: architecture.head.kind, isTied: architecture.head.isTied, bias: architecture.head.bias,
      norm: architecture.head.norm.map(Norm.init), hasPooler: architecture.head.hasPooler)
    notes = architecture.notes
    isTextPart = architecture.isTextPart
    blocks = architecture.blockKinds.map { Kind(layers: Span.spans($0.layers), block: Block($0.block)) }
  }
}

extension ArchitectureSummary.Span {
  /// Ascending numbers as runs of neighbours.
  static func spans(_ layers: [Int]) -> [Self] {
    layers.reduce(into: []) { spans, layer in
      if let last = spans.last, last.last + 1 == layer {
        spans[spans.count - 1].last = layer
      } else {
        spans.append(.init(first: layer, last: layer))
      }
    }
  }
}

extension ArchitectureSummary.Norm {
  init(_ norm: Norm) { self.init(kind: norm.kind, hasWeight: norm.hasWeight, hasBias: norm.hasBias) }
}

extension ArchitectureSummary.Block {
  init(_ block: Block) {
    self.init(
      normPlace: block.normPlace, norm1: .init(block.norm1), norm2: block.norm2.map { .init($0) },
      postNorm: block.postNorm.map { .init($0) }, isParallel: block.isParallel, attention: .init(block.attention),
      mlp: block.mlp.map { .init($0) }, experts: block.experts.map { .init($0) })
  }
}

extension ArchitectureSummary.Attention {
  init(_ attention: Attention) {
    self.init(
      heads: attention.heads, keyValueHeads: attention.keyValueHeads, headWidth: attention.headWidth,
      valueWidth: attention.valueWidth, queryKeyValueBias: attention.queryKeyValueBias,
      outputBias: attention.outputBias, isCausal: attention.isCausal, window: attention.window,
      rotated: attention.rotary?.rotated, hasSinks: attention.hasSinks, queryKeyNorm: attention.queryKeyNorm?.rows,
      latent: attention.latent.map {
        .init(queryRank: $0.queryRank, keyValueRank: $0.keyValueRank, rotaryWidth: $0.rotaryWidth)
      })
  }
}

extension ArchitectureSummary.MLP {
  init(_ mlp: MLP) {
    self.init(neurons: mlp.neurons, isGated: mlp.isGated, bias: mlp.bias, activation: mlp.activation)
  }
}

extension ArchitectureSummary.Experts {
  init(_ experts: Experts) {
    self.init(
      count: experts.count, active: experts.active, expert: .init(experts.expert),
      shared: experts.shared.map { .init($0) }, gatesShared: experts.gatesShared, routerBias: experts.router.bias)
  }
}
