/// The outlines of where a function of the plane is above 0, by marching squares.
enum Contour {
  typealias Point = Figure.Mark.Point

  /// - Parameters:
  ///   - range: The square's ends in x and in y; what is above 0 ends at its edge.
  ///   - side: Places along each axis where the function is asked.
  ///   - values: The function at points row after row, from the lower left.
  /// - Returns: Closed outlines; holes run the other way round.
  static func outlines(in range: ClosedRange<Double>, side: Int, values: [Double]) -> [[Point]] {
    precondition(side >= 2 && values.count == side * side, "\(values.count) values for \(side)×\(side)")
    // A frame of places just outside, all below 0, closes every outline.
    let framed = side + 2
    let step = (range.upperBound - range.lowerBound) / Double(side - 1)
    func value(_ column: Int, _ row: Int) -> Double {
      guard (1...side).contains(column), (1...side).contains(row) else { return -.greatestFiniteMagnitude }
      let value = values[(row - 1) * side + column - 1]
      return value.isFinite ? value : -1
    }
    func place(_ column: Int, _ row: Int) -> Point {
      Point(range.lowerBound + Double(column - 1) * step, range.lowerBound + Double(row - 1) * step)
    }
    // An edge is known by its lower left corner and its direction.
    func edge(_ a: (Int, Int), _ b: (Int, Int)) -> Int {
      let (column, row) = (min(a.0, b.0), min(a.1, b.1))
      return (row * framed + column) * 2 + (a.0 == b.0 ? 1 : 0)
    }
    var next: [Int: Int] = [:]
    var points: [Int: Point] = [:]
    var starts: [Int] = []
    for row in 0..<framed - 1 {
      for column in 0..<framed - 1 {
        let corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        let isInside = corners.map { value($0.0, $0.1) > 0 }
        for leaving in 0..<4 where isInside[leaving] && !isInside[(leaving + 1) % 4] {
          // From the side where the border goes out to the next where it comes in, counter-clockwise.
          var entering = (leaving + 1) % 4
          while isInside[(entering + 1) % 4] == false { entering = (entering + 1) % 4 }
          let from = edge(corners[leaving], corners[(leaving + 1) % 4])
          let to = edge(corners[entering], corners[(entering + 1) % 4])
          next[from] = to
          starts.append(from)
          let (inside, outside) = (corners[leaving], corners[(leaving + 1) % 4])
          let (a, b) = (value(inside.0, inside.1), value(outside.0, outside.1))
          let part = a / (a - b)
          let (p, q) = (place(inside.0, inside.1), place(outside.0, outside.1))
          points[from] = Point(p.x + (q.x - p.x) * part, p.y + (q.y - p.y) * part)
        }
      }
    }
    var outlines: [[Point]] = []
    for start in starts where next[start] != nil {
      var outline: [Point] = []
      var current = start
      while let following = next.removeValue(forKey: current) {
        if let point = points[current] { outline.append(point) }
        current = following
      }
      if outline.count > 2 { outlines.append(simplified(outline)) }
    }
    return outlines
  }

  /// Without the points that lie on the straight line between their neighbours.
  private static func simplified(_ outline: [Point]) -> [Point] {
    var kept: [Point] = []
    for (index, point) in outline.enumerated() {
      let before = kept.last ?? outline[outline.count - 1]
      let after = outline[(index + 1) % outline.count]
      let turn = (point.x - before.x) * (after.y - point.y) - (point.y - before.y) * (after.x - point.x)
      if abs(turn) > 1e-7 { kept.append(point) }
    }
    return kept.count > 2 ? kept : outline
  }
}
