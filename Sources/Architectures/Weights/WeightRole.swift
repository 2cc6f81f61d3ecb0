/// The weights that an architecture can have, by what they do.
public enum WeightRole: String, Sendable, CaseIterable {
  // Before the blocks.
  case tokenEmbedding, embeddingProjection, positionEmbedding, tokenTypeEmbedding, embeddingNorm
  // Once a layer.
  case norm1, query, key, value, queryNorm, keyNorm, sinks
  case queryDown, queryDownNorm, keyValueDown, keyValueDownNorm, keyValueUp
  case attentionOutput, norm1Post, norm2, gate, mlpInput, mlpOutput, norm2Post
  case router, routerCorrection, sharedRouter, sharedGate, sharedInput, sharedOutput
  // Once a layer and expert.
  case expertGate, expertInput, expertOutput
  // Behind the blocks.
  case headDense, finalNorm, headProjection, unembedding
}

/// One weight of a model: its role, its layer and its expert.
public struct WeightKey: Hashable, Sendable {
  public var role: WeightRole
  public var layer: Int?
  public var expert: Int?

  public init(_ role: WeightRole, layer: Int? = nil, expert: Int? = nil) {
    self.role = role
    self.layer = layer
    self.expert = expert
  }
}

/// The shape that a weight must have.
public struct WeightShape: Equatable, Sendable {
  /// [outputs, inputs] of a projection, [rows, width] of an embedding, [width] of a norm.
  public var sizes: [Int]
  /// Whether a bias, as long as the first size, belongs to it.
  public var hasBias: Bool

  init(_ sizes: Int..., bias: Bool = false) {
    self.sizes = sizes
    hasBias = bias
  }

  init?(_ norm: Norm?, _ width: Int) {
    guard let norm, norm.hasWeight else { return nil }
    sizes = [width]
    hasBias = norm.hasBias
  }
}

extension Architecture {
  /// Every weight with its shape, in the order of the pass. O(weights).
  public var weights: [(key: WeightKey, shape: WeightShape)] {
    var all: [(key: WeightKey, shape: WeightShape)] = []
    func add(_ role: WeightRole, _ shape: WeightShape?, layer: Int? = nil, expert: Int? = nil) {
      if let shape { all.append((WeightKey(role, layer: layer, expert: expert), shape)) }
    }
    for role in [
      WeightRole.tokenEmbedding, .embeddingProjection, .positionEmbedding, .tokenTypeEmbedding, .embeddingNorm,
    ] {
      add(role, shape(of: role))
    }
    for (layer, block) in blocks.enumerated() {
      for role in WeightRole.inBlock { add(role, block.shape(of: role, width: width), layer: layer) }
      for expert in 0..<(block.experts?.count ?? 0) {
        for role in WeightRole.inExpert { add(role, block.shape(of: role, width: width), layer: layer, expert: expert) }
      }
    }
    for role in [WeightRole.headDense, .finalNorm, .headProjection, .unembedding] { add(role, shape(of: role)) }
    return all
  }

  /// The shape of a weight outside the blocks, or nil where this architecture has none.
  public func shape(of role: WeightRole) -> WeightShape? {
    let tokens = embedding.tokenWidth ?? width
    return switch role {
    case .tokenEmbedding: WeightShape(vocabularySize, tokens)
    case .embeddingProjection: embedding.tokenWidth.map { WeightShape(width, $0) }
    case .positionEmbedding: embedding.positions.map { WeightShape($0.rows, width) }
    case .tokenTypeEmbedding: embedding.tokenTypes > 0 ? WeightShape(embedding.tokenTypes, width) : nil
    case .embeddingNorm: WeightShape(embedding.norm, width)
    case .headDense: head.kind == .maskedToken ? WeightShape(width, width, bias: true) : nil
    case .finalNorm: WeightShape(head.norm, width)
    case .headProjection: hasLogits ? embedding.tokenWidth.map { WeightShape($0, width) } : nil
    case .unembedding: hasLogits ? WeightShape(vocabularySize, tokens, bias: head.bias) : nil
    default: nil
    }
  }
}

extension WeightRole {
  static let inBlock: [WeightRole] = allCases.filter { $0.isInBlock && !inExpert.contains($0) }
  static let inExpert: [WeightRole] = [.expertGate, .expertInput, .expertOutput]

  public var isInBlock: Bool {
    switch self {
    case .tokenEmbedding, .embeddingProjection, .positionEmbedding, .tokenTypeEmbedding, .embeddingNorm, .headDense,
      .finalNorm, .headProjection, .unembedding:
      false
    default: true
    }
  }
}

extension Block {
  /// The shape of a weight of this block (of one expert), or nil where it has none.
  public func shape(of role: WeightRole, width: Int) -> WeightShape? {
    let (a, bias) = (attention, attention.queryKeyValueBias)
    let latent = a.latent
    let shared = experts?.shared
    switch role {
    case .norm1: return WeightShape(norm1, width)
    case .norm2: return WeightShape(norm2, width)
    case .norm1Post, .norm2Post: return WeightShape(postNorm, width)
    case .query:
      return if let latent, let rank = latent.queryRank {
        WeightShape(a.queryWidth, rank)
      } else {
        WeightShape(a.queryWidth, width, bias: bias && latent == nil)
      }
    case .key: return latent == nil ? WeightShape(a.keyWidth, width, bias: bias) : nil
    case .value: return latent == nil ? WeightShape(a.valuesWidth, width, bias: bias) : nil
    case .queryNorm:
      return a.queryKeyNorm.flatMap { WeightShape($0.norm, $0.weights(heads: a.heads, headWidth: a.headWidth)) }
    case .keyNorm:
      return a.queryKeyNorm.flatMap { WeightShape($0.norm, $0.weights(heads: a.keyValueHeads, headWidth: a.headWidth)) }
    case .sinks: return a.hasSinks ? WeightShape(a.heads) : nil
    case .queryDown: return latent?.queryRank.map { WeightShape($0, width, bias: bias) }
    case .queryDownNorm: return latent.flatMap { latent in latent.queryRank.flatMap { WeightShape(latent.norm, $0) } }
    case .keyValueDown: return latent.map { WeightShape($0.keyValueRank + $0.rotaryWidth, width, bias: bias) }
    case .keyValueDownNorm: return latent.flatMap { WeightShape($0.norm, $0.keyValueRank) }
    case .keyValueUp:
      return latent.map { WeightShape(a.heads * (a.headWidth - $0.rotaryWidth + a.valueWidth), $0.keyValueRank) }
    case .attentionOutput: return WeightShape(width, a.mixedWidth, bias: a.outputBias)
    case .gate: return mlp?.inputShape(width, gate: true)
    case .mlpInput: return mlp?.inputShape(width)
    case .mlpOutput: return mlp?.outputShape(width)
    case .router: return experts.map { WeightShape($0.count, width, bias: $0.router.bias) }
    case .routerCorrection: return experts.flatMap { $0.router.correctsChoice ? WeightShape($0.count) : nil }
    case .sharedRouter: return experts?.gatesShared == true ? WeightShape(1, width) : nil
    case .sharedGate: return shared?.inputShape(width, gate: true)
    case .sharedInput: return shared?.inputShape(width)
    case .sharedOutput: return shared?.outputShape(width)
    case .expertGate: return experts?.expert.inputShape(width, gate: true)
    case .expertInput: return experts?.expert.inputShape(width)
    case .expertOutput: return experts?.expert.outputShape(width)
    default: return nil
    }
  }
}

extension MLP {
  fileprivate func inputShape(_ width: Int, gate: Bool = false) -> WeightShape? {
    gate && !isGated ? nil : WeightShape(neurons, width, bias: bias)
  }
  fileprivate func outputShape(_ width: Int) -> WeightShape { WeightShape(width, neurons, bias: bias) }
}
