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

  /// The areas of every class against the rest, from one sorting of the scores.
  ///
  /// - Parameter score: an example's; not NaN.
  /// - Returns: for each class (Σ ranks − n(n + 1)/2) / (n · the others); nil where it has no example, or all of them.
  package static func areas(of count: Int, labels: [Int32], classes: Int, score: (Int) -> Float) -> [Double?] {
    // Numbers that are in order as the scores are, and in their lower half the example.
    var keys = (0..<count).map { index -> UInt64 in
      let value = score(index)
      let bits = value == 0 ? 0 : value.bitPattern
      let ordered = bits >> 31 == 1 ? ~bits : bits | 1 << 31
      return UInt64(ordered) << 32 | UInt64(UInt32(index))
    }
    keys.sort()
    var ranks = [Double](repeating: 0, count: classes)
    var counts = [Double](repeating: 0, count: classes)
    var place = 0
    while place < count {
      var end = place + 1
      while end < count, keys[end] >> 32 == keys[place] >> 32 { end += 1 }
      // Ranks from 1: the mean of place + 1 … end.
      let rank = Double(place + 1 + end) / 2
      for tied in place..<end {
        let label = Int(labels[Int(UInt32(truncatingIfNeeded: keys[tied]))])
        ranks[label] += rank
        counts[label] += 1
      }
      place = end
    }
    return (0..<classes).map { c in
      let (own, rest) = (counts[c], Double(count) - counts[c])
      return own > 0 && rest > 0 ? (ranks[c] - own * (own + 1) / 2) / (own * rest) : nil
    }
  }
}
