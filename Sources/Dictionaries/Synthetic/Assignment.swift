/// For each row the column that it is matched with, no column twice, such that the sum of the chosen values is the largest
/// that there is: the Hungarian method by shortest augmenting paths (Crouse 2016, after Jonker and Volgenant 1987).
///
/// Rows first take their best column where it is free. O(rows² · columns) at worst; of cosines of a dictionary a few
/// thousand columns' worth of paths. Rows must not outnumber columns.
func largestAssignment(rows: Int, columns: Int, _ values: UnsafePointer<Float>) -> [Int] {
  precondition(rows <= columns, "\(rows) rows into \(columns) columns")
  var columnOfRow = [Int](repeating: -1, count: rows)
  var rowOfColumn = [Int](repeating: -1, count: columns)
  // Prices: value ≤ u + v, with equality where matched.
  var u = [Double](repeating: 0, count: rows)
  var v = [Double](repeating: 0, count: columns)
  for row in 0..<rows {
    let own = values + row * columns
    var best = 0
    for column in 0..<columns where own[column] > own[best] { best = column }
    u[row] = Double(own[best])
    if rowOfColumn[best] < 0 { (rowOfColumn[best], columnOfRow[row]) = (row, best) }
  }
  var distance = [Double](repeating: 0, count: columns)
  var before = [Int](repeating: -1, count: columns)
  var open = [Int](repeating: 0, count: columns)
  for start in 0..<rows where columnOfRow[start] < 0 {
    for column in 0..<columns { (distance[column], open[column]) = (.infinity, column) }
    var remaining = columns
    var (row, length, sink) = (start, 0.0, -1)
    var visited: [(row: Int, column: Int)] = []
    while sink < 0 {
      let own = values + row * columns
      let base = length + u[row]
      var (least, place) = (Double.infinity, -1)
      distance.withUnsafeMutableBufferPointer { distance in
        for index in 0..<remaining {
          let column = open[index]
          let through = base + v[column] - Double(own[column])
          if through < distance[column] { (distance[column], before[column]) = (through, row) }
          let this = distance[column]
          if this < least || (this == least && rowOfColumn[column] < 0) { (least, place) = (this, index) }
        }
      }
      length = least
      let column = open[place]
      remaining -= 1
      open[place] = open[remaining]
      if rowOfColumn[column] < 0 {
        sink = column
      } else {
        row = rowOfColumn[column]
        visited.append((row, column))
      }
    }
    u[start] -= length
    for (row, column) in visited {
      u[row] -= length - distance[column]
      v[column] += length - distance[column]
    }
    var column = sink
    while true {
      let row = before[column]
      rowOfColumn[column] = row
      (columnOfRow[row], column) = (column, columnOfRow[row])
      if row == start { break }
    }
  }
  return columnOfRow
}
