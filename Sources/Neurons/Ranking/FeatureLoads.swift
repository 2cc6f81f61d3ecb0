import Architectures
import Diagnostics
import Dictionaries
import LinearAlgebra
import Transformer

/// How a dictionary's features load on neurons.
public enum FeatureLoads {
  /// The share of a feature's squared length that one neuron must carry.
  public static let shareThreshold: Float = 0.05
  /// The cosine with a neuron's output weights from which a feature of the residual stream counts.
  public static let cosineThreshold: Float = 0.25

  /// For each neuron of a layer, or of one of its experts, the number of features that load on it.
  ///
  /// A dictionary of the layer's `mlp.hook_post` has neurons for its axes: feature i loads on neuron j where
  /// v_ij² / ‖v_i‖² ≥ 0.05, v_i its decoder row. One of the residual stream after the layer is compared with what the
  /// neuron writes: |cos(v_i, w_out,j)| ≥ 0.25.
  ///
  /// - Throws: `neurons.otherDictionary` where the dictionary has neither width.
  public static func counts(
    _ dictionary: SparseAutoencoder, layer: Int, expert: Int? = nil, model: Model?
  ) throws -> [Int] {
    try loads(dictionary, layer: layer, expert: expert, model: model).counts
  }

  /// A feature and how strongly it loads on a neuron.
  public struct Load: Codable, Sendable, Equatable {
    public var feature: Int
    /// The share of its squared length, signed as the decoder's weight is; or the cosine.
    public var strength: Double
  }

  /// The features that load most on one neuron, first the strongest.
  public static func strongest(
    _ dictionary: SparseAutoencoder, neuron: NeuronReference, model: Model?, count: Int = 8
  ) throws -> [Load] {
    if let model, neuron.layer != nil { _ = try neuron.requireLayer(in: model) }
    let (strengths, _) = try loads(
      dictionary, layer: neuron.layer ?? 0, expert: neuron.expert, model: model, only: neuron.index)
    guard strengths.columns > 0 else { return [] }
    let column = strengths.column(0)
    return topK(min(count, column.count), of: column.map { abs($0) }).map {
      Load(feature: $0.index, strength: Double(column[$0.index]))
    }
  }

  /// The strengths [features, neurons] (or of one neuron), and for every neuron how many reach the threshold.
  private static func loads(
    _ dictionary: SparseAutoencoder, layer: Int, expert: Int?, model: Model?, only: Int? = nil
  ) throws -> (strengths: Matrix, counts: [Int]) {
    let decoder = dictionary.decoder
    let isOfNeurons =
      dictionary.configuration.hookOut
      == (expert.map { Site(.expertPost, layer: layer, expert: $0) } ?? Site(.mlpPost, layer: layer)).name
    let norms = (0..<decoder.rows).map { row in
      decoder.withUnsafeRow(row) { values in values.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot() }
    }
    if isOfNeurons {
      if let only, only >= decoder.columns { throw mismatch(dictionary, layer) }
      let columns = only.map { [$0] } ?? Array(0..<decoder.columns)
      var counts = [Int](repeating: 0, count: columns.count)
      var strengths = Matrix(zeros: only == nil ? 0 : decoder.rows, columns: only == nil ? 0 : 1)
      for row in 0..<decoder.rows where norms[row] > 0 {
        for (place, column) in columns.enumerated() {
          let value = decoder[row, column] / norms[row]
          let share = value * value * (value < 0 ? -1 : 1)
          if abs(share) >= shareThreshold { counts[place] += 1 }
          if only != nil { strengths[row, 0] = share }
        }
      }
      return (strengths, counts)
    }
    guard let model, decoder.columns == model.architecture.width, layer < model.architecture.layers else {
      throw mismatch(dictionary, layer)
    }
    var output = try model.neuronOutputWeights(layer: layer, expert: expert)
    if let only { output = output.selectingRows([only]) }
    let outputNorms = (0..<output.rows).map { row in output.row(row).reduce(Float(0)) { $0 + $1 * $1 }.squareRoot() }
    var counts = [Int](repeating: 0, count: output.rows)
    var kept = Matrix(zeros: only == nil ? 0 : decoder.rows, columns: only == nil ? 0 : 1)
    // Some thousands of features at a time.
    for start in stride(from: 0, to: decoder.rows, by: 4096) {
      let rows = start..<min(start + 4096, decoder.rows)
      let products = decoder.selectingRows(rows).multiplied(by: output, transposed: true)
      for row in rows where norms[row] > 0 {
        for column in 0..<output.rows where outputNorms[column] > 0 {
          let cosine = products[row - start, column] / (norms[row] * outputNorms[column])
          if abs(cosine) >= cosineThreshold { counts[column] += 1 }
          if only != nil { kept[row, column] = cosine }
        }
      }
    }
    return (kept, counts)
  }

  private static func mismatch(_ dictionary: SparseAutoencoder, _ layer: Int) -> Fault {
    Fault(
      .badData, "neurons.otherDictionary", "The dictionary's features cannot be compared with this layer's neurons",
      place: "layer \(layer)", expected: "a dictionary of blocks.\(layer).mlp.hook_post or of the residual stream",
      found: "\(dictionary.configuration.hookOut), width \(dictionary.configuration.outputWidth)",
      advice: "name the model, and a dictionary that was trained on it")
  }
}
