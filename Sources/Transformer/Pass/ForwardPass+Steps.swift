import Architectures
import LinearAlgebra

/// The two sites of a norm.
struct NormSites {
  let scale: Site.Kind
  let normalized: Site.Kind

  init(_ scale: Site.Kind, _ normalized: Site.Kind) {
    self.scale = scale
    self.normalized = normalized
  }

  static let norm1 = NormSites(.norm1Scale, .norm1Normalized)
  static let norm1Post = NormSites(.norm1PostScale, .norm1PostNormalized)
  static let norm2 = NormSites(.norm2Scale, .norm2Normalized)
  static let norm2Post = NormSites(.norm2PostScale, .norm2PostNormalized)
}

/// The sites that show an MLP's neurons.
struct NeuronSites {
  let pre: Site.Kind?
  let preLinear: Site.Kind?
  let post: Site.Kind

  static let layer = NeuronSites(pre: .mlpPre, preLinear: .mlpPreLinear, post: .mlpPost)
  static let expert = NeuronSites(pre: .expertPre, preLinear: .expertPreLinear, post: .expertPost)
  static let shared = NeuronSites(pre: nil, preLinear: nil, post: .sharedPost)
}

/// What the steps of a pass are made of.
extension ForwardPass {
  /// A norm, with its scale and its value before weight and bias open to hooks.
  ///
  /// - Parameters:
  ///   - columns: The width of one normalized row; nil: d_model.
  ///   - each: How many of them a token has, side by side.
  ///   - weightWidth: Over how many columns the weights reach, where each row of a token has its own.
  mutating func normalize(
    _ input: UnsafeMutablePointer<Float>, _ weights: NormWeights?, into output: UnsafeMutablePointer<Float>,
    _ sites: NormSites?, _ layer: Int? = nil, rows: Range<Int>? = nil, columns: Int? = nil, each: Int = 1,
    weightWidth: Int? = nil
  ) throws {
    guard let weights else { return }
    let (rows, columns) = (rows ?? 0..<n, columns ?? width)
    let count = rows.count * each
    if weights.norm.isIdentity {
      if output != input { output.update(from: input, count: count * columns) }
      return
    }
    let (isCentred, epsilon) = (weights.norm.isCentred, Float(weights.norm.epsilon))
    let isWanted = sites.map { hooks.wants($0.scale, layer) || hooks.wants($0.normalized, layer) } ?? false
    guard isWanted || weightWidth != nil, let sites else {
      weights.withPointers { weight, bias in
        if isCentred {
          Kernels.layerNorm(
            input, rows: count, columns: columns, epsilon: epsilon, weight: weight, bias: bias, into: output)
        } else {
          Kernels.rmsNorm(
            input, rows: count, columns: columns, epsilon: epsilon, weight: weight, bias: bias, into: output)
        }
      }
      return
    }
    let scale = scratch.scales
    let mean = isCentred ? scale + n * each : nil
    Kernels.normScale(input, rows: count, columns: columns, epsilon: epsilon, mean: mean, scale: scale)
    try observe(sites.scale, scale, layer, rows: rows)  // [n, each, 1]
    Kernels.normalize(input, rows: count, columns: columns, mean: mean, scale: scale, into: output)
    try observe(sites.normalized, output, layer, rows: rows)  // [n, each, columns]
    let whole = weightWidth ?? columns
    weights.withPointers { weight, bias in
      Kernels.affine(output, rows: count * columns / whole, columns: whole, weight: weight, bias: bias, into: output)
    }
  }

  /// The neurons of an MLP: a layer's, one expert's or the shared experts'.
  ///
  /// - Parameters:
  ///   - routed: Inside an expert its number, and the tokens whose rows these are.
  ///   - neurons: Takes them, [rows, d_mlp]; where they are gated, with room for as many behind them.
  mutating func neurons(
    _ input: UnsafePointer<Float>, _ shape: MLP, _ weights: MLPWeights, rows: Int, _ layer: Int, _ sites: NeuronSites,
    routed: (expert: Int, tokens: [Int])? = nil, into neurons: UnsafeMutablePointer<Float>
  ) throws {
    let count = rows * shape.neurons
    if let gate = weights.gate {
      let linear = neurons + count  // [rows, d_mlp]
      try gate(input, rows: rows, into: neurons)
      try observe(sites.pre, neurons, layer, routed)
      try weights.input(input, rows: rows, into: linear)
      try observe(sites.preLinear, linear, layer, routed)
      shape.activate(gate: neurons, up: linear, count: count)
    } else {
      try weights.input(input, rows: rows, into: neurons)
      try observe(sites.pre, neurons, layer, routed)
      Kernels.apply(shape.activation.function, neurons, into: neurons, count: count)
    }
    try observe(sites.post, neurons, layer, routed)
  }

  func add(_ addend: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>) {
    Kernels.add(sum, addend, into: sum, count: n * width)
  }

  /// Lends a value to its site's hooks: one branch where nobody asked.
  mutating func observe(
    _ kind: Site.Kind, _ values: UnsafeMutablePointer<Float>, _ layer: Int? = nil, rows: Range<Int>? = nil,
    axes: [Int]? = nil, document: Int? = nil, last: Bool = true
  ) throws {
    guard hooks.wants(kind, layer) else { return }
    let site = architecture.site(kind, layer: layer)
    var value = HookedValue(
      site: site, batch: batch, rows: rows ?? 0..<n,
      axes: axes ?? architecture.shape(of: site).lengths.compactMap { $0 }, document: document, start: values)
    try hooks.observe(&value, last: last)
  }

  /// The same at the neurons of an MLP, with the tokens that were routed there where it is an expert's.
  private mutating func observe(
    _ kind: Site.Kind?, _ values: UnsafeMutablePointer<Float>, _ layer: Int, _ routed: (expert: Int, tokens: [Int])?
  ) throws {
    guard let kind else { return }
    guard let routed else { return try observe(kind, values, layer) }
    guard hooks.wantsExperts(layer) else { return }
    let site = Site(kind, layer: layer, expert: routed.expert)
    guard hooks.wants(site) else { return }
    var value = HookedValue(
      site: site, batch: batch, rows: 0..<routed.tokens.count,
      axes: architecture.shape(of: site).lengths.compactMap { $0 }, tokens: routed.tokens, start: values)
    try hooks.observe(&value)
  }
}

extension Architecture.LearnedPositions {
  /// The row of the table of each token of a batch.
  func rows(of batch: TokenBatch, _ start: RunStart) -> [Int32] {
    batch.lengths.indices.flatMap { document in
      var counted = Int32(start.past(document).ids.count { id in skippedToken.map { id != $0 } ?? true })
      return batch.rows(of: document).map { token -> Int32 in
        if let skippedToken, batch.ids[token] == skippedToken { return Int32(offset - 1) }
        defer { counted += 1 }
        return counted + Int32(offset)
      }
    }
  }
}

extension MLP {
  /// The neurons of a gated MLP, into the place of the gates.
  func activate(gate: UnsafeMutablePointer<Float>, up: UnsafeMutablePointer<Float>, count: Int) {
    if let limit = limit.map(Float.init) {
      // x · sigmoid(slope · x) is SiLU of slope · x, over slope.
      let slope = Float(slope ?? 1)
      Threads.forRanges(0..<count, grain: 1 << 14) { some in
        for index in some {
          gate[index] = min(gate[index], limit) * slope
          up[index] = (min(max(up[index], -limit), limit) + 1) / slope
        }
      }
    }
    let function = slope == nil ? activation.function : .silu
    Kernels.applyGated(function, gate: gate, up: up, into: gate, count: count)
  }
}

extension Activation {
  var function: ElementwiseFunction {
    switch self {
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .quickGELU: .quickGELU
    case .relu: .relu
    case .squaredReLU: .reluSquared
    case .silu: .silu
    case .tanh: .tanh
    }
  }
}

/// To the nearest bfloat16, ties to even.
func roundedToBFloat16(_ value: Float) -> Float {
  withUnsafeTemporaryAllocation(of: Float.self, capacity: 1) { place in
    guard let start = place.baseAddress else { return value }
    start.initialize(to: value)
    Kernels.roundToBFloat16(start, into: start, count: 1)
    return start.pointee
  }
}

/// To the nearest number of 11 significant bits, as a normal float16 has.
func roundedToFloat16(_ value: Float) -> Float {
  let bits = value.bitPattern
  return Float(bitPattern: (bits + 0xFFF + (bits >> 13 & 1)) & 0xFFFF_E000)
}
