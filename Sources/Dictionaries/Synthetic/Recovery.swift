import CKernels
import LinearAlgebra

/// For each row of `directions` the largest cosine with a row of `others`, and where it is.
///
/// 2·n·m·width operations; memory for blocks of 256 rows. A row of zeros has cosine 0 with every other.
public func maximumCosines(of directions: Matrix, among others: Matrix) -> [(cosine: Float, index: Int)] {
  precondition(directions.columns == others.columns, "widths \(directions.columns) and \(others.columns)")
  let (a, b) = (directions.withUnitRows, others.withUnitRows)
  var result = [(cosine: Float, index: Int)](repeating: (0, 0), count: a.rows)
  guard b.rows > 0 else { return result }
  for start in stride(from: 0, to: a.rows, by: 256) {
    let rows = start..<min(start + 256, a.rows)
    let cosines = a.selectingRows(rows).multiplied(by: b, transposed: true)
    for row in rows {
      cosines.withUnsafeRow(row - start) { values in
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        result[row] = (values[best], best)
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

extension Matrix {
  /// The same rows with norm 1; a row of zeros stays one.
  var withUnitRows: Matrix {
    var result = self
    let (rows, columns) = (rows, columns)
    result.withUnsafeMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      for row in 0..<rows { setNorm(base + row * columns, columns, to: 1) }
    }
    return result
  }
}
