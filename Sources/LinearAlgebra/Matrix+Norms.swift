extension Matrix {
  /// The Euclidean norm of each row.
  package var rowNorms: [Float] {
    elements.withUnsafeBufferPointer { elements in
      guard let base = elements.baseAddress else { return [] }
      return (0..<rows).map { row in
        Float(Kernels.dotInDouble(base + row * columns, base + row * columns, count: columns).squareRoot())
      }
    }
  }

  /// The same rows with norm 1; a row of zeros stays one.
  package var withUnitRows: Matrix {
    var result = self
    let (rows, columns) = (rows, columns)
    result.withUnsafeMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      for row in 0..<rows { Kernels.setNorm(base + row * columns, count: columns, to: 1) }
    }
    return result
  }

  /// The rows less their mean.
  package var centred: Matrix {
    var mean = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      withUnsafeRow(row) { values in for column in values.indices { mean[column] += Double(values[column]) } }
    }
    for column in mean.indices { mean[column] /= Double(max(rows, 1)) }
    var result = self
    let columns = columns
    result.withUnsafeMutableElements { elements in
      for index in elements.indices { elements[index] = Float(Double(elements[index]) - mean[index % columns]) }
    }
    return result
  }
}

extension Kernels {
  /// Gives a row the norm; a row of zeros stays one.
  package static func setNorm(_ row: UnsafeMutablePointer<Float>, count: Int, to norm: Float) {
    let length = dot(row, row, count: count).squareRoot()
    if length > 0 { scale(row, by: norm / length, into: row, count: count) }
  }
}
