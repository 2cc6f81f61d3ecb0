import Foundation
import LinearAlgebra

/// The range that a bootstrap leaves for a measure.
public struct Interval: Codable, Sendable, Equatable {
  public var low: Double
  public var high: Double

  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}

/// The range of each of `Scores`, from resampling groups of examples with replacement.
public struct ScoreIntervals: Codable, Sendable, Equatable {
  /// The share of resamples inside each interval, such as 0.95.
  public var level: Double
  public var resamples: Int
  public var accuracy: Interval
  public var balancedAccuracy: Interval
  public var f1: Interval
  public var auroc: Interval?
  public var mcc: Interval
  public var prAUC: Interval?
  public var calibrationError: Interval?
}

/// What a classifier got right on examples that it had not seen.
public struct Evaluation: Codable, Sendable, Equatable {
  public var examples: Int
  /// The number of groups (documents, where none were given) that the examples come from; the bootstrap resamples these.
  public var groups: Int
  public var classes: [String]
  /// The number of examples of each class, in the order of `classes`.
  public var classCounts: [Int]
  public var scores: Scores
  /// Nil when no resamples were asked for.
  public var intervals: ScoreIntervals?
  /// What always answering the most frequent class of the training examples would score.
  public var majority: Scores
  /// The class that it answers.
  public var majorityClass: Int
  /// Counts by label (outer) and prediction (inner).
  public var confusion: [[Int]]
}

extension Evaluation {
  /// How intervals are found.
  public struct Bootstrap: Codable, Sendable, Equatable {
    /// How often the groups are drawn again; 0 leaves the intervals out.
    public var resamples: Int
    /// The share of resamples inside an interval.
    public var level: Double
    public var seed: UInt64

    public init(resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
      self.resamples = resamples
      self.level = level
      self.seed = seed
    }
  }

  /// Compares predictions with labels.
  ///
  /// Intervals are percentiles of the scores over resamples of whole groups, so that the tokens of one document, which
  /// resemble each other, don't make the interval look narrower than it is.
  ///
  /// - Parameters:
  ///   - scores: [examples, 1] with two classes (above 0 means the second), else [examples, classes] (the largest wins).
  ///   - labels: each example's class.
  ///   - groups: each example's group, by any numbering.
  ///   - majorityClass: the class that the baseline answers.
  ///   - scoresAreLogOdds: whether the scores are those of a probability (logistic regression's, not a margin's), so
  ///     that their calibration can be judged.
  /// - Complexity: O(n log n) and O(n) a resample, for each class.
  public init(
    scores: Matrix, labels: [Int32], groups: [Int], classes: [String], majorityClass: Int, bootstrap: Bootstrap,
    scoresAreLogOdds: Bool = true
  ) {
    let count = labels.count
    let classCount = classes.count
    precondition(scores.rows == count && groups.count == count, "\(scores.rows) scores for \(count) labels")
    precondition(scores.columns == (classCount == 2 ? 1 : classCount), "\(scores.columns) columns of scores")
    let predictions = LinearClassifier.predictions(from: scores)
    let sample = ScoredSample(
      scores: scores, labels: labels, predictions: predictions, classes: classCount, calibrated: scoresAreLogOdds)
    let confusion = sample.confusion(weights: nil)
    var counts = [Int](repeating: 0, count: classCount)
    for label in labels { counts[Int(label)] += 1 }
    var majorityConfusion = [Double](repeating: 0, count: classCount * classCount)
    for c in 0..<classCount { majorityConfusion[c * classCount + majorityClass] = Double(counts[c]) }

    // Groups numbered densely in order of appearance.
    var numbers: [Int: Int32] = [:]
    let dense = groups.map { group -> Int32 in
      if let known = numbers[group] { return known }
      let number = Int32(numbers.count)
      numbers[group] = number
      return number
    }

    self.init(
      examples: count, groups: numbers.count, classes: classes, classCounts: counts,
      scores: sample.scores(weights: nil),
      intervals: bootstrap.resamples > 0 && count > 0
        ? sample.intervals(groups: dense, groupCount: numbers.count, bootstrap: bootstrap) : nil,
      majority: Scores(
        confusion: majorityConfusion, classes: classCount, auroc: counts.contains(0) ? nil : 0.5,
        // A constant score finds positives as often as they are; over classes, the mean of their shares.
        prAUC: counts.contains(0)
          ? nil : classCount == 2 ? Double(counts[1]) / Double(count) : 1 / Double(classCount)),
      majorityClass: majorityClass,
      confusion: (0..<classCount).map { label in
        (0..<classCount).map { Int(confusion[label * classCount + $0]) }
      })
  }
}

/// Scores with everything sorted once, so that a resample costs one pass.
private struct ScoredSample {
  let labels: [Int32]
  let predictions: [Int32]
  let classes: Int
  /// For each class whose AUROC counts: its scores, their order, and which examples are positive.
  let rankings: [(scores: [Double], order: [Int], positive: [Bool])]
  /// Each example's confidence and its bin, where confidences mean anything.
  private let confidences: [(bin: Int, value: Double)]

  static let bins = 15

  init(scores: Matrix, labels: [Int32], predictions: [Int32], classes: Int, calibrated: Bool) {
    self.labels = labels
    self.predictions = predictions
    self.classes = classes
    // The AUROC of one class against the rest is ranked by its probability, as scikit-learn does; with two classes
    // probability and score rank alike.
    let columns = scores.columns
    let logSums = (0..<scores.rows).map { row -> Double in
      guard columns > 1 else { return 0 }
      let values = scores.elements[row * columns..<(row + 1) * columns]
      let largest = Double(values.max() ?? 0)
      return largest + log(values.reduce(0) { $0 + exp(Double($1) - largest) })
    }
    rankings = (0..<columns).map { column in
      let columnScores = (0..<scores.rows).map { Double(scores.elements[$0 * columns + column]) - logSums[$0] }
      let target = classes == 2 ? 1 : Int32(column)
      return (
        columnScores, columnScores.indices.sorted { columnScores[$0] < columnScores[$1] }, labels.map { $0 == target }
      )
    }
    guard calibrated else {
      confidences = []
      return
    }
    let probabilities = LinearClassifier.probabilities(fromScores: scores)
    confidences = (0..<scores.rows).map { row in
      let own = probabilities.elements[row * columns..<(row + 1) * columns]
      let likely = Double(own.max() ?? 0)
      let confidence = columns == 1 ? max(likely, 1 - likely) : likely
      // Bins are open below and closed above.
      return (min(max(Int((confidence * Double(Self.bins)).rounded(.up)) - 1, 0), Self.bins - 1), confidence)
    }
  }

  func scores(weights: [Int32]?) -> Scores {
    Scores(
      confusion: confusion(weights: weights), classes: classes, auroc: auroc(weights: weights),
      prAUC: prAUC(weights: weights), calibrationError: calibrationError(weights: weights))
  }

  /// Σ over bins of |Σ hits − Σ confidence| / n.
  private func calibrationError(weights: [Int32]?) -> Double? {
    guard !confidences.isEmpty else { return nil }
    var gaps = [Double](repeating: 0, count: Self.bins)
    var total = 0.0
    for index in labels.indices {
      let weight = weights.map { Double($0[index]) } ?? 1
      total += weight
      gaps[confidences[index].bin] +=
        weight * ((predictions[index] == labels[index] ? 1 : 0) - confidences[index].value)
    }
    return total > 0 ? gaps.reduce(0) { $0 + abs($1) } / total : nil
  }

  /// The mean over classes; nil where a class is absent.
  private func prAUC(weights: [Int32]?) -> Double? {
    var sum = 0.0
    for ranking in rankings {
      guard
        let area = AveragePrecision.area(
          order: ranking.order, scores: ranking.scores, positive: ranking.positive, weights: weights)
      else { return nil }
      sum += area
    }
    return sum / Double(rankings.count)
  }

  func confusion(weights: [Int32]?) -> [Double] {
    var counts = [Double](repeating: 0, count: classes * classes)
    if let weights {
      for index in labels.indices {
        counts[Int(labels[index]) * classes + Int(predictions[index])] += Double(weights[index])
      }
    } else {
      for index in labels.indices { counts[Int(labels[index]) * classes + Int(predictions[index])] += 1 }
    }
    return counts
  }

  /// The mean over classes; nil where a class is absent.
  func auroc(weights: [Int32]?) -> Double? {
    var sum = 0.0
    for ranking in rankings {
      guard
        let area = AUROC.area(
          order: ranking.order, scores: ranking.scores, positive: ranking.positive, weights: weights)
      else { return nil }
      sum += area
    }
    return sum / Double(rankings.count)
  }

  func intervals(groups: [Int32], groupCount: Int, bootstrap: Evaluation.Bootstrap) -> ScoreIntervals {
    var drawn = [Scores]()
    drawn.reserveCapacity(bootstrap.resamples)
    for resample in 0..<bootstrap.resamples {
      // Each resample has its own generator, so that their number doesn't change the first ones.
      var generator = SeededGenerator(seed: bootstrap.seed &+ UInt64(resample) &* 0x9E37_79B9_7F4A_7C15)
      var times = [Int32](repeating: 0, count: groupCount)
      for _ in 0..<groupCount { times[generator.integer(below: groupCount)] += 1 }
      let weights = groups.map { times[Int($0)] }
      drawn.append(scores(weights: weights))
    }
    func interval(_ values: [Double]) -> Interval? {
      // A measure that most resamples lack, for want of a class, has no interval worth the name.
      guard values.count * 10 >= bootstrap.resamples * 9 else { return nil }
      let sorted = values.sorted()
      let tail = (1 - bootstrap.level) / 2
      return Interval(low: quantile(sorted, tail), high: quantile(sorted, 1 - tail))
    }
    let none = Interval(low: .nan, high: .nan)
    return ScoreIntervals(
      level: bootstrap.level, resamples: bootstrap.resamples,
      accuracy: interval(drawn.map(\.accuracy)) ?? none,
      balancedAccuracy: interval(drawn.map(\.balancedAccuracy)) ?? none,
      f1: interval(drawn.map(\.f1)) ?? none,
      auroc: interval(drawn.compactMap(\.auroc)),
      mcc: interval(drawn.map(\.mcc)) ?? none,
      prAUC: interval(drawn.compactMap(\.prAUC)),
      calibrationError: interval(drawn.compactMap(\.calibrationError)))
  }
}

/// The quantile of sorted values by linear interpolation, as numpy's default.
func quantile(_ sorted: [Double], _ share: Double) -> Double {
  let place = share * Double(sorted.count - 1)
  let below = Int(place)
  guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
  return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
}
