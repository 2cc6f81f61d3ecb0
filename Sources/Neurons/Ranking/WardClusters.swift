import LinearAlgebra

/// Points in clusters by Ward's method: again and again the two are joined that add least to the squared distances from the
/// clusters' means. Nothing is drawn by chance.
struct WardClusters {
  /// Each point's cluster, numbered in the order of their first points.
  private(set) var labels: [Int32]
  private(set) var count: Int

  /// - Parameters:
  ///   - points: [points, width].
  ///   - least: clusters of fewer points go to the one with the nearest mean, as long as there are more than three.
  /// - Complexity: O(points² · width) for the distances, then O(points²) by chains of nearest neighbours.
  init(_ points: Matrix, count: Int, least: Int) {
    let n = points.rows
    var parent = Array(0..<n)
    func root(_ index: Int) -> Int {
      var index = index
      while parent[index] != index { index = parent[index] }
      return index
    }
    // The cheapest joins come first, whatever order the chains found them in.
    for join in Self.joins(points).sorted(by: { $0.cost != $1.cost ? $0.cost < $1.cost : $0.a < $1.a })
      .prefix(max(0, n - max(count, 1)))
    {
      parent[root(join.b)] = root(join.a)
    }
    labels = (0..<n).map { Int32(root($0)) }
    self.count = 0
    number()
    absorb(points, least: least)
  }

  private typealias Join = (cost: Double, a: Int, b: Int)

  /// All n − 1 joins, each by a point of either side.
  private static func joins(_ points: Matrix) -> [Join] {
    let n = points.rows
    var distance = squaredDistances(points)
    var size = [Double](repeating: 1, count: n)
    var alive = [Bool](repeating: true, count: n)
    var chain: [Int] = []
    var joins: [Join] = []
    var first = 0
    while joins.count < n - 1 {
      if chain.isEmpty {
        while !alive[first] { first += 1 }
        chain.append(first)
      }
      let last = chain[chain.count - 1]
      let previous = chain.count > 1 ? chain[chain.count - 2] : -1
      // Of equally near ones the previous, so that the chain ends.
      var (nearest, least) = (previous, previous >= 0 ? distance[last * n + previous] : .infinity)
      for other in 0..<n where alive[other] && other != last && distance[last * n + other] < least {
        (nearest, least) = (other, distance[last * n + other])
      }
      guard nearest >= 0 else { break }
      guard nearest == previous else {
        chain.append(nearest)
        continue
      }
      chain.removeLast(2)
      joins.append((Double(least), last, nearest))
      let (a, b) = (size[last], size[nearest])
      alive[nearest] = false
      for other in 0..<n where alive[other] && other != last {
        let c = size[other]
        let joined =
          ((a + c) * Double(distance[last * n + other]) + (b + c) * Double(distance[nearest * n + other])
            - c * Double(least)) / (a + b + c)
        distance[last * n + other] = Float(joined)
        distance[other * n + last] = Float(joined)
      }
      size[last] = a + b
    }
    return joins
  }

  private static func squaredDistances(_ points: Matrix) -> [Float] {
    let n = points.rows
    var result = points.multiplied(by: points, transposed: true).elements
    let squares = (0..<n).map { result[$0 * n + $0] }
    for row in 0..<n {
      for column in 0..<n {
        result[row * n + column] =
          row == column ? 0 : max(0, squares[row] + squares[column] - 2 * result[row * n + column])
      }
    }
    return result
  }

  private mutating func absorb(_ points: Matrix, least: Int) {
    while count > 3 {
      let counts = labels.reduce(into: [Int](repeating: 0, count: count)) { $0[Int($1)] += 1 }
      guard let small = counts.indices.min(by: { counts[$0] < counts[$1] }), counts[small] < least else { return }
      var means = Matrix(zeros: count, columns: points.columns)
      for (point, label) in labels.enumerated() {
        for column in 0..<points.columns {
          means[Int(label), column] += points[point, column] / Float(counts[Int(label)])
        }
      }
      func distance(_ other: Int) -> Float {
        zip(means.row(small), means.row(other)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
      guard let nearest = counts.indices.filter({ $0 != small }).min(by: { distance($0) < distance($1) }) else {
        return
      }
      labels = labels.map { $0 == Int32(small) ? Int32(nearest) : $0 }
      number()
    }
  }

  private mutating func number() {
    var numbers: [Int32: Int32] = [:]
    for label in labels where numbers[label] == nil { numbers[label] = Int32(numbers.count) }
    labels = labels.map { numbers[$0] ?? 0 }
    count = numbers.count
  }
}
