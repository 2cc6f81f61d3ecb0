import Architectures
import LinearAlgebra

/// A projection: output = input · weightsᵀ + bias.
struct Linear: Sendable {
  let outputs: Int
  let inputs: Int
  private let weights: Weights
  /// [outputs]
  let bias: [Float]?

  private enum Weights: Sendable {
    case kept(PreparedWeights)
    /// Read and prepared anew in each product of one run.
    case passing(WeightKey, StoredWeight, ComputeType, WeightStream)
  }

  init(
    _ maker: WeightMaker, _ role: WeightRole, layer: Int? = nil, expert: Int? = nil, type: ComputeType? = nil
  ) throws {
    let entry = maker.table.weight(role, layer: layer, expert: expert)
    let (key, type) = (WeightKey(role, layer: layer, expert: expert), type ?? maker.type)
    outputs = entry.outputs
    inputs = entry.inputs ?? 1
    weights =
      maker.isKept
      ? .kept(try maker.stream.prepare(key, entry, type: type)) : .passing(key, entry, type, maker.stream)
    bias = try maker.table.bias(of: role, layer: layer, expert: expert)?.floats()
  }

  /// input [rows, inputs] → output [rows, outputs]
  ///
  /// - Parameter biased: Whether the bias is added.
  /// - Throws: `Fault` named `transformer.nonfiniteWeights`, where the weights are read only now.
  func callAsFunction(
    _ input: UnsafePointer<Float>, rows: Int, biased: Bool = true, into output: UnsafeMutablePointer<Float>
  ) throws {
    if let bias, biased {
      try bias.withUnsafeBufferPointer { try multiply(input, rows, $0.baseAddress, output) }
    } else {
      try multiply(input, rows, nil, output)
    }
  }

  private func multiply(
    _ input: UnsafePointer<Float>, _ rows: Int, _ bias: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>
  ) throws {
    switch weights {
    case .kept(let weights): weights.multiply(input, rows: rows, bias: bias, into: output)
    case .passing(let key, let entry, let type, let stream):
      try stream.multiply(key, entry, type: type, input, rows: rows, bias: bias, into: output)
    }
  }

  /// What is kept of it.
  var byteCount: Int {
    if case .kept(let weights) = weights { return weights.byteCount + 4 * (bias?.count ?? 0) }
    return 0
  }
}

/// A norm with its weight and bias.
struct NormWeights: Sendable {
  let norm: Norm
  /// The offset that the architecture asks for added. Shape: [width]; nil where the norm has none.
  let weight: [Float]?
  /// Shape: [width].
  let bias: [Float]?

  init?(_ table: WeightTable, _ norm: Norm?, _ role: WeightRole, layer: Int? = nil) throws {
    guard let norm else { return nil }
    self.norm = norm
    let offset = Float(norm.weightOffset)
    weight = try table.find(role, layer: layer)?.floats().map { $0 + offset }
    bias = try table.bias(of: role, layer: layer)?.floats()
  }

  func withPointers(_ body: (_ weight: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?) -> Void) {
    func lend(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
      values.map { $0.withUnsafeBufferPointer { body($0.baseAddress) } } ?? body(nil)
    }
    lend(weight) { weight in lend(bias) { body(weight, $0) } }
  }
}

/// The weights of attention, ready to compute with.
struct AttentionWeights: Sendable {
  let query: Linear
  /// nil in latent attention, as `value`.
  let key: Linear?
  let value: Linear?
  let queryNorm: NormWeights?
  let keyNorm: NormWeights?
  /// Shape: [heads].
  let sinks: [Float]?
  let queryDown: Linear?
  let queryDownNorm: NormWeights?
  let keyValueDown: Linear?
  let keyValueDownNorm: NormWeights?
  let keyValueUp: Linear?
  let output: Linear

  init(_ maker: WeightMaker, layer: Int) throws {
    let table = maker.table
    func linear(_ role: WeightRole) throws -> Linear? {
      table.find(role, layer: layer) == nil ? nil : try Linear(maker, role, layer: layer)
    }
    let shape = table.architecture.blocks[layer].attention
    query = try Linear(maker, .query, layer: layer)
    key = try linear(.key)
    value = try linear(.value)
    queryNorm = try NormWeights(table, shape.queryKeyNorm?.norm, .queryNorm, layer: layer)
    keyNorm = try NormWeights(table, shape.queryKeyNorm?.norm, .keyNorm, layer: layer)
    sinks = try table.find(.sinks, layer: layer)?.floats()
    queryDown = try linear(.queryDown)
    queryDownNorm = queryDown == nil ? nil : try NormWeights(table, shape.latent?.norm, .queryDownNorm, layer: layer)
    keyValueDown = try linear(.keyValueDown)
    keyValueDownNorm = try NormWeights(table, shape.latent?.norm, .keyValueDownNorm, layer: layer)
    keyValueUp = try linear(.keyValueUp)
    output = try Linear(maker, .attentionOutput, layer: layer)
  }

  var byteCount: Int {
    [query, key, value, queryDown, keyValueDown, keyValueUp, output].reduce(0) { $0 + ($1?.byteCount ?? 0) }
  }
}

/// The weights of an MLP: a layer's, one expert's or the shared experts'.
struct MLPWeights: Sendable {
  /// Of a gated MLP: what the activation is applied to.
  let gate: Linear?
  let input: Linear
  let output: Linear

  typealias Roles = (gate: WeightRole, input: WeightRole, output: WeightRole)

  init(
    _ maker: WeightMaker, _ roles: Roles = (.gate, .mlpInput, .mlpOutput), layer: Int, expert: Int? = nil
  ) throws {
    func linear(_ role: WeightRole) throws -> Linear {
      try Linear(maker, role, layer: layer, expert: expert)
    }
    gate = maker.table.find(roles.gate, layer: layer, expert: expert) == nil ? nil : try linear(roles.gate)
    input = try linear(roles.input)
    output = try linear(roles.output)
  }

  var byteCount: Int { (gate?.byteCount ?? 0) + input.byteCount + output.byteCount }
}

/// The weights of a mixture of experts.
struct ExpertsWeights: Sendable {
  /// Always in float32: a rounded score can wake another expert.
  let router: Linear
  /// What is added to the scores for the choice alone. Shape: [experts].
  let correction: [Float]?
  let experts: [MLPWeights]
  let shared: MLPWeights?
  let sharedRouter: Linear?

  init(_ maker: WeightMaker, _ experts: Experts, layer: Int) throws {
    router = try Linear(maker, .router, layer: layer, type: .float32)
    correction = try maker.table.find(.routerCorrection, layer: layer)?.floats()
    self.experts = try (0..<experts.count).map {
      try MLPWeights(maker, (.expertGate, .expertInput, .expertOutput), layer: layer, expert: $0)
    }
    shared =
      experts.shared == nil
      ? nil : try MLPWeights(maker, (.sharedGate, .sharedInput, .sharedOutput), layer: layer)
    sharedRouter = experts.gatesShared ? try Linear(maker, .sharedRouter, layer: layer, type: .float32) : nil
  }

  var byteCount: Int {
    router.byteCount + (shared?.byteCount ?? 0) + experts.reduce(0) { $0 + $1.byteCount }
  }
}

/// The weights of one block, ready to compute with.
struct BlockWeights: Sendable {
  let norm1: NormWeights?
  let norm1Post: NormWeights?
  let norm2: NormWeights?
  let norm2Post: NormWeights?
  let attention: AttentionWeights
  let mlp: MLPWeights?
  let experts: ExpertsWeights?

  init(_ maker: WeightMaker, layer: Int) throws {
    let table = maker.table
    let block = table.architecture.blocks[layer]
    norm1 = try NormWeights(table, block.norm1, .norm1, layer: layer)
    norm1Post = try NormWeights(table, block.postNorm, .norm1Post, layer: layer)
    norm2 = try NormWeights(table, block.norm2, .norm2, layer: layer)
    norm2Post = try NormWeights(table, block.postNorm, .norm2Post, layer: layer)
    attention = try AttentionWeights(maker, layer: layer)
    mlp = block.mlp == nil ? nil : try MLPWeights(maker, layer: layer)
    experts = try block.experts.map { try ExpertsWeights(maker, $0, layer: layer) }
  }

  var byteCount: Int { attention.byteCount + (mlp?.byteCount ?? 0) + (experts?.byteCount ?? 0) }
}

/// The weights behind the last block.
struct HeadWeights: Sendable {
  let norm: NormWeights?
  /// BERT's masked-language head: between the last block and the norm.
  let dense: Linear?
  /// Down to the width of the embedding's rows (OPT 350M).
  let projection: Linear?

  init(_ maker: WeightMaker) throws {
    let table = maker.table
    norm = try NormWeights(table, table.architecture.head.norm, .finalNorm)
    dense = table.find(.headDense) == nil ? nil : try Linear(maker, .headDense)
    projection = table.find(.headProjection) == nil ? nil : try Linear(maker, .headProjection)
  }
}
