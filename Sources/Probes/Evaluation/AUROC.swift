import LinearAlgebra

/// The area under the ROC curve by ranks.
public enum AUROC {
  /// The chance that a positive example scores above a negative one, ties counted half (Mann & Whitney 1947).
  ///
  /// - Returns: nil where there is no positive or no negative example. Scores must not be NaN.
  /// - Complexity: O(n log n).
  public static func area<Score: Comparable>(scores: [Score], positive: [Bool]) -> Double? {
    precondition(scores.count == positive.count, "\(scores.count) scores, \(positive.count) labels")
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    return area(order: order, scores: scores, positive: positive, weights: nil)
  }

  /// The same with the order known and a weight for each example, in one pass; what the bootstrap repeats.
  static func area<Score: Comparable>(
    order: [Int], scores: [Score], positive: [Bool], weights: [Int32]?
  ) -> Double? {
    var below = 0.0  // negatives that score lower than this tie
    var wins = 0.0
    var positives = 0.0
    var place = 0
    while place < order.count {
      let score = scores[order[place]]
      var tiedPositives = 0.0
      var tiedNegatives = 0.0
      while place < order.count, scores[order[place]] == score {
        let index = order[place]
        let weight = weights.map { Double($0[index]) } ?? 1
        if positive[index] { tiedPositives += weight } else { tiedNegatives += weight }
        place += 1
      }
      wins += tiedPositives * (below + tiedNegatives / 2)
      positives += tiedPositives
      below += tiedNegatives
    }
    guard positives > 0, below > 0 else { return nil }
    return wins / (positives * below)
  }

  /// The areas of every class against the rest, from one sorting of the scores; nil where it has no example, or all of them.
  ///
  /// - Parameter score: an example's; not NaN.
  package static func areas(of count: Int, labels: [Int32], classes: Int, score: (Int) -> Float) -> [Double?] {
    Ranks(count, score: score).areas(labels: labels, classes: classes)
  }
}

/// Examples in the order of their scores, found once: the areas of any labels follow in one pass.
package struct Ranks: Sendable {
  /// In ascending order: numbers that are in order as the scores are, and in their lower half the example.
  private let keys: [UInt64]

  /// - Parameter score: an example's; not NaN.
  package init(_ count: Int, score: (Int) -> Float) {
    keys = (0..<count).map { index -> UInt64 in
      let value = score(index)
      let bits = value == 0 ? 0 : value.bitPattern
      let ordered = bits >> 31 == 1 ? ~bits : bits | 1 << 31
      return UInt64(ordered) << 32 | UInt64(UInt32(index))
    }.sorted()
  }

  package init(_ scores: [Float]) { self.init(scores.count) { scores[$0] } }

  /// The example at a place of the ascending order; of equal scores the earlier example stands first.
  package func example(_ place: Int) -> Int { Int(UInt32(truncatingIfNeeded: keys[place])) }

  /// Gives `body` the places of equal scores, from the lowest on.
  package func forEachTie(_ body: (Range<Int>) -> Void) {
    var place = 0
    while place < keys.count {
      var end = place + 1
      while end < keys.count, keys[end] >> 32 == keys[place] >> 32 { end += 1 }
      body(place..<end)
      place = end
    }
  }

  /// The examples from the highest score to the lowest; of equal scores the earlier example first.
  package var descending: [Int32] {
    var ties: [Range<Int>] = []
    forEachTie { ties.append($0) }
    return ties.reversed().flatMap { $0.map { Int32(truncatingIfNeeded: example($0)) } }
  }

  /// Whether examples with a flag score higher; nil where all have it or none.
  package func area(positive: [Bool]) -> Double? {
    areas(classes: 2, label: { positive[$0] ? 1 : 0 })[1]
  }

  /// For each class against the rest (Σ ranks − n(n + 1)/2) / (n · the others); nil where it has no example, or all of them.
  ///
  /// - Parameter lowest: how many further examples of each class tie below all of these.
  package func areas(labels: [Int32], classes: Int, lowest: [Double]? = nil) -> [Double?] {
    areas(classes: classes, lowest: lowest) { Int(labels[$0]) }
  }

  private func areas(classes: Int, lowest: [Double]? = nil, label: (Int) -> Int) -> [Double?] {
    var counts = lowest ?? [Double](repeating: 0, count: classes)
    let below = counts.reduce(0, +)
    // Ranks from 1, ties sharing their mean.
    var ranks = counts.map { $0 * (below + 1) / 2 }
    forEachTie { tie in
      let rank = below + Double(tie.lowerBound + 1 + tie.upperBound) / 2
      for place in tie {
        let label = label(example(place))
        ranks[label] += rank
        counts[label] += 1
      }
    }
    let total = below + Double(keys.count)
    return (0..<classes).map { c in
      let (own, rest) = (counts[c], total - counts[c])
      return own > 0 && rest > 0 ? (ranks[c] - own * (own + 1) / 2) / (own * rest) : nil
    }
  }
}
