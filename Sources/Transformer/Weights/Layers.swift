import LinearAlgebra

/// A projection: output = input · weightsᵀ + bias.
struct Linear: Sendable {
  let weights: PreparedWeights
  /// [outputs]
  let bias: [Float]?

  init(_ table: WeightTable, _ weight: Weight, layer: Int? = nil, type: ComputeType) throws {
    let entry = table.weight(weight, layer: layer)
    weights = try PreparedWeights(outputs: entry.outputs.count, inputs: entry.inputs ?? 1, type: type) {
      try entry.read(into: $0)
    }
    bias = try table.bias(of: weight, layer: layer)?.floats()
  }

  /// input [rows, inputs] → output [rows, outputs]
  func callAsFunction(_ input: UnsafePointer<Float>, rows: Int, into output: UnsafeMutablePointer<Float>) {
    if let bias {
      bias.withUnsafeBufferPointer { weights.multiply(input, rows: rows, bias: $0.baseAddress, into: output) }
    } else {
      weights.multiply(input, rows: rows, bias: nil, into: output)
    }
  }

  var byteCount: Int { weights.byteCount }
}

/// The weight and bias of a norm.
struct NormWeights: Sendable {
  /// [d_model]
  let weight: [Float]
  /// [d_model]
  let bias: [Float]?

  init(_ table: WeightTable, _ weight: Weight, layer: Int? = nil) throws {
    self.weight = try table.weight(weight, layer: layer).floats()
    bias = try table.bias(of: weight, layer: layer)?.floats()
  }

  func withPointers(_ body: (_ weight: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?) -> Void) {
    weight.withUnsafeBufferPointer { weight in
      guard let bias else { return body(weight.baseAddress, nil) }
      bias.withUnsafeBufferPointer { body(weight.baseAddress, $0.baseAddress) }
    }
  }
}

/// The weights of one block, ready to compute with.
struct BlockWeights: Sendable {
  let norm1: NormWeights
  let query: Linear
  let key: Linear
  let value: Linear
  let attentionOutput: Linear
  let norm2: NormWeights
  /// Of a gated MLP: what the activation is applied to.
  let gate: Linear?
  let mlpInput: Linear
  let mlpOutput: Linear

  init(_ table: WeightTable, layer: Int, type: ComputeType) throws {
    norm1 = try NormWeights(table, .norm1, layer: layer)
    query = try Linear(table, .query, layer: layer, type: type)
    key = try Linear(table, .key, layer: layer, type: type)
    value = try Linear(table, .value, layer: layer, type: type)
    attentionOutput = try Linear(table, .attentionOutput, layer: layer, type: type)
    norm2 = try NormWeights(table, .norm2, layer: layer)
    gate = table.configuration.mlp.gated ? try Linear(table, .gate, layer: layer, type: type) : nil
    mlpInput = try Linear(table, .mlpInput, layer: layer, type: type)
    mlpOutput = try Linear(table, .mlpOutput, layer: layer, type: type)
  }

  var byteCount: Int {
    [query, key, value, attentionOutput, mlpInput, mlpOutput].reduce(gate?.byteCount ?? 0) { $0 + $1.byteCount }
  }
}

/// The weights behind the last block.
struct HeadWeights: Sendable {
  let norm: NormWeights?
  /// BERT's masked-language head: between the last block and the norm.
  let dense: Linear?

  init(_ table: WeightTable, type: ComputeType) throws {
    let configuration = table.configuration
    norm = configuration.shape(of: .finalNorm) == nil ? nil : try NormWeights(table, .finalNorm)
    dense = configuration.shape(of: .headDense) == nil ? nil : try Linear(table, .headDense, type: type)
  }
}
