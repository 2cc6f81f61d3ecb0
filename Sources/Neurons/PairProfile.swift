import LinearAlgebra

/// Two classes that a column speaks for above all others.
struct ClassPair {
  var first: Int
  var second: Int
  /// The chance that a row of the first class is higher than one of any class but these two, ties half; of the second
  /// the same. The smaller of them is what makes the pair.
  var separations: (first: Double, second: Double)
  /// The mean of the strongest quarter of the weaker class, over the column's maximum: whether it fires, or stirs.
  var strength: Double

  var separation: Double { min(separations.first, separations.second) }
  /// What pairs are chosen by before it is known how related the classes are.
  var score: Double { max(0, 2 * separation - 1) * max(0, strength).squareRoot() }
}

/// For one column: how high each class stands against each other.
struct PairProfile {
  /// [classes, classes]: the chance that a row of one class is higher than a row of the other.
  private var wins: [Double]
  private let classes: Int
  /// The mean of each class's strongest quarter.
  private var strongest: [Double]
  private var maximum: Float
  private let counts: [Double]
  /// Each class's mean.
  private(set) var means: [Double]

  /// - Complexity: O(rows · (log rows + classes)).
  init(values: [Float], labels: [Int32], counts: [Double]) {
    classes = counts.count
    self.counts = counts
    wins = [Double](repeating: 0, count: classes * classes)
    means = [Double](repeating: 0, count: classes)
    strongest = means
    maximum = values.max() ?? 0
    var keys = values.indices.map { UInt64(ordered(values[$0])) << 32 | UInt64($0) }
    keys.sort()
    var below = [Double](repeating: 0, count: classes)
    var tied = below
    var present: [Int] = []
    var place = 0
    while place < keys.count {
      let value = keys[place] >> 32
      present.removeAll(keepingCapacity: true)
      while place < keys.count, keys[place] >> 32 == value {
        let row = Int(keys[place] & 0xFFFF_FFFF)
        let c = Int(labels[row])
        if tied[c] == 0 { present.append(c) }
        tied[c] += 1
        means[c] += Double(values[row]) / counts[c]
        place += 1
      }
      for c in present {
        for other in 0..<classes { wins[c * classes + other] += tied[c] * below[other] }
        for other in present { wins[c * classes + other] += tied[c] * tied[other] / 2 }
      }
      for c in present {
        below[c] += tied[c]
        tied[c] = 0
      }
    }
    var taken = [Double](repeating: 0, count: classes)
    for key in keys.reversed() {
      let row = Int(key & 0xFFFF_FFFF)
      let c = Int(labels[row])
      let quarter = max(1, (counts[c] / 4).rounded())
      if taken[c] < quarter {
        taken[c] += 1
        strongest[c] += Double(values[row]) / quarter
      }
    }
  }

  /// The best pairs, first the best.
  func pairs(_ count: Int) -> [ClassPair] {
    guard maximum > 0, classes >= 3 else { return [] }
    // Each class against all others at once, from which a pair's two are subtracted.
    let totals = (0..<classes).map { c in
      (0..<classes).reduce(0) { $1 == c ? $0 : $0 + wins[c * classes + $1] }
    }
    let all = counts.reduce(0, +)
    var found: [ClassPair] = []
    for first in 0..<classes {
      for second in first + 1..<classes {
        let rest = all - counts[first] - counts[second]
        guard rest > 0, counts[first] > 0, counts[second] > 0 else { continue }
        let a = (totals[first] - wins[first * classes + second]) / (counts[first] * rest)
        let b = (totals[second] - wins[second * classes + first]) / (counts[second] * rest)
        let pair = ClassPair(
          first: first, second: second, separations: (a, b),
          strength: min(strongest[first], strongest[second]) / Double(maximum))
        if pair.score > 0 { found.append(pair) }
      }
    }
    found.sort { $0.score != $1.score ? $0.score > $1.score : ($0.first, $0.second) < ($1.first, $1.second) }
    return Array(found.prefix(count))
  }
}
