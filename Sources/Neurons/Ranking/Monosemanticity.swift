import LinearAlgebra

/// The monosemanticity score of a neuron (arXiv 2504.02821) in its exact one-pass form (arXiv 2602.12403).
///
/// MS = Σ_{n<m} ã_n ã_m cos(e_n, e_m) / Σ_{n<m} ã_n ã_m, with ã the activations brought to 0…1 and e embeddings of the
/// contexts. With u = Σ ã, v = Σ ã² and w = Σ ã ê over unit embeddings ê it is (‖w‖² − v) / (u² − v).
public enum Monosemanticity {
  /// Embeddings less their mean, at unit length; without the centring all cosines lie near 1.
  public static func unitEmbeddings(_ embeddings: Matrix) -> Matrix { embeddings.centred.withUnitRows }

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
