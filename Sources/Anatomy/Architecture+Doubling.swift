import Architectures

/// One of the four numbers that size a model and its work.
public enum ModelDimension: String, Sendable, Codable, CaseIterable {
  case vocabulary, width, depth, sequence
}

extension Architecture {
  /// This architecture with one dimension twice as large.
  ///
  /// - Vocabulary: V doubles.
  /// - Width: D doubles, and with it what real families grow beside it: heads (each as wide as before), neurons, and the
  ///   ranks of latent attention. The number of experts stays.
  /// - Depth: every layer stands twice.
  /// - Sequence: nothing here but a table of learned positions, which needs `sequence` rows.
  public func doubled(_ dimension: ModelDimension, sequence: Int) -> Architecture {
    var copy = self
    switch dimension {
    case .vocabulary: copy.vocabularySize *= 2
    case .width:
      copy.width *= 2
      if let narrow = embedding.tokenWidth { copy.embedding.tokenWidth = 2 * narrow }
      copy.blocks = blocks.map(\.widened)
    case .depth: copy.blocks += blocks
    case .sequence:
      copy.context = max(context, 2 * sequence)
      if let positions = embedding.positions {
        copy.embedding.positions?.rows = max(positions.rows, 2 * sequence + positions.offset)
      }
    }
    return copy
  }
}

extension Block {
  /// This layer in a model twice as wide.
  fileprivate var widened: Block {
    var copy = self
    copy.attention.heads *= 2
    copy.attention.keyValueHeads *= 2
    if var latent = attention.latent {
      latent.keyValueRank *= 2
      if let rank = latent.queryRank { latent.queryRank = 2 * rank }
      copy.attention.latent = latent
    }
    switch feedForward {
    case .dense(var mlp):
      mlp.neurons *= 2
      copy.feedForward = .dense(mlp)
    case .experts(var experts):
      experts.expert.neurons *= 2
      if var shared = experts.shared {
        shared.neurons *= 2
        experts.shared = shared
      }
      copy.feedForward = .experts(experts)
    }
    return copy
  }
}

/// What changes when one dimension of a model doubles: each number is the new value divided by the old.
public struct Doubling: Sendable, Equatable, Codable {
  public var dimension: ModelDimension
  public var parameters: Double
  /// Operations a token.
  public var flops: Double
  /// Operations of a whole text.
  public var textFlops: Double
  /// The cache of keys and values of a whole text.
  public var cache: Double
  /// MLP neurons in all.
  public var neurons: Double
  /// The residual stream after every layer, a token.
  public var residualStore: Double

  init(_ architecture: Architecture, _ dimension: ModelDimension, sequence: Int) {
    let after = architecture.doubled(dimension, sequence: sequence)
    let longer = dimension == .sequence ? 2 * sequence : sequence
    func ratio(_ new: Double, _ old: Double) -> Double { old > 0 ? new / old : 1 }
    self.dimension = dimension
    parameters = ratio(Double(after.parameters), Double(architecture.parameters))
    let flopsBefore = architecture.flops(sequence: sequence)
    let flopsAfter = after.flops(sequence: longer)
    flops = ratio(flopsAfter, flopsBefore)
    textFlops = ratio(flopsAfter * Double(longer), flopsBefore * Double(sequence))
    cache = ratio(
      Double(after.cachedNumbers(sequence: longer)), Double(architecture.cachedNumbers(sequence: sequence)))
    neurons = ratio(Double(after.neurons.total), Double(architecture.neurons.total))
    residualStore = ratio(Double(after.width * after.layers), Double(architecture.width * architecture.layers))
  }
}
