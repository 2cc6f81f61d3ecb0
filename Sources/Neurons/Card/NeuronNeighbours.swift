import LinearAlgebra
import Transformer

/// The neurons whose weights point where one neuron's do.
public struct NeuronNeighbours: Codable, Sendable, Equatable {
  public struct Neighbour: Codable, Sendable, Equatable {
    public var neuron: NeuronReference
    public var cosine: Double
  }

  /// By the cosine of output weights: those that write the same.
  public var writing: [Neighbour]
  /// By the cosine of input weights (of the gate, where there is one): those that read the same.
  public var reading: [Neighbour]

  /// Compares one neuron with all others of the model.
  ///
  /// - Complexity: O(layers · d_mlp · d_model); one layer's weights at a time.
  public init(of neuron: NeuronReference, in model: Model, count: Int = 5) throws {
    let layer = neuron.layer ?? 0
    let own = (
      writing: try model.neuronOutputWeights(layer: layer, expert: neuron.expert).row(neuron.index),
      reading: try model.neuronReadingWeights(layer: layer, expert: neuron.expert).row(neuron.index)
    )
    var (writing, reading) = ([Neighbour](), [Neighbour]())
    for place in model.architecture.sites where place.kind == .mlpPost || place.kind == .expertPost {
      guard let other = place.layer else { continue }
      let site = place.name
      func neighbours(_ weights: Matrix, _ direction: [Float]) -> [Neighbour] {
        Direction.cosines(weights, with: direction).enumerated().compactMap { index, cosine in
          site == neuron.site && index == neuron.index
            ? nil
            : Neighbour(neuron: NeuronReference(site: site, layer: other, index: index), cosine: Double(cosine))
        }
      }
      func nearest(_ some: [Neighbour]) -> [Neighbour] {
        Array(
          some.sorted { $0.cosine != $1.cosine ? $0.cosine > $1.cosine : $0.neuron < $1.neuron }.prefix(count))
      }
      writing = nearest(
        writing + neighbours(try model.neuronOutputWeights(layer: other, expert: place.expert), own.writing))
      reading = nearest(
        reading + neighbours(try model.neuronReadingWeights(layer: other, expert: place.expert), own.reading))
    }
    self.writing = writing
    self.reading = reading
  }
}

enum Direction {
  /// The cosines of a matrix's rows with a direction; 0 where either is zero.
  static func cosines(_ rows: Matrix, with direction: [Float]) -> [Float] {
    precondition(rows.columns == direction.count, "rows of \(rows.columns), a direction of \(direction.count)")
    let norm = direction.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    let products = rows.multiplied(by: Matrix(rows: 1, columns: direction.count, elements: direction), transposed: true)
    return (0..<rows.rows).map { row in
      let own = rows.withUnsafeRow(row) { values in values.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot() }
      return own > 0 && norm > 0 ? products[row, 0] / (own * norm) : 0
    }
  }
}
