import Architectures

/// What a token costs beside its products with weights.
extension Architecture {
  /// How many keys a token attends to on average in one layer, over all tokens of a text of `sequence` tokens.
  ///
  /// Causal: token i sees min(i, window) keys, so (T + 1) / 2 without a window. Both ways: T.
  public func meanKeys(sequence: Int, layer: Int) -> Double { blocks[layer].attention.meanKeys(sequence: sequence) }

  /// Floating-point operations of queries · keys and of the weighted sum of values, a token, over all layers, when it
  /// attends to `keys` keys.
  func attentionFLOPs(keys: (Attention) -> Double) -> (scores: Double, mixing: Double) {
    blockKinds.reduce(into: (0, 0)) { sum, kind in
      let times = 2 * keys(kind.block.attention) * Double(kind.count)
      sum.0 += times * Double(kind.block.attention.queryWidth)
      sum.1 += times * Double(kind.block.attention.mixedWidth)
    }
  }

  /// Floating-point operations a token when every token attends to exactly `keys` keys in every layer: what a framework
  /// computes that multiplies whole T × T squares. Matrix products alone; 2 for a multiplication and an addition.
  public func flops(keys: Int) -> Double { flops { _ in Double(keys) } }

  /// Floating-point operations a token, on average over a text of `sequence` tokens, counting only the keys that a token
  /// may see.
  ///
  /// Matrix products alone: norms, activations, softmax and biases add about a percent, and no two implementations
  /// agree on theirs. The convention of Kaplan et al. (arXiv 2001.08361) and of PaLM's appendix B (arXiv 2204.02311).
  public func flops(sequence: Int) -> Double { flops { $0.meanKeys(sequence: sequence) } }

  private func flops(keys: (Attention) -> Double) -> Double {
    let attention = attentionFLOPs(keys: keys)
    return components.reduce(0.0) { $0 + Double($1.flops) } + attention.scores + attention.mixing
  }

  /// The numbers that a text of `sequence` tokens leaves in the cache: a layer with a window keeps no more than that.
  public func cachedNumbers(sequence: Int) -> Int {
    blockKinds.reduce(0) { $0 + $1.count * $1.block.attention.cachedNumbers * $1.block.attention.kept(of: sequence) }
  }

  /// What a cache without the latent would hold: the keys and values of every head.
  public func expandedCacheNumbers(sequence: Int) -> Int {
    blockKinds.reduce(0) {
      let attention = $1.block.attention
      return $0 + $1.count * (attention.keyWidth + attention.valuesWidth) * attention.kept(of: sequence)
    }
  }

  /// Whether any layer sees less than the whole text.
  public var hasWindows: Bool { blocks.contains { $0.attention.window != nil } }
}

extension Attention {
  /// How many keys a token attends to on average over a text of `sequence` tokens.
  public func meanKeys(sequence: Int) -> Double {
    let length = Double(sequence)
    guard isCausal else { return length }
    guard let window, window < sequence else { return (length + 1) / 2 }
    let seen = Double(window)
    return (seen * (seen + 1) / 2 + (length - seen) * seen) / length
  }

  /// The numbers that one token leaves in the cache of keys and values in one layer.
  ///
  /// Latent attention keeps the latent and the shared rotated key, since keys and values can be rebuilt from them.
  public var cachedNumbers: Int { latent.map { $0.keyValueRank + $0.rotaryWidth } ?? keyWidth + valuesWidth }

  /// How many of a text's tokens stay in the cache.
  fileprivate func kept(of sequence: Int) -> Int { min(sequence, window ?? sequence) }
}
