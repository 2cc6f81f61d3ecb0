import LinearAlgebra

/// How well single columns tell classes apart.
enum SingleColumns {
  /// The AUROC on held-out rows of the column that is best on the training rows, meaned over classes (each against the
  /// rest; with two classes the second's). A column counts with whichever sign is better in training.
  static func bestAUROC(_ matrix: Matrix, labels: [Int32], classes: Int, trainingCount: Int) -> Double {
    let targets = classes == 2 ? [1] : Array(0..<classes)
    let (rows, width) = (matrix.rows, matrix.columns)
    // For each column and class the AUROC in training.
    var areas = [Double](repeating: 0.5, count: width * classes)
    let training = Array(labels[..<trainingCount])
    matrix.elements.withUnsafeBufferPointer { values in
      areas.withUnsafeMutableBufferPointer { areas in
        nonisolated(unsafe) let areas = areas
        Threads.forEach(width) { column in
          let own = RankAreas.areas(
            of: trainingCount, labels: training, classes: classes, score: { values[$0 * width + column] })
          for c in 0..<classes { areas[column * classes + c] = own[c] ?? 0.5 }
        }
      }
    }
    let held = Array(labels[trainingCount...])
    var sum = 0.0
    for target in targets {
      var best = 0
      for column in 0..<width
      where abs(areas[column * classes + target] - 0.5) > abs(areas[best * classes + target] - 0.5) {
        best = column
      }
      let own = RankAreas.areas(
        of: rows - trainingCount, labels: held, classes: classes,
        score: { matrix.elements[($0 + trainingCount) * width + best] })
      let area = own[target] ?? 0.5
      sum += areas[best * classes + target] >= 0.5 ? area : 1 - area
    }
    return sum / Double(targets.count)
  }
}

/// The area under the ROC curve of every class against the rest, from one sorting of the scores.
enum RankAreas {
  /// (Σ ranks of the class − n(n + 1)/2) / (n · the others), ties having their mean rank (Mann & Whitney 1947).
  ///
  /// - Parameter score: an example's; not NaN.
  /// - Returns: for each class; nil where it has no example, or all of them.
  static func areas(of count: Int, labels: [Int32], classes: Int, score: (Int) -> Float) -> [Double?] {
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
