import Foundation
import LinearAlgebra

/// Scored examples with everything sorted once, so that a resample of their groups costs one pass.
struct JudgedSample: Sendable {
  let labels: [Int32]
  let predictions: [Int32]
  let classes: Int
  /// Each example's group, numbered from 0.
  let groups: [Int32]
  let groupCount: Int
  let classCounts: [Int]
  /// The number of groups of the class that has fewest.
  let leastGroups: Int

  /// The examples of a fold in the order of their scores.
  private struct Ranking: Sendable {
    let scores: [Double]
    let order: [Int]
  }
  /// For each fold and each class whose AUROC counts.
  private let rankings: [[Ranking]]
  private let positives: [[Bool]]
  /// Each example's confidence and its bin, where confidences mean anything.
  private let confidences: [(bin: Int, value: Double)]
  private static let bins = 15

  /// - Parameters: as those of `Evaluation`.
  init(
    scores: Matrix, labels: [Int32], groups: [Int], folds: [Int32] = [], classes: Int, isCalibrated: Bool = false
  ) {
    precondition(
      scores.rows == labels.count && groups.count == labels.count, "\(scores.rows) scores for \(labels.count)")
    precondition(scores.columns == (classes == 2 ? 1 : classes), "\(scores.columns) columns of scores")
    self.labels = labels
    self.classes = classes
    predictions = LinearClassifier.predictions(from: scores)
    let dense = GroupBootstrap.dense(groups)
    self.groups = dense.numbers
    groupCount = dense.count
    classCounts = labels.counts(of: classes)
    leastGroups = labels.groupCounts(dense.numbers, of: classes).filter { $0 > 0 }.min() ?? 0

    // The AUROC of one class against the rest is ranked by its probability, as scikit-learn does; with two classes
    // probability and score rank alike.
    let columns = scores.columns
    let logSums = (0..<scores.rows).map { row -> Double in
      guard columns > 1 else { return 0 }
      let values = scores.elements[row * columns..<(row + 1) * columns]
      let largest = Double(values.max() ?? 0)
      return largest + log(values.reduce(0) { $0 + exp(Double($1) - largest) })
    }
    let members =
      folds.isEmpty
      ? [Array(labels.indices)]
      : Dictionary(grouping: labels.indices) { folds[$0] }.sorted { $0.key < $1.key }.map(\.value)
    let all = (0..<columns).map { column in
      (0..<scores.rows).map { Double(scores.elements[$0 * columns + column]) - logSums[$0] }
    }
    rankings = members.map { own in
      all.map { values in Ranking(scores: values, order: own.sorted { values[$0] < values[$1] }) }
    }
    positives = (0..<columns).map { column in
      let target = classes == 2 ? 1 : Int32(column)
      return labels.map { $0 == target }
    }
    guard isCalibrated else {
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
      prAUC: area(weights, AveragePrecision.area), calibrationError: calibrationError(weights: weights))
  }

  /// The mean over folds of the mean over classes; a fold that lacks a class says nothing. Nil where all do.
  func auroc(weights: [Int32]?) -> Double? { area(weights, AUROC.area) }

  private func area(
    _ weights: [Int32]?,
    _ area: (_ order: [Int], _ scores: [Double], _ positive: [Bool], _ weights: [Int32]?) -> Double?
  ) -> Double? {
    let folds = rankings.compactMap { fold -> Double? in
      var sum = 0.0
      for (ranking, positive) in zip(fold, positives) {
        guard let own = area(ranking.order, ranking.scores, positive, weights) else { return nil }
        sum += own
      }
      return sum / Double(fold.count)
    }
    return folds.isEmpty ? nil : folds.mean
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

  func confusion(weights: [Int32]?) -> [Double] {
    var counts = [Double](repeating: 0, count: classes * classes)
    for index in labels.indices {
      counts[Int(labels[index]) * classes + Int(predictions[index])] += weights.map { Double($0[index]) } ?? 1
    }
    return counts
  }

  /// Nil when no resamples were asked for.
  func intervals(_ bootstrap: GroupBootstrap) -> ScoreIntervals? {
    guard bootstrap.resamples > 0, !labels.isEmpty else { return nil }
    let whole = scores(weights: nil)
    let drawn = bootstrap.resample(groups, count: groupCount) { scores(weights: $0) }
    func interval(_ key: KeyPath<Scores, Double?>, _ bounds: ClosedRange<Double> = 0...1) -> Interval? {
      whole[keyPath: key].flatMap {
        bootstrap.interval(of: drawn.compactMap { $0[keyPath: key] }, about: $0, groups: leastGroups, within: bounds)
      }
    }
    func interval(_ key: KeyPath<Scores, Double>, _ bounds: ClosedRange<Double> = 0...1) -> Interval {
      bootstrap.interval(
        of: drawn.map { $0[keyPath: key] }, about: whole[keyPath: key], groups: leastGroups, within: bounds)
        ?? Interval(low: .nan, high: .nan)
    }
    return ScoreIntervals(
      level: bootstrap.level, resamples: bootstrap.resamples, accuracy: interval(\.accuracy),
      balancedAccuracy: interval(\.balancedAccuracy), f1: interval(\.f1), auroc: interval(\.auroc),
      mcc: interval(\.mcc, -1...1), prAUC: interval(\.prAUC), calibrationError: interval(\.calibrationError))
  }
}
