/// Stretches of tokens at which the values of one column each are wanted: filled in one pass over a source.
///
/// Memory: 16 bytes for each token of each stretch.
package struct ColumnWindows {
  /// A stretch of a column's values.
  package struct Window: Sendable {
    package var column: Int
    package var rows: Range<Int>

    package init(column: Int, rows: Range<Int>) { (self.column, self.rows) = (column, rows) }
  }

  /// The most tokens of all stretches together: 512 MiB.
  package static let most = 1 << 25

  package let windows: [Window]
  private let offsets: [Int]
  private var values: [Float]
  /// What is wanted, ordered by row.
  private let wanted: [(row: Int, column: Int32, place: Int32)]
  private var next = 0

  package init(_ windows: [Window]) {
    self.windows = windows
    var offsets = [0]
    for window in windows { offsets.append(offsets[offsets.count - 1] + window.rows.count) }
    precondition(offsets[windows.count] <= Self.most, "\(offsets[windows.count]) tokens of windows")
    self.offsets = offsets
    values = [Float](repeating: 0, count: offsets[windows.count])
    var wanted: [(row: Int, column: Int32, place: Int32)] = []
    wanted.reserveCapacity(values.count)
    for (number, window) in windows.enumerated() {
      for (offset, row) in window.rows.enumerated() {
        wanted.append((row, Int32(window.column), Int32(offsets[number] + offset)))
      }
    }
    self.wanted = wanted.sorted { $0.row < $1.row }
  }

  /// Takes what is wanted of some rows, which rise from call to call. A row that never comes keeps zeros.
  ///
  /// - Parameter value: of a row's place in `rows` and a column.
  package mutating func take(_ rows: [Int], value: (Int, Int) -> Float) {
    for (place, row) in rows.enumerated() {
      while next < wanted.count, wanted[next].row < row { next += 1 }
      while next < wanted.count, wanted[next].row == row {
        values[Int(wanted[next].place)] = value(place, Int(wanted[next].column))
        next += 1
      }
    }
  }

  /// The values of a stretch.
  package subscript(number: Int) -> ArraySlice<Float> { values[offsets[number]..<offsets[number + 1]] }
}
