import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// A prediction's logit, split into what each part of the model wrote into the residual stream for it (direct logit
/// attribution; Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
///
/// The final norm is linear once its scale is taken from the run, so the parts sum to the logit exactly, up to rounding.
public struct LogitAttribution: Sendable, Equatable, Codable {
  /// The token whose logit it is.
  public var token: Int32
  /// The token whose logit was subtracted, where a difference of logits was asked for.
  public var against: Int32?
  /// The position, in the document, of the token after which the prediction stands.
  public var position: Int
  /// The logit as the model computed it (or the difference of two).
  public var logit: Double
  public var tokenEmbedding: Double
  /// 0 where the model has no learned positions.
  public var positionEmbedding: Double
  public var layers: [Layer]
  /// What does not depend on the text: the final norm's and the unembedding's bias.
  public var constant: Double

  public struct Layer: Sendable, Equatable, Codable {
    /// Shape: [heads].
    public var heads: [Double]
    public var attentionBias: Double
    /// Shape: [d_mlp].
    public var neurons: [Double]
    public var mlpBias: Double

    public var attention: Double { heads.reduce(attentionBias, +) }
    public var mlp: Double { neurons.reduce(mlpBias, +) }
  }

  /// The sum of all parts: the logit.
  public var sum: Double {
    layers.reduce(tokenEmbedding + positionEmbedding + constant) { $0 + $1.attention + $1.mlp }
  }
}

extension Architecture {
  /// Whether logits are a sum of what heads and neurons wrote into the stream: no norm stands on the stream or behind a
  /// branch, and nothing bends the logits.
  package var isSumOfParts: Bool {
    head.logitScale == nil && head.logitCap == nil && embedding.tokenWidth == nil && head.norm != nil
      && blocks.allSatisfy { $0.normPlace == .before && $0.postNorm == nil && $0.residualScale == nil && $0.mlp != nil }
  }
}

extension Model {
  /// Splits the logit of a token, predicted after one position of a document, into its parts.
  ///
  /// - Parameters:
  ///   - token: The token predicted.
  ///   - against: Splits the difference to this token's logit instead: what speaks for one rather than the other.
  ///   - tokens: The document.
  ///   - position: The position after which the prediction stands; nil: the last.
  /// - Throws: `Fault` named `transformer.noAttribution` where norms stand on the residual stream itself (BERT), and those
  ///   of `run`.
  public func attributeLogit(
    of token: Int32, against: Int32? = nil, in tokens: [Int32], after position: Int? = nil
  ) throws -> LogitAttribution {
    guard architecture.hasLogits else { throw noLogits }
    guard architecture.head.kind == .nextToken, architecture.isSumOfParts else {
      throw Fault(
        .usage, "transformer.noAttribution", "This model's logits are no sum of what its parts wrote",
        file: folder.path,
        expected: "a model that normalizes beside the residual stream, with one MLP a layer and logits as they are",
        found: architecture.modelType)
    }
    let position = position ?? tokens.count - 1
    guard tokens.indices.contains(position) else {
      throw Fault(
        .usage, "transformer.noSuchPosition", "The text has no such token",
        expected: tokens.isEmpty ? "a text" : "a position from 0 to \(tokens.count - 1)", found: "\(position)")
    }
    let seen = Array(tokens[...position])
    let chosen = [token] + (against.map { [$0] } ?? [])
    let unembedding = try unembeddings(of: chosen)
    let values = try partValues(of: seen, logits: chosen)

    // logit = Σ parts · direction / scale + constant
    let norm = try store.head().norm
    let width = architecture.width
    let readout = (0..<width).map { column in
      Double(unembedding[0, column]) - (against == nil ? 0 : Double(unembedding[1, column]))
    }
    var direction = readout.indices.map { readout[$0] * Double(norm?.weight?[$0] ?? 1) }
    if norm?.norm.isCentred == true {
      let mean = direction.reduce(0, +) / Double(width)
      for column in direction.indices { direction[column] -= mean }
    }
    for column in direction.indices { direction[column] /= values.scale }
    var constant = zip(norm?.bias ?? [], readout).reduce(0) { $0 + Double($1.0) * $1.1 }
    if let bias = try store.table.bias(of: .unembedding)?.floats() {
      constant += Double(bias[Int(token)]) - (against.map { Double(bias[Int($0)]) } ?? 0)
    }
    let layers = try (0..<architecture.layers).map { layer in
      try layerParts(layer, mixed: values.mixed[layer], neurons: values.neurons[layer], direction: direction)
    }
    return LogitAttribution(
      token: token, against: against, position: position,
      logit: values.logits[0] - (against == nil ? 0 : values.logits[1]),
      tokenEmbedding: dot(values.tokenEmbedding, direction),
      positionEmbedding: dot(values.positionEmbedding, direction), layers: layers, constant: constant)
  }

  private struct PartValues {
    var tokenEmbedding: [Float] = []
    var positionEmbedding: [Float] = []
    var mixed: [[Float]] = []
    var neurons: [[Float]] = []
    var scale = 1.0
    var logits: [Double] = []
  }

  /// What the attribution needs of a run, at the document's last token.
  private func partValues(of tokens: [Int32], logits: [Int32]) throws -> PartValues {
    let last = tokens.count - 1
    var values = PartValues()
    var hooks = [Hook(Site(.embed)) { values.tokenEmbedding = $0.row(last) }]
    if architecture.embedding.positions != nil {
      hooks.append(Hook(Site(.positionEmbed)) { values.positionEmbedding = $0.row(last) })
    }
    for layer in 0..<architecture.layers {
      hooks.append(Hook(Site(.mixed, layer: layer)) { values.mixed.append($0.row(last)) })
      hooks.append(Hook(Site(.mlpPost, layer: layer)) { values.neurons.append($0.row(last)) })
    }
    hooks.append(Hook(Site(.finalScale)) { values.scale = Double($0[last, 0]) })
    hooks.append(
      Hook(Site(.unembedOut)) { value in
        guard value.rows.contains(last) else { return }
        values.logits = logits.map { Double(value[last, Int($0)]) }
      })
    try run(TokenBatch(documents: [tokens]), hooks: hooks)
    return values
  }

  private func layerParts(
    _ layer: Int, mixed: [Float], neurons: [Float], direction: [Double]
  ) throws -> LogitAttribution.Layer {
    let shape = architecture.blocks[layer].attention
    let attention = project(try attentionOutputWeights(layer: layer), onto: direction)  // [heads · d_head]
    let heads = (0..<shape.heads).map { head in
      let elements = head * shape.valueWidth..<(head + 1) * shape.valueWidth
      return elements.reduce(0) { $0 + Double(mixed[$1]) * attention[$1] }
    }
    let entry = store.table.weight(.mlpOutput, layer: layer)
    let output = try Matrix(rows: architecture.width, columns: entry.inputs ?? 1) { try entry.read(into: $0) }
    let effects = project(output, onto: direction)  // [d_mlp]
    return LogitAttribution.Layer(
      heads: heads,
      attentionBias: dot(try store.table.bias(of: .attentionOutput, layer: layer)?.floats() ?? [], direction),
      neurons: zip(neurons, effects).map { Double($0) * $1 },
      mlpBias: dot(try store.table.bias(of: .mlpOutput, layer: layer)?.floats() ?? [], direction))
  }

  /// weightsᵀ · direction, for weights [d_model, inputs], in double precision.
  private func project(_ weights: Matrix, onto direction: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: weights.columns)
    weights.elements.withUnsafeBufferPointer { elements in
      result.withUnsafeMutableBufferPointer { result in
        for row in 0..<weights.rows {
          let (factor, first) = (direction[row], row * weights.columns)
          for column in 0..<weights.columns { result[column] += factor * Double(elements[first + column]) }
        }
      }
    }
    return result
  }

  private func dot(_ values: [Float], _ direction: [Double]) -> Double {
    zip(values, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
  }
}
