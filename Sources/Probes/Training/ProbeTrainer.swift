import Activations
import Diagnostics
import LinearAlgebra

/// Trains probes on the labels of an activation source.
public struct ProbeTrainer: Sendable {
  public var settings: ProbeSettings

  public init(settings: ProbeSettings = ProbeSettings()) { self.settings = settings }

  /// Trains a probe at one site and judges it on documents held back.
  ///
  /// The split comes first; standardisation, penalty and threshold see the training examples alone.
  ///
  /// - Throws: `activations.unknownSite`; `probe.noLabels`, `probe.singleClass`, `probe.unknownLabel`,
  ///   `probe.tooFewExamples`, `probe.notFinite` and their like.
  /// - Complexity: one pass over the site's rows; memory for one row an example.
  public func train(on source: some ActivationSource, site: String) throws -> Probe {
    let site = try source.site(named: site)
    let task = try ProbeTask(settings: settings, source: source)
    let rows = try task.examples.activations(of: [site], in: source, order: task.order, pooling: task.pooling)
    return try task.fit(rows[0], site: site, origin: source.origin)
  }
}

/// The examples of a source and their split: the same for all sites.
struct ProbeTask {
  let settings: ProbeSettings
  let examples: Examples
  /// The examples, those to learn from first.
  let order: [Int]
  let trainingCount: Int
  /// Nil where an example is one row.
  let pooling: Pooling?
  private let labels: [Int32]
  private let groups: [Int]

  init(settings: ProbeSettings, source: some ActivationSource) throws {
    try settings.validate()
    self.settings = settings
    examples = try Examples(
      settings.concept, of: source, specialTokens: settings.specialTokens, most: settings.maximumExamples,
      seed: settings.seed)
    let split = try examples.split(testShare: settings.testShare, seed: settings.seed)
    order = split.train + split.test
    trainingCount = split.train.count
    pooling = settings.concept.level == .document && source.rowKind == .token ? settings.pooling : nil
    let all = examples
    labels = order.map { all.labels[$0] }
    groups = order.map { all.groups[$0] }
  }

  var classes: [String] { examples.classes }

  /// Fits and judges a probe on the rows of one site, in the task's order.
  func fit(_ rows: Matrix, site: StoredSite, origin: Origin) throws -> Probe {
    let classCount = examples.classes.count
    let trainingLabels = Array(labels[..<trainingCount])
    let trainingGroups = Array(groups[..<trainingCount])
    let classifier: LinearClassifier
    let standardization: Standardization
    let record: ProbeRecord.FitRecord
    let validation: Double?
    do {
      switch settings.method {
      case .logistic:
        let fit = try LogisticRegression.fit(
          rows, rows: 0..<trainingCount, labels: trainingLabels, classes: classCount, groups: trainingGroups,
          settings: settings.logistic, seed: settings.seed)
        classifier = fit.classifier
        standardization = fit.standardization
        validation = fit.validation
        record = ProbeRecord.FitRecord(
          strength: fit.strength, strengthLosses: fit.strengthLosses, iterations: fit.iterations,
          converged: fit.converged)
      case .massMean:
        let fit = try MassMean.fit(
          rows, rows: 0..<trainingCount, labels: trainingLabels, classes: classCount, threshold: settings.threshold)
        classifier = fit.classifier
        standardization = fit.standardization
        validation = nil
        record = ProbeRecord.FitRecord(strength: nil, strengthLosses: [], iterations: 0, converged: true)
      }
    } catch var fault as Fault {
      fault.place = [site.name, fault.place].compactMap(\.self).joined(separator: ", ")
      throw fault
    }

    var counts = [Int](repeating: 0, count: classCount)
    for label in trainingLabels { counts[Int(label)] += 1 }
    var majority = 0
    for c in counts.indices where counts[c] > counts[majority] { majority = c }
    let evaluation = Evaluation(
      scores: classifier.scores(of: rows, in: trainingCount..<rows.rows), labels: Array(labels[trainingCount...]),
      groups: Array(groups[trainingCount...]), classes: examples.classes, majorityClass: majority,
      bootstrap: settings.bootstrap)
    return Probe(
      classifier: classifier, standardization: standardization,
      record: ProbeRecord(
        classes: examples.classes, site: site, settings: settings, origin: origin, trainingExamples: trainingCount,
        trainingGroups: Set(trainingGroups).count, unlabelledDocuments: examples.unlabelled,
        emptyDocuments: examples.empty, evaluation: evaluation, validation: validation, fit: record))
  }
}

extension Examples {
  /// Divides the examples by group; a fault names the class.
  package func split(testShare: Double, seed: UInt64) throws -> Split {
    do {
      return try Split.trainAndTest(labels: labels, groups: groups, testShare: testShare, seed: seed)
    } catch var fault as Fault where fault.name == "probe.tooFewExamples" {
      if let number = fault.place?.split(separator: " ").last.flatMap({ Int($0) }) {
        fault.place = "class \(classes[number])"
      }
      throw fault
    }
  }
}
