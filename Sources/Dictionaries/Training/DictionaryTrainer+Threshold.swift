import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// Sets the threshold of BatchTopK or Matryoshka so that the rows have k active latents on average.
  ///
  /// Training selects the k·B largest products of each batch of B rows. In use there is no batch, and a bound stands in its
  /// place: here the k·R-th largest product of these R rows, by the weights as they are. It holds until the next step.
  ///
  /// - Parameter rows: [R, inputWidth], as the model has them; best rows that were not trained on.
  /// - Returns: the standard error of a row's mean number of active latents, as a share of k; nil for other
  ///   architectures, or no rows.
  @discardableResult
  public func setThreshold(on rows: Matrix) -> Double? {
    guard settings.architecture == .batchTopK || settings.architecture == .matryoshka, rows.rows > 0 else { return nil }
    var made = dictionary(site: "")
    let bound = made.threshold(ofLargest: settings.k * rows.rows, on: rows)
    threshold = bound
    made.threshold = [Float](repeating: bound, count: made.latents)
    var (sum, squares) = (0.0, 0.0)
    made.forEachBlock(of: rows) { active in
      for row in 0..<active.rows {
        let count = Double(active.range(ofRow: row).count)
        sum += count
        squares += count * count
      }
    }
    let n = Double(rows.rows)
    let variance = max(squares / n - (sum / n) * (sum / n), 0)
    return (variance / n).squareRoot() / Double(settings.k)
  }
}

extension SparseAutoencoder {
  /// A threshold that leaves the `count` largest pre-activations of all rows active; 0 where fewer are above 0.
  ///
  /// One encoding of the rows; memory for a block's latents and about three times `count` numbers.
  func threshold(ofLargest count: Int, on rows: Matrix) -> Float {
    var all = self
    all.threshold = [Float](repeating: 0, count: latents)
    var values: [Float] = []
    for start in stride(from: 0, to: rows.rows, by: Self.blockRows) {
      values += all.encode(rows.selectingRows(start..<min(start + Self.blockRows, rows.rows))).values
      guard values.count > 2 * count + 65_536 else { continue }
      // What lies below the largest so far need not be looked at again.
      let least = selectLargest(&values, count + 1)
      values.removeAll { $0 < least }
      all.threshold = [Float](repeating: max(least.nextDown, 0), count: latents)
    }
    guard count > 0, values.count > count else { return 0 }
    let (upper, lower) = (selectLargest(&values, count), selectLargest(&values, count + 1))
    let middle = lower + (upper - lower) / 2
    return middle < upper ? middle : lower
  }

  private static var blockRows: Int { 256 }

  /// The active latents of some rows after others.
  func forEachBlock(of rows: Matrix, _ body: (SparseLatents) -> Void) {
    for start in stride(from: 0, to: rows.rows, by: Self.blockRows) {
      body(encode(rows.selectingRows(start..<min(start + Self.blockRows, rows.rows))))
    }
  }
}
