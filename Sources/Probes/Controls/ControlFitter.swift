import Activations
import LinearAlgebra

/// Fits and judges the settings' classifier on other rows or other labels of a probe's task.
struct ControlFitter {
  let settings: ProbeSettings
  /// Those of the examples in the task's order, those to learn from first.
  let labels: [Int32]
  let groups: [Int]
  let classes: [String]
  let trainingCount: Int
  private let site: StoredSite
  private let origin: Origin

  init(task: ProbeTask, site: StoredSite, origin: Origin) {
    settings = task.settings
    let examples = task.examples
    labels = task.order.map { examples.labels[$0] }
    groups = task.order.map { examples.groups[$0] }
    classes = task.classes
    trainingCount = task.trainingCount
    self.site = site
    self.origin = origin
  }

  /// - Parameters:
  ///   - rows: a row an example, in the task's order.
  ///   - labels: the examples' labels, where they aren't the task's.
  func evaluate(
    _ rows: Matrix, labels: [Int32]? = nil, strengths: [Double]? = nil, standardize: Bool? = nil
  ) throws -> Evaluation {
    let labels = labels ?? self.labels
    let training = Array(labels[..<trainingCount])
    var logistic = settings.logistic
    if let strengths { logistic.strengths = strengths }
    if let standardize { logistic.standardize = standardize }
    let classifier: LinearClassifier
    switch settings.method {
    case .massMean:
      classifier = try MassMean.fit(
        rows, rows: 0..<trainingCount, labels: training, classes: classes.count, threshold: settings.threshold
      ).classifier
    default:
      classifier = try LogisticRegression.fit(
        rows, rows: 0..<trainingCount, labels: training, classes: classes.count,
        groups: Array(groups[..<trainingCount]), settings: logistic, seed: settings.seed
      ).classifier
    }
    return judged(classifier, rows, labels)
  }

  /// The class mean that is nearest, with the threshold of two classes from the training rows.
  func nearestMean(_ rows: Matrix) throws -> Evaluation {
    let fit = try MassMean.fit(
      rows, rows: 0..<trainingCount, labels: Array(labels[..<trainingCount]), classes: classes.count,
      threshold: .training)
    return judged(fit.classifier, rows, labels)
  }

  private func judged(_ classifier: LinearClassifier, _ rows: Matrix, _ labels: [Int32]) -> Evaluation {
    var counts = [Int](repeating: 0, count: classes.count)
    for label in labels[..<trainingCount] { counts[Int(label)] += 1 }
    let majority = counts.indices.max { counts[$0] < counts[$1] } ?? 0
    return Evaluation(
      scores: classifier.scores(of: rows, in: trainingCount..<rows.rows), labels: Array(labels[trainingCount...]),
      groups: Array(groups[trainingCount...]), classes: classes, majorityClass: majority,
      bootstrap: settings.bootstrap)
  }
}
