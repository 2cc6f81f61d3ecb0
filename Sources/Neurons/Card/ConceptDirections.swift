import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Probes
import Transformer

/// A direction of the residual stream that stands for a concept, and what a neuron has to do with it.
public struct ConceptAlignment: Codable, Sendable, Equatable {
  public var concept: String
  /// Where the direction comes from: the site, and a probe's file where it is one.
  public var origin: String
  /// The cosine with what the neuron reads: its input weights times the weight of the norm before them.
  public var reading: Double
  /// The cosine with what it writes.
  public var writing: Double
}

/// Directions to compare neurons with.
public enum ConceptDirections {
  /// For each label the mean of its documents' tokens less that of all others (mass-mean), at the site of the residual
  /// stream that a layer's MLP reads, or the last one before it that the source holds.
  ///
  /// - Returns: none where the source has no labels or holds no such site.
  /// - Complexity: one pass over that site.
  public static func ofLabels(
    _ source: some ActivationSource, column: String = DocumentTable.defaultLabels, layer: Int
  ) throws -> (site: String, directions: [(concept: String, direction: [Float])])? {
    let wanted =
      ["blocks.\(layer).hook_resid_mid", "blocks.\(layer).hook_resid_pre"]
      + (layer > 0 ? ["blocks.\(layer - 1).hook_resid_post"] : []) + ["blocks.\(layer).hook_resid_post"]
    let table = try source.documents
    guard let labels = table.labels[column], source.rowKind == .token,
      let site = wanted.lazy.compactMap({ name in source.sites.first { $0.name == name } }).first
    else { return nil }
    let names = Set(labels.compactMap { $0?.description }).sorted()
    guard names.count >= 2, names.count <= 200 else { return nil }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    var sums = [[Double]](repeating: [Double](repeating: 0, count: site.width), count: names.count)
    var counts = [Double](repeating: 0, count: names.count)
    try source.stream([site.name], maximumRows: max(64, (4 << 20) / max(site.width, 1))) { block in
      let tokens = try source.tokens(in: block.rows)
      for offset in tokens.fromText {
        guard let label = labels[Int(tokens.documents[offset])], let number = numbers[label.description] else {
          continue
        }
        counts[number] += 1
        block.values[0].withUnsafeRow(offset) { row in
          for column in 0..<row.count { sums[number][column] += Double(row[column]) }
        }
      }
    }
    let total = counts.reduce(0, +)
    let all = (0..<site.width).map { column in sums.reduce(0) { $0 + $1[column] } }
    return (
      site.name,
      names.indices.filter { counts[$0] > 0 && counts[$0] < total }.map { number in
        (
          names[number],
          (0..<site.width).map {
            Float(sums[number][$0] / counts[number] - (all[$0] - sums[number][$0]) / (total - counts[number]))
          }
        )
      }
    )
  }

  /// A neuron's cosines with some directions, first the strongest reading.
  public static func alignments(
    of neuron: NeuronReference, with directions: [(concept: String, origin: String, direction: [Float])],
    in model: Model
  ) throws -> [ConceptAlignment] {
    let layer = neuron.layer ?? 0
    var input = try (model.neuronReadingWeights(layer: layer, expert: neuron.expert)).row(neuron.index)
    // What is read is the stream after the norm, whose weight belongs to the direction.
    if model.architecture.blocks[layer].normPlace == .before {
      let scale = try model.neuronInputNormWeights(layer: layer)
      for column in input.indices { input[column] *= scale[column] }
    }
    let output = try model.neuronOutputWeights(layer: layer, expert: neuron.expert).row(neuron.index)
    return directions.filter { $0.direction.count == input.count }.map { known in
      let row = Matrix(rows: 1, columns: known.direction.count, elements: known.direction)
      return ConceptAlignment(
        concept: known.concept, origin: known.origin, reading: Double(Direction.cosines(row, with: input)[0]),
        writing: Double(Direction.cosines(row, with: output)[0]))
    }
    .sorted { abs($0.reading) != abs($1.reading) ? abs($0.reading) > abs($1.reading) : $0.concept < $1.concept }
  }

  /// The directions of a probe: one of two classes, or one for each of several.
  public static func of(_ probe: Probe, file: String) -> [(concept: String, origin: String, direction: [Float])] {
    let classes = probe.record.classes
    let origin = "\(file), \(probe.record.site.name)"
    guard classes.count > 2 else { return [(classes.last ?? "concept", origin, probe.direction())] }
    return classes.indices.map { (classes[$0], origin, probe.direction(ofClass: $0)) }
  }
}
