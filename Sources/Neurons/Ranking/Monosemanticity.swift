import LinearAlgebra

/// The monosemanticity score of a neuron (arXiv 2504.02821) in its exact one-pass form (arXiv 2602.12403).
///
/// MS = Σ_{n<m} ã_n ã_m cos(e_n, e_m) / Σ_{n<m} ã_n ã_m, with ã the activations brought to 0…1 and e embeddings of the
/// contexts. With u = Σ ã, v = Σ ã² and w = Σ ã ê over unit embeddings ê it is (‖w‖² − v) / (u² − v).
public enum Monosemanticity {
  /// Embeddings less their mean, at unit length; without the centring all cosines lie near 1.
  public static func unitEmbeddings(_ embeddings: Matrix) -> Matrix {
    var result = embeddings
    let columns = embeddings.columns
    var mean = [Double](repeating: 0, count: columns)
    for index in embeddings.elements.indices { mean[index % columns] += Double(embeddings.elements[index]) }
    for column in mean.indices { mean[column] /= Double(max(embeddings.rows, 1)) }
    result.withUnsafeMutableElements { elements in
      for row in 0..<embeddings.rows {
        var squares = 0.0
        for column in 0..<columns {
          let value = Double(elements[row * columns + column]) - mean[column]
          elements[row * columns + column] = Float(value)
          squares += value * value
        }
        guard squares > 0 else { continue }
        let factor = Float(1 / squares.squareRoot())
        for column in 0..<columns { elements[row * columns + column] *= factor }
      }
    }
    return result
  }

  /// A neuron's score over contexts, a row of embeddings each.
  ///
  /// - Returns: nil where the neuron is constant or fires in one context alone.
  /// - Complexity: O(contexts · width).
  public static func score(values: [Float], unitEmbeddings: Matrix) -> Double? {
    precondition(values.count == unitEmbeddings.rows, "\(values.count) values, \(unitEmbeddings.rows) embeddings")
    guard let low = values.min(), let high = values.max(), low < high else { return nil }
    var (u, v) = (0.0, 0.0)
    var w = [Double](repeating: 0, count: unitEmbeddings.columns)
    for (row, value) in values.enumerated() {
      let a = Double((value - low) / (high - low))
      u += a
      v += a * a
      unitEmbeddings.withUnsafeRow(row) { embedding in
        for column in embedding.indices { w[column] += a * Double(embedding[column]) }
      }
    }
    let pairs = u * u - v
    guard pairs > 1e-12 else { return nil }
    return (w.reduce(0) { $0 + $1 * $1 } - v) / pairs
  }
}
