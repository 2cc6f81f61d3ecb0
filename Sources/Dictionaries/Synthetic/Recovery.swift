import CKernels
import LinearAlgebra

/// For each row of `directions` the largest cosine with a row of `others`, and where it is.
///
/// 2·n·m·width operations; memory for blocks of 256 rows. A row of zeros has cosine 0 with every other.
///
/// - Parameter leavesOutOwn: whether a row is not compared with the row of its own number, of one set with itself.
public func maximumCosines(
  of directions: Matrix, among others: Matrix, leavesOutOwn: Bool = false
) -> [(cosine: Float, index: Int)] {
  precondition(directions.columns == others.columns, "widths \(directions.columns) and \(others.columns)")
  let (a, b) = (directions.withUnitRows, others.withUnitRows)
  var result = [(cosine: Float, index: Int)](repeating: (0, 0), count: a.rows)
  guard b.rows > 0 else { return result }
  for start in stride(from: 0, to: a.rows, by: 256) {
    let rows = start..<min(start + 256, a.rows)
    let cosines = a.selectingRows(rows).multiplied(by: b, transposed: true)
    for row in rows {
      cosines.withUnsafeRow(row - start) { values in
        var best: (cosine: Float, index: Int) = (-1, 0)
        for (index, cosine) in values.enumerated() where cosine > best.cosine && !(leavesOutOwn && index == row) {
          best = (cosine, index)
        }
        result[row] = best
      }
    }
  }
  return result
}

/// MMCS: the mean over the rows of `directions` of the largest cosine with a row of `others` (Sharkey et al. 2022).
public func meanMaximumCosine(of directions: Matrix, among others: Matrix) -> Double {
  let cosines = maximumCosines(of: directions, among: others)
  return cosines.reduce(0.0) { $0 + Double($1.cosine) } / Double(max(cosines.count, 1))
}

/// What a dictionary recovers of features that are known.
public struct Recovery: Codable, Sendable, Equatable {
  /// The mean, over true features, of the largest cosine with a latent's direction.
  public var mmcs: Double
  /// The share of features with a latent of cosine above 0.9.
  public var recovered: Double
  /// For each feature the F1 score of "its nearest latent is active" for "the feature is active", on rows where both are
  /// known.
  public var f1: [Double]
  /// The mean of `f1`.
  public var meanF1: Double
  /// For each feature the latent whose direction is nearest, and its cosine.
  public var nearest: [Int]
  public var cosines: [Float]

  /// - Parameters:
  ///   - rows: rows of the source on which activity is compared.
  public init(of dictionary: SparseAutoencoder, on source: SyntheticFeatures, rows: Range<Int>) {
    let nearest = maximumCosines(of: source.directions, among: dictionary.decoder)
    let features = source.directions.rows
    cosines = nearest.map(\.cosine)
    self.nearest = nearest.map(\.index)
    mmcs = cosines.reduce(0.0) { $0 + Double($1) } / Double(features)
    recovered = Double(cosines.count { $0 > 0.9 }) / Double(features)
    var (hits, truths, claims) = ([Int](repeating: 0, count: features), [Int](), [Int]())
    truths = hits
    var claimsOfLatent = [Int](repeating: 0, count: dictionary.latents)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: 4096) {
      let some = start..<min(start + 4096, rows.upperBound)
      let truth = source.activity(some)
      let found = dictionary.encode(source.activations(some))
      for latent in found.indices { claimsOfLatent[Int(latent)] += 1 }
      for row in 0..<truth.rows {
        for place in truth.range(ofRow: row) {
          let feature = Int(truth.indices[place])
          truths[feature] += 1
          if found[row, nearest[feature].index] > 0 { hits[feature] += 1 }
        }
      }
    }
    claims = nearest.map { claimsOfLatent[$0.index] }
    f1 = (0..<features).map { feature in
      let total = truths[feature] + claims[feature]
      return total > 0 ? 2 * Double(hits[feature]) / Double(total) : 0
    }
    meanF1 = f1.reduce(0, +) / Double(features)
  }
}
