import LinearAlgebra

/// How well predictions agree with labels, by the measures of scikit-learn under the same definitions.
///
/// With two classes the second is the positive one, and `f1` and `auroc` are its own. With more, `f1` is the mean over
/// classes (macro) and `auroc` the mean of each class against the rest. With outer folds `auroc` and `prAUC` are means over
/// the folds, since scores of different fits have no common scale.
public struct Scores: Codable, Sendable, Equatable {
  /// The share of examples whose class was predicted, 0 to 1.
  public var accuracy: Double
  /// The mean over classes of the share of their examples that were predicted; 0.5 for two classes is chance.
  public var balancedAccuracy: Double
  /// The harmonic mean of precision and recall; 0 where nothing was predicted positive.
  public var f1: Double
  /// The chance that an example of the class scores above one of another, ties counted half; nil where a class is absent.
  public var auroc: Double?
  /// Matthews' correlation of prediction and label, −1 to 1; 0 where a side is constant (Gorodkin's form for more classes).
  public var mcc: Double
  /// The area under the curve of precision over recall as the mean precision at each positive example found (scikit-learn's
  /// `average_precision_score`); chance is the class's share. Nil where a class is absent.
  public var prAUC: Double?
  /// The mean distance between confidence and accuracy over 15 equal bins of the predicted class's probability (Guo et
  /// al., arXiv 1706.04599); nil where scores are no log-odds.
  public var calibrationError: Double?

  /// The mean of each score; of one that is missing anywhere, nil.
  public static func mean(of scores: [Scores]) -> Scores? {
    guard !scores.isEmpty else { return nil }
    let count = Double(scores.count)
    func mean(_ key: KeyPath<Scores, Double>) -> Double { scores.reduce(0) { $0 + $1[keyPath: key] } / count }
    func mean(_ key: KeyPath<Scores, Double?>) -> Double? {
      let values = scores.compactMap { $0[keyPath: key] }
      return values.count == scores.count ? values.mean : nil
    }
    return Scores(
      accuracy: mean(\.accuracy), balancedAccuracy: mean(\.balancedAccuracy), f1: mean(\.f1), auroc: mean(\.auroc),
      mcc: mean(\.mcc), prAUC: mean(\.prAUC), calibrationError: mean(\.calibrationError))
  }
}

extension Scores {
  /// What a confusion matrix of `classes`² counts tells, row = label, column = prediction, with the measures given.
  init(
    confusion: [Double], classes: Int, auroc: Double? = nil, prAUC: Double? = nil, calibrationError: Double? = nil
  ) {
    precondition(confusion.count == classes * classes, "\(confusion.count) counts for \(classes) classes")
    var rowSums = [Double](repeating: 0, count: classes)
    var columnSums = rowSums
    var hits = 0.0
    var total = 0.0
    for label in 0..<classes {
      for prediction in 0..<classes {
        let count = confusion[label * classes + prediction]
        rowSums[label] += count
        columnSums[prediction] += count
        total += count
      }
      hits += confusion[label * classes + label]
    }
    var recallSum = 0.0
    var present = 0.0
    var f1Sum = 0.0
    var f1Classes = 0.0
    var labelSquares = 0.0
    var predictionSquares = 0.0
    var products = 0.0
    for c in 0..<classes {
      let hit = confusion[c * classes + c]
      if rowSums[c] > 0 {
        recallSum += hit / rowSums[c]
        present += 1
      }
      if rowSums[c] + columnSums[c] > 0 {
        f1Sum += 2 * hit / (rowSums[c] + columnSums[c])
        f1Classes += 1
      }
      labelSquares += rowSums[c] * rowSums[c]
      predictionSquares += columnSums[c] * columnSums[c]
      products += rowSums[c] * columnSums[c]
    }
    let positiveF1 = rowSums[classes - 1] + columnSums[classes - 1]
    let denominator = ((total * total - labelSquares) * (total * total - predictionSquares)).squareRoot()
    self.init(
      accuracy: total > 0 ? hits / total : 0,
      balancedAccuracy: present > 0 ? recallSum / present : 0,
      f1: classes == 2
        ? (positiveF1 > 0 ? 2 * confusion[3] / positiveF1 : 0)
        : (f1Classes > 0 ? f1Sum / f1Classes : 0),
      auroc: auroc,
      mcc: denominator > 0 ? (hits * total - products) / denominator : 0,
      prAUC: prAUC, calibrationError: calibrationError)
  }
}

/// The area under the curve of precision over recall.
enum AveragePrecision {
  /// Σ (recall_i − recall_{i−1}) · precision_i over the thresholds from the highest score down, examples of one score
  /// together; no interpolation.
  ///
  /// - Parameter order: the examples by rising score.
  /// - Returns: nil where there is no positive or no negative example. Scores must not be NaN.
  static func area<Score: Comparable>(
    order: [Int], scores: [Score], positive: [Bool], weights: [Int32]?
  ) -> Double? {
    var found = 0.0
    var called = 0.0
    var sum = 0.0
    var place = order.count - 1
    while place >= 0 {
      let score = scores[order[place]]
      var tied = 0.0
      while place >= 0, scores[order[place]] == score {
        let weight = weights.map { Double($0[order[place]]) } ?? 1
        called += weight
        if positive[order[place]] { tied += weight }
        place -= 1
      }
      found += tied
      if called > 0 { sum += tied * found / called }
    }
    guard found > 0, called > found else { return nil }
    return sum / found
  }
}
