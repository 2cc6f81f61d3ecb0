/// What a token costs beside its products with weights.
extension Architecture {
  /// How many keys a token attends to on average in one layer, over all tokens of a text of `sequence` tokens.
  ///
  /// Causal: token i sees min(i, window) keys, so (T + 1) / 2 without a window. Both ways: T.
  public func meanKeys(sequence: Int, layer: Int) -> Double {
    let length = Double(sequence)
    guard attention.isCausal else { return length }
    guard let window = attention.windows[layer], window < sequence else { return (length + 1) / 2 }
    let seen = Double(window)
    return (seen * (seen + 1) / 2 + (length - seen) * seen) / length
  }

  /// Floating-point operations of queries · keys, a token, over all layers, when it attends to `keys(layer)` keys.
  func scoreFLOPs(keys: (Int) -> Double) -> Double {
    (0..<layers).reduce(0) { $0 + 2 * keys($1) * Double(attention.queryWidth) }
  }

  /// Floating-point operations of the weighted sum of values, a token, over all layers.
  func mixingFLOPs(keys: (Int) -> Double) -> Double {
    (0..<layers).reduce(0) { $0 + 2 * keys($1) * Double(attention.mixedWidth) }
  }

  /// Floating-point operations a token when every token attends to exactly `keys` keys in every layer: what a framework
  /// computes that multiplies whole T × T squares. Matrix products alone; 2 for a multiplication and an addition.
  public func flops(keys: Int) -> Double {
    let products = components.reduce(0.0) { $0 + Double($1.flops) }
    return products + scoreFLOPs { _ in Double(keys) } + mixingFLOPs { _ in Double(keys) }
  }

  /// Floating-point operations a token, on average over a text of `sequence` tokens, counting only the keys that a token
  /// may see.
  ///
  /// Matrix products alone: norms, activations, softmax and biases add about a percent, and no two implementations
  /// agree on theirs. The convention of Kaplan et al. (arXiv 2001.08361) and of PaLM's appendix B (arXiv 2204.02311).
  public func flops(sequence: Int) -> Double {
    let products = components.reduce(0.0) { $0 + Double($1.flops) }
    let keys = { meanKeys(sequence: sequence, layer: $0) }
    return products + scoreFLOPs(keys: keys) + mixingFLOPs(keys: keys)
  }

  /// The numbers that one token leaves in the cache of keys and values in one layer.
  ///
  /// Latent attention keeps the latent and the shared rotated key, since keys and values can be rebuilt from them.
  public var cachedNumbersPerLayer: Int {
    if let latent = attention.latent { return latent.keyValueRank + latent.rotaryWidth }
    return attention.keyWidth + attention.valuesWidth
  }

  /// The numbers that a text of `sequence` tokens leaves in the cache: a layer with a window keeps no more than that.
  public func cachedNumbers(sequence: Int) -> Int {
    attention.windows.reduce(0) { $0 + cachedNumbersPerLayer * min(sequence, $1 ?? sequence) }
  }

  /// What a cache without the latent would hold: the keys and values of every head.
  public func expandedCacheNumbers(sequence: Int) -> Int {
    attention.windows.reduce(0) {
      $0 + attention.keyValueHeads * (attention.headWidth + attention.valueWidth) * min(sequence, $1 ?? sequence)
    }
  }
}

/// A kind of number that weights are kept in.
public enum WeightType: String, Sendable, Codable, CaseIterable {
  case float32, bfloat16, int8, int4

  /// The bits of one number, without the scales that quantized formats keep beside them.
  public var bits: Int {
    switch self {
    case .float32: 32
    case .bfloat16: 16
    case .int8: 8
    case .int4: 4
    }
  }

  /// The bytes of `count` numbers.
  public func bytes(_ count: Int) -> Int { bits >= 8 ? count * (bits / 8) : (count + 1) / 2 }
}

/// A place whose activations can be stored, and how many numbers a token has there.
public struct StoredWidth: Sendable, Equatable, Codable {
  /// The shorthand that `--sites` takes.
  public var site: String
  /// The numbers of a token in one layer; nil where that depends on the text's length.
  public var width: Int
  /// The number of layers that have it; 1 outside the blocks.
  public var layers: Int
  /// The shape in words.
  public var axes: String

  /// The bytes of `tokens` tokens over all layers in float16.
  public func bytes(tokens: Int) -> Double { 2 * Double(width) * Double(layers) * Double(tokens) }
}

extension Architecture {
  /// The places whose activations can be stored, with the numbers of a token in texts of `sequence` tokens.
  public func storedWidths(sequence: Int) -> [StoredWidth] {
    var all = [StoredWidth(site: "embed", width: width, layers: 1, axes: "D")]
    func add(_ site: String, _ width: Int, _ axes: String, layers: Int? = nil) {
      all.append(.init(site: site, width: width, layers: layers ?? self.layers, axes: axes))
    }
    add("resid_pre", width, "D")
    add("q", attention.queryWidth, "H × d_head")
    add("k", attention.latent == nil ? attention.keyWidth : attention.queryWidth, "H_kv × d_head")
    add("v", attention.latent == nil ? attention.valuesWidth : attention.mixedWidth, "H_kv × d_head")
    add("pattern", attention.heads * sequence, "H × T")
    add("z", attention.mixedWidth, "H × d_head")
    add("result", attention.heads * width, "H × D")
    add("attn_out", width, "D")
    if !isParallel { add("resid_mid", width, "D") }
    if denseLayers > 0 { add("mlp_post", mlp.neurons, "M", layers: denseLayers) }
    if let experts, !experts.layers.isEmpty {
      add(
        "experts' mlp_post", experts.active * experts.neurons + experts.sharedNeurons, "those awake",
        layers: experts.layers.count)
    }
    add("mlp_out", width, "D")
    add("resid_post", width, "D")
    if head.kind != .none { add("logits", vocabularySize, "V", layers: 1) }
    return all
  }
}
