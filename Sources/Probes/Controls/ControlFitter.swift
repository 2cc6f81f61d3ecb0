import Activations
import LinearAlgebra

/// Fits and judges a probe's classifier on other rows, or to other targets, of its task, with the same split.
struct ControlFitter {
  let settings: ProbeSettings
  let classes: [String]
  let trainingCount: Int
  /// The outer folds, of which each is judged by what the others teach; empty where one part is held back.
  let outer: [Split]
  /// Those of the examples in the task's order, those to learn from first.
  let targets: Targets
  let groups: [Int]

  /// What examples are to be given: classes, and numbers where the method predicts numbers.
  struct Targets {
    var labels: [Int32]
    /// Empty where classes are told apart.
    var values: [Double]
  }

  /// What a fit scored on the examples held back.
  struct Judgement {
    /// Balanced accuracy, or R².
    var score: Double
    var interval: Interval?
    /// Accuracy, or R².
    var accuracy: Double
  }

  init(task: ProbeTask) {
    settings = task.settings
    let examples = task.examples
    targets = Targets(
      labels: task.order.map { examples.labels[$0] },
      values: examples.values.isEmpty ? [] : task.order.map { examples.values[$0] })
    groups = task.order.map { examples.groups[$0] }
    classes = task.classes
    trainingCount = task.trainingCount
    outer = task.outer
  }

  /// What is learnt from and what is judged by: the one part held back, or each outer fold.
  var splits: [Split] {
    outer.isEmpty ? [Split(train: Array(0..<trainingCount), test: Array(trainingCount..<groups.count))] : outer
  }

  /// Fits the settings' method.
  ///
  /// - Parameters:
  ///   - rows: a row an example, in the task's order.
  ///   - places: the examples to learn from, which may repeat; the task's own, unless given.
  ///   - targets: where they aren't the task's.
  func fit(
    _ rows: ExampleMatrix, places: [Int]? = nil, targets: Targets? = nil, settings: ProbeSettings? = nil,
    seed: UInt64? = nil
  ) throws -> LinearClassifier {
    let targets = targets ?? self.targets
    let settings = settings ?? self.settings
    let own = places ?? Array(0..<trainingCount)
    let training = try TrainingRows(
      places == nil ? rows : try rows.selectingRows(own), rows: 0..<own.count, labels: own.map { targets.labels[$0] },
      classes: classes.count, groups: own.map { groups[$0] },
      values: targets.values.isEmpty ? [] : own.map { targets.values[$0] }, folds: settings.logistic.folds,
      needsFolds: settings.needsFolds, seed: seed ?? settings.seed)
    return try MethodFit(training, settings: settings).classifier
  }

  /// Judges a classifier on the examples held back.
  func judged(_ classifier: LinearClassifier, _ rows: ExampleMatrix, targets: Targets? = nil) -> Judgement {
    judged(
      classifier.scores(of: rows, in: trainingCount..<rows.rows), places: trainingCount..<rows.rows,
      targets: targets ?? self.targets)
  }

  private func judged(_ scores: Matrix, places: Range<Int>, targets: Targets) -> Judgement {
    let heldGroups = Array(groups[places])
    if !targets.values.isEmpty {
      let regression = RegressionEvaluation(
        predictions: scores.elements.map { Double($0) }, values: Array(targets.values[places]), groups: heldGroups,
        trainingMean: targets.values[..<trainingCount].reduce(0, +) / Double(max(trainingCount, 1)),
        bootstrap: settings.bootstrap)
      return Judgement(
        score: regression.scores.r2, interval: regression.intervals?.r2, accuracy: regression.scores.r2)
    }
    let evaluation = Evaluation(
      scores: scores, labels: Array(targets.labels[places]), groups: heldGroups, classes: classes,
      majorityClass: 0, bootstrap: settings.bootstrap, scoresAreLogOdds: false)
    return Judgement(
      score: evaluation.scores.balancedAccuracy, interval: evaluation.intervals?.balancedAccuracy,
      accuracy: evaluation.scores.accuracy)
  }

  /// Learns and judges on the task's split, or on each outer fold what the others teach.
  func evaluate(_ rows: ExampleMatrix, targets: Targets? = nil, settings: ProbeSettings? = nil) throws -> Judgement {
    guard !outer.isEmpty else {
      return judged(try fit(rows, targets: targets, settings: settings), rows, targets: targets)
    }
    var all = Matrix(zeros: 0, columns: 0)
    for split in outer {
      let classifier = try fit(rows, places: split.train, targets: targets, settings: settings)
      let scores = classifier.scores(of: rows.matrix(ofRows: split.test))
      if all.rows == 0 { all = Matrix(zeros: rows.rows, columns: scores.columns) }
      for (row, place) in split.test.enumerated() {
        for column in 0..<scores.columns { all[place, column] = scores[row, column] }
      }
    }
    return judged(all, places: 0..<rows.rows, targets: targets ?? self.targets)
  }
}
