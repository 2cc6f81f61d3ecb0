import Diagnostics
import LinearAlgebra

extension Model {
  /// What each neuron of a layer adds to the residual stream for each unit of its activation. Shape: [d_mlp, d_model].
  public func neuronOutputWeights(layer: Int) throws -> Matrix {
    try matrix(.mlpOutput, layer).transposed()
  }

  /// What each neuron of a layer reads: of a gated MLP what the gate multiplies (the up projection). Shape: [d_mlp,
  /// d_model].
  public func neuronInputWeights(layer: Int) throws -> Matrix { try matrix(.mlpInput, layer) }

  /// What each neuron's gate reads, or nil where the MLP has no gates. Shape: [d_mlp, d_model].
  public func neuronGateWeights(layer: Int) throws -> Matrix? {
    configuration.mlp.gated ? try matrix(.gate, layer) : nil
  }

  /// The bias of each neuron's input (of a gated MLP: of the up projection), or nil where there is none. Shape: [d_mlp].
  public func neuronInputBias(layer: Int) throws -> [Float]? {
    try store.table.bias(of: .mlpInput, layer: checked(layer))?.floats()
  }

  /// The weight of the norm that stands before a layer's MLP and scales what its neurons read. Shape: [d_model].
  public func neuronInputNormWeights(layer: Int) throws -> [Float] {
    try NormWeights(store.table, .norm2, layer: checked(layer)).weight
  }

  /// How each head's mixed values come into the residual stream. Shape: [d_model, heads · d_head].
  public func attentionOutputWeights(layer: Int) throws -> Matrix { try matrix(.attentionOutput, layer) }

  /// The embeddings of some tokens. Shape: [tokens, d_model].
  public func embeddings(of tokens: [Int32]) throws -> Matrix {
    try rows(of: .tokenEmbedding, tokens)
  }

  /// The unembedding's row of some tokens: what the final norm's output is multiplied by for their logits. Shape:
  /// [tokens, d_model].
  public func unembeddings(of tokens: [Int32]) throws -> Matrix {
    guard configuration.hasLogits else { throw noLogits }
    return try rows(of: .unembedding, tokens)
  }

  /// The whole unembedding. Shape: [d_vocab, d_model].
  public func unembedding() throws -> Matrix {
    guard configuration.hasLogits else { throw noLogits }
    return try matrix(.unembedding, nil)
  }

  /// What directions of the residual stream do to the logits: centred where the final norm centres, times the final
  /// norm's weight, times the unembedding; the norm's scale and all biases left out. Shape: [d_vocab] for each row of
  /// [directions, d_model].
  ///
  /// The tokens that a neuron promotes and suppresses are the largest and smallest of its output weights' row.
  public func logitEffects(of directions: Matrix) throws -> Matrix {
    guard configuration.hasLogits else { throw noLogits }
    precondition(directions.columns == configuration.width, "directions of width \(directions.columns)")
    var directions = directions
    let (width, isCentred) = (configuration.width, configuration.norm.kind == .layer)
    if let weight = try store.head().norm?.weight {
      directions.withUnsafeMutableElements { elements in
        for row in stride(from: 0, to: elements.count, by: width) {
          let mean = isCentred ? elements[row..<row + width].reduce(0, +) / Float(width) : 0
          for column in 0..<width { elements[row + column] = (elements[row + column] - mean) * weight[column] }
        }
      }
    }
    let unembedding = try store.unembedding()
    return Matrix(rows: directions.rows, columns: configuration.vocabularySize) { result in
      directions.elements.withUnsafeBufferPointer { input in
        guard let input = input.baseAddress, let result = result.baseAddress else { return }
        unembedding.weights.multiply(input, rows: directions.rows, bias: nil, into: result)
      }
    }
  }

  private func matrix(_ weight: Weight, _ layer: Int?) throws -> Matrix {
    let entry = store.table.weight(weight, layer: layer.map(checked))
    return try Matrix(rows: entry.outputs.count, columns: entry.inputs ?? 1) { try entry.read(into: $0) }
  }

  private func rows(of weight: Weight, _ tokens: [Int32]) throws -> Matrix {
    let vocabulary = configuration.vocabularySize
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw Fault(
        .usage, "transformer.tokenOutOfRange", "A token's number has no embedding",
        expected: "a number from 0 to \(vocabulary - 1)", found: "\(token)")
    }
    let entry = store.table.weight(weight)
    return Matrix(rows: tokens.count, columns: configuration.width) { buffer in
      guard let start = buffer.baseAddress else { return }
      for (row, token) in tokens.enumerated() {
        entry.readRow(Int(token), into: start + row * configuration.width)
      }
    }
  }

  private func checked(_ layer: Int) -> Int {
    precondition((0..<configuration.layers).contains(layer), "layer \(layer) of \(configuration.layers)")
    return layer
  }
}
