import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

extension Model {
  /// What each neuron of a layer (of one expert) adds to the residual stream for each unit of its activation. Shape:
  /// [d_mlp, d_model].
  /// - Throws: `Fault` named `transformer.noSuchNeurons` where the layer has experts and none is named, or the reverse.
  public func neuronOutputWeights(layer: Int, expert: Int? = nil) throws -> Matrix {
    try matrix(.mlpOutput, .expertOutput, layer, expert).transposed()
  }

  /// What each neuron of a layer reads: of a gated MLP what the gate multiplies (the up projection). Shape: [d_mlp,
  /// d_model].
  public func neuronInputWeights(layer: Int, expert: Int? = nil) throws -> Matrix {
    try matrix(.mlpInput, .expertInput, layer, expert)
  }

  /// What each neuron's gate reads, or nil where the MLP has no gates. Shape: [d_mlp, d_model].
  public func neuronGateWeights(layer: Int, expert: Int? = nil) throws -> Matrix? {
    let block = architecture.blocks[checked(layer)]
    guard (block.mlp ?? block.experts?.expert)?.isGated == true else { return nil }
    return try matrix(.gate, .expertGate, layer, expert)
  }

  /// The bias of each neuron's input (of a gated MLP: of the up projection), or nil where there is none. Shape: [d_mlp].
  public func neuronInputBias(layer: Int, expert: Int? = nil) throws -> [Float]? {
    try checkNeurons(layer, expert)
    return try store.table.bias(of: expert == nil ? .mlpInput : .expertInput, layer: layer, expert: expert)?.floats()
  }

  /// What the norm that stands before a layer's neurons multiplies: its weight, the architecture's offset added; ones
  /// where it has none. Shape: [d_model].
  public func neuronInputNormWeights(layer: Int) throws -> [Float] {
    let block = architecture.blocks[checked(layer)]
    let isShared = block.normPlace == .before && block.norm2 == nil
    let norm =
      isShared
      ? try NormWeights(store.table, block.norm1, .norm1, layer: layer)
      : block.normPlace == .afterBranch ? nil : try NormWeights(store.table, block.norm2, .norm2, layer: layer)
    return norm?.weight ?? Array(repeating: 1, count: architecture.width)
  }

  /// How each head's mixed values come into the residual stream. Shape: [d_model, heads · d_head].
  public func attentionOutputWeights(layer: Int) throws -> Matrix { try matrix(.attentionOutput, layer: layer) }

  /// The embeddings of some tokens. Shape: [tokens, d_model].
  public func embeddings(of tokens: [Int32]) throws -> Matrix {
    try rows(of: .tokenEmbedding, tokens)
  }

  /// The unembedding's row of some tokens: what the final norm's output is multiplied by for their logits. Shape:
  /// [tokens, d_model].
  public func unembeddings(of tokens: [Int32]) throws -> Matrix {
    guard architecture.hasLogits else { throw noLogits }
    return try rows(of: .unembedding, tokens)
  }

  /// The whole unembedding. Shape: [d_vocab, d_model].
  public func unembedding() throws -> Matrix {
    guard architecture.hasLogits else { throw noLogits }
    return try matrix(.unembedding, layer: nil)
  }

  /// What directions of the residual stream do to the logits: centred where the final norm centres, times the final
  /// norm's weight, times the unembedding; the norm's scale and all biases left out. Shape: [d_vocab] for each row of
  /// [directions, d_model].
  ///
  /// The tokens that a neuron promotes and suppresses are the largest and smallest of its output weights' row.
  public func logitEffects(of directions: Matrix) throws -> Matrix {
    guard architecture.hasLogits else { throw noLogits }
    precondition(directions.columns == architecture.width, "directions of width \(directions.columns)")
    var directions = directions
    let width = architecture.width
    if let norm = try store.head().norm {
      let (weight, isCentred) = (norm.weight ?? Array(repeating: 1, count: width), norm.norm.isCentred)
      directions.withUnsafeMutableElements { elements in
        for row in stride(from: 0, to: elements.count, by: width) {
          let mean = isCentred ? elements[row..<row + width].reduce(0, +) / Float(width) : 0
          for column in 0..<width { elements[row + column] = (elements[row + column] - mean) * weight[column] }
        }
      }
    }
    let unembedding = try store.unembedding()
    return try Matrix(rows: directions.rows, columns: architecture.vocabularySize) { result in
      try directions.elements.withUnsafeBufferPointer { input in
        guard let input = input.baseAddress, let result = result.baseAddress else { return }
        try unembedding(input, rows: directions.rows, biased: false, into: result)
      }
    }
  }

  private func matrix(_ dense: WeightRole, _ inExpert: WeightRole, _ layer: Int, _ expert: Int?) throws -> Matrix {
    try checkNeurons(layer, expert)
    return try matrix(expert == nil ? dense : inExpert, layer: layer, expert: expert)
  }

  func matrix(_ role: WeightRole, layer: Int?, expert: Int? = nil) throws -> Matrix {
    let entry = store.table.weight(role, layer: layer.map(checked), expert: expert)
    return try Matrix(rows: entry.outputs, columns: entry.inputs ?? 1) { try entry.read(into: $0) }
  }

  private func checkNeurons(_ layer: Int, _ expert: Int?) throws {
    let count = architecture.blocks[checked(layer)].experts?.count
    guard count == nil ? expert != nil : !(0..<(count ?? 0)).contains(expert ?? -1) else { return }
    throw Fault(
      .usage, "transformer.noSuchNeurons", "The layer has no such neurons", file: folder.path, place: "layer \(layer)",
      expected: count.map { "an expert from 0 to \($0 - 1)" } ?? "no expert: this layer has one MLP",
      found: expert.map { "expert \($0)" } ?? "no expert named",
      advice: count == nil ? "name a neuron as L\(layer).120" : "name a neuron as L\(layer).E0.120")
  }

  private func rows(of role: WeightRole, _ tokens: [Int32]) throws -> Matrix {
    let vocabulary = architecture.vocabularySize
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw Fault(
        .usage, "transformer.tokenOutOfRange", "A token's number has no embedding",
        expected: "a number from 0 to \(vocabulary - 1)", found: "\(token)")
    }
    let entry = store.table.weight(role)
    let width = entry.inputs ?? 1
    return Matrix(rows: tokens.count, columns: width) { buffer in
      guard let start = buffer.baseAddress else { return }
      for (row, token) in tokens.enumerated() {
        entry.readRow(Int(token), into: start + row * width)
      }
    }
  }

  private func checked(_ layer: Int) -> Int {
    precondition((0..<architecture.layers).contains(layer), "layer \(layer) of \(architecture.layers)")
    return layer
  }
}
