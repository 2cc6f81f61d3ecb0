extension Matrix {
  /// A copy of the columns of the given numbers, in that order; a number may repeat.
  package func selectingColumns(_ numbers: some Collection<Int>) -> Matrix {
    Matrix(rows: rows, columns: numbers.count) { output in
      var target = 0
      for row in 0..<rows {
        withUnsafeRow(row) { values in
          for column in numbers {
            output[target] = values[column]
            target += 1
          }
        }
      }
    }
  }

  /// The matrix cut into columns of these widths.
  package func splitColumns(_ widths: [Int]) -> [Matrix] {
    precondition(widths.reduce(0, +) == columns, "widths \(widths) of \(columns) columns")
    var start = 0
    return widths.map { width in
      defer { start += width }
      return selectingColumns(start..<start + width)
    }
  }

  /// Matrices of equally many rows, side by side.
  package init(sideBySide parts: [Matrix]) {
    let rows = parts.first?.rows ?? 0
    precondition(parts.allSatisfy { $0.rows == rows }, "parts of unequally many rows")
    let width = parts.reduce(0) { $0 + $1.columns }
    self.init(rows: rows, columns: width) { output in
      var start = 0
      for part in parts {
        for row in 0..<rows {
          part.withUnsafeRow(row) { _ = output[(row * width + start)...].update(fromContentsOf: $0) }
        }
        start += part.columns
      }
    }
  }
}
