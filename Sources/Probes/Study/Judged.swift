import LinearAlgebra

/// What the quoted score is, and what controls are compared by.
public enum Measure: String, Codable, Sendable {
  case accuracy
  case balancedAccuracy = "balanced accuracy"
  case auroc = "AUROC"
  case r2 = "R²"

  /// Its values in words and tables.
  public var title: String { rawValue }
  /// What a difference of two of its values cannot leave.
  var differences: ClosedRange<Double> { self == .r2 ? -.infinity...(.infinity) : -1...1 }
}

/// Predictions of the examples held back against what these are.
struct Judged: Sendable {
  let places: [Int]
  /// Of those places.
  var targets: Procedure.Targets
  let groups: [Int]
  /// Each place's outer fold; empty where one part was held back.
  let folds: [Int32]
  /// Of those places.
  let scores: Matrix
  /// Of numbers, the mean of the examples that each place's fit learnt from; else empty.
  let means: [Double]
  var sample: JudgedSample

  /// - Parameter scores: of all examples, those never held back without meaning.
  init(_ scores: Matrix, _ targets: Procedure.Targets, groups: [Int], splits: [Split]) {
    places = splits.places
    folds = splits.folds
    self.scores = scores.selectingRows(places)
    self.targets = targets.selecting(places)
    self.groups = places.map { groups[$0] }
    means =
      targets.numbers.isEmpty
      ? []
      : splits.flatMap { split -> [Double] in
        let mean = split.train.reduce(0) { $0 + targets.numbers[$1] } / Double(max(split.train.count, 1))
        return [Double](repeating: mean, count: split.test.count)
      }
    sample = JudgedSample(
      scores: self.scores.less(targets.median), labels: self.targets.labels, groups: self.groups, folds: folds,
      classes: targets.classes)
  }

  var isRegression: Bool { !targets.numbers.isEmpty }
  /// What the score is.
  var measure: Measure { isRegression ? .r2 : .balancedAccuracy }
  /// How many groups a measure rests on.
  var leastGroups: Int { isRegression ? sample.groupCount : sample.leastGroups }

  /// A measure of the examples as often as their weights say; nil for once each.
  func value(_ measure: Measure, _ weights: [Int32]? = nil) -> Double? {
    switch measure {
    case .auroc: return sample.auroc(weights: weights)
    case .accuracy: return Scores(confusion: sample.confusion(weights: weights), classes: targets.classes).accuracy
    case .balancedAccuracy:
      return Scores(confusion: sample.confusion(weights: weights), classes: targets.classes).balancedAccuracy
    case .r2: return r2(weights)
    }
  }

  private func r2(_ weights: [Int32]?) -> Double? {
    var (residual, total) = (0.0, 0.0)
    for (index, number) in targets.numbers.enumerated() {
      let weight = weights.map { Double($0[index]) } ?? 1
      let error = number - Double(scores.elements[index])
      residual += weight * error * error
      total += weight * (number - means[index]) * (number - means[index])
    }
    return total > 0 ? 1 - residual / total : nil
  }

  /// A measure with its interval.
  func interval(_ measure: Measure, _ bootstrap: GroupBootstrap) -> Interval? {
    Difference(
      self, groups: sample.groups, count: sample.groupCount, least: leastGroups,
      within: measure == .r2 ? -.infinity...1 : 0...1, bootstrap
    ) { $0.value(measure, $1) }?.interval
  }

  /// A measure less the mean of the same of others on the same examples, over resamples of the same groups.
  ///
  /// - Parameter others: whose own targets may differ.
  func difference(from others: [Judged], by measure: Measure, _ bootstrap: GroupBootstrap) -> Difference? {
    guard !others.isEmpty else { return nil }
    return Difference(
      self, less: others, groups: sample.groups, count: sample.groupCount,
      least: ([self] + others).map(\.leastGroups).min() ?? 0,
      within: measure.differences, bootstrap
    ) { $0.value(measure, $1) }
  }

  /// The full account.
  ///
  /// - Parameter scoresAreLogOdds: whether the scores' calibration can be judged.
  func evaluation(classes: [String], scoresAreLogOdds: Bool, _ bootstrap: GroupBootstrap) -> Evaluation {
    let counts = sample.classCounts
    return Evaluation(
      scores: scores.less(targets.median), labels: targets.labels, groups: groups, folds: folds, classes: classes,
      majorityClass: counts.indices.max { counts[$0] < counts[$1] } ?? 0, bootstrap: bootstrap,
      scoresAreLogOdds: scoresAreLogOdds)
  }

  /// The same of predicted numbers; nil where classes were told apart.
  func regression(_ bootstrap: GroupBootstrap) -> RegressionEvaluation? {
    guard isRegression else { return nil }
    return RegressionEvaluation(
      predictions: scores.elements.map { Double($0) }, values: targets.numbers, groups: groups, baseline: means,
      bootstrap: bootstrap)
  }
}

extension [Split] {
  /// The examples judged, split by split.
  var places: [Int] { flatMap(\.test) }
  /// Each of those places' split; empty where there is one.
  var folds: [Int32] {
    count > 1 ? indices.flatMap { [Int32](repeating: Int32($0), count: self[$0].test.count) } : []
  }
}

extension Matrix {
  /// Predicted numbers as scores of the halves that a median parts: above 0 the upper. The same without a median.
  func less(_ median: Double?) -> Matrix {
    median.map { median in
      Matrix(rows: rows, columns: columns, elements: elements.map { $0 - Float(median) })
    } ?? self
  }
}
