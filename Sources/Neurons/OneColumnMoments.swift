import LinearAlgebra

extension ColumnMoments {
  /// The moments of one population, as of a single column.
  init(of values: [Float]) {
    self.init(columns: 1)
    values.withUnsafeBufferPointer { addColumn($0) }
  }

  init(of values: UnsafeBufferPointer<Float>) {
    self.init(columns: 1)
    addColumn(values)
  }

  private mutating func addColumn(_ values: UnsafeBufferPointer<Float>) {
    if let base = values.baseAddress { add(base, rows: values.count) }
  }

  /// The mean of z⁴ in each column, 3 for a normal distribution; 0 in a constant one.
  var kurtosis: [Double] { zip(excessKurtosis, second).map { $1 > 0 ? $0 + 3 : 0 } }
}
