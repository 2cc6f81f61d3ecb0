import Foundation
import LinearAlgebra

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
  /// Compares predictions with labels.
  ///
  /// - Parameters:
  ///   - scores: [examples, 1] with two classes (above 0 means the second), else [examples, classes] (the largest wins).
  ///   - labels: each example's class.
  ///   - groups: each example's group, by any numbering.
  ///   - folds: each example's outer fold, where several fits share the work; AUROC and PR-AUC are then found in each.
  ///   - majorityClass: the class that the baseline answers.
  ///   - scoresAreLogOdds: whether the scores are those of a probability (logistic regression's, not a margin's), so
  ///     that their calibration can be judged.
  /// - Complexity: O(n log n) and O(n) a resample, for each class.
  public init(
    scores: Matrix, labels: [Int32], groups: [Int], folds: [Int32] = [], classes: [String], majorityClass: Int,
    bootstrap: GroupBootstrap, scoresAreLogOdds: Bool = true
  ) {
    let classCount = classes.count
    let sample = JudgedSample(
      scores: scores, labels: labels, groups: groups, folds: folds, classes: classCount, isCalibrated: scoresAreLogOdds)
    let confusion = sample.confusion(weights: nil)
    let counts = sample.classCounts
    var majorityConfusion = [Double](repeating: 0, count: classCount * classCount)
    for c in 0..<classCount { majorityConfusion[c * classCount + majorityClass] = Double(counts[c]) }
    self.init(
      examples: labels.count, groups: sample.groupCount, classes: classes, classCounts: counts,
      scores: sample.scores(weights: nil), intervals: sample.intervals(bootstrap),
      majority: Scores(
        confusion: majorityConfusion, classes: classCount, auroc: counts.contains(0) ? nil : 0.5,
        // A constant score finds positives as often as they are; over classes, the mean of their shares.
        prAUC: counts.contains(0)
          ? nil : classCount == 2 ? Double(counts[1]) / Double(labels.count) : 1 / Double(classCount)),
      majorityClass: majorityClass,
      confusion: (0..<classCount).map { label in
        (0..<classCount).map { Int(confusion[label * classCount + $0]) }
      })
  }
}
