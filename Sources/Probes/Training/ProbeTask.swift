import Activations
import Diagnostics
import LinearAlgebra

/// The examples of a source and their split: the same for all sites and methods.
struct ProbeTask {
  let settings: ProbeSettings
  let examples: Examples
  /// The examples, those to learn from first.
  let order: [Int]
  let trainingCount: Int
  /// Nil where an example is one row.
  let pooling: Pooling?
  /// Parts of the examples, by their place in `order`, each held back once; empty where one part is held back.
  let outer: [Split]
  private let labels: [Int32]
  private let groups: [Int]
  private let values: [Double]

  init(settings: ProbeSettings, source: some ActivationSource) throws {
    try settings.validate()
    self.settings = settings
    let examples = try Examples(
      settings.concept, of: source, specialTokens: settings.specialTokens, numeric: settings.method.predictsNumbers,
      most: settings.maximumExamples, seed: settings.seed)
    self.examples = examples
    if settings.outerFolds >= 2 {
      order = Array(0..<examples.count)
      trainingCount = order.count
      outer = try examples.namingClasses {
        try Split.folds(
          settings.outerFolds, labels: examples.labels, groups: examples.groups, seed: settings.seed ^ 0x6F75_7465)
      }
    } else {
      let split = try examples.split(testShare: settings.testShare, seed: settings.seed)
      order = split.train + split.test
      trainingCount = split.train.count
      outer = []
    }
    pooling = settings.concept.level == .document && source.rowKind == .token ? settings.pooling : nil
    labels = order.map { examples.labels[$0] }
    groups = order.map { examples.groups[$0] }
    values = examples.values.isEmpty ? [] : order.map { examples.values[$0] }
  }

  var classes: [String] { examples.classes }
  /// Examples that scores are of.
  var judgedCount: Int { outer.isEmpty ? order.count - trainingCount : order.count }

  /// What a site's rows gave: probes, and what to choose between sites by in each outer fold.
  struct SiteResult {
    /// By method.
    var probes: [Probe]
    /// By method and outer fold: the validation inside the fold's training examples.
    var validations: [[Double?]]
    /// By method: each example's scores by the probe that has not seen it; empty without outer folds.
    var scores: [Matrix?]
  }

  /// Fits and judges a probe by each method on the rows of one site, in the task's order.
  func fit(_ rows: ExampleMatrix, site: StoredSite, origin: Origin, methods: [ProbeSettings.Method]) throws
    -> SiteResult
  {
    do {
      let training = try rowsToLearn(rows, places: Array(0..<trainingCount))
      var result = SiteResult(probes: [], validations: [], scores: [])
      var folds: [(split: Split, training: TrainingRows, test: ExampleMatrix)] = []
      for split in outer {
        folds.append((split, try rowsToLearn(rows, places: split.train), try rows.selectingRows(split.test)))
      }
      for method in methods {
        var own = settings
        own.method = method
        let fit = try MethodFit(training, settings: own)
        guard !outer.isEmpty else {
          let test = fit.classifier.scores(of: rows, in: trainingCount..<rows.rows)
          result.probes.append(
            probe(fit, settings: own, site: site, origin: origin, training: training, scores: test) { classifier in
              classifier.scores(of: rows, in: trainingCount..<rows.rows)
            })
          result.validations.append([])
          result.scores.append(nil)
          continue
        }
        var scores = Matrix(zeros: order.count, columns: fit.classifier.bias.count)
        var validations: [Double?] = []
        var foldScores: [Scores] = []
        var sizeScores = [[Scores]](repeating: [], count: fit.sizes.count)
        for fold in folds {
          let foldFit = try MethodFit(fold.training, settings: own)
          let test = foldFit.classifier.scores(of: fold.test, in: 0..<fold.test.rows)
          validations.append(foldFit.validation)
          let columns = test.columns
          for (row, place) in fold.split.test.enumerated() {
            for column in 0..<columns {
              scores.elements[place * columns + column] = test.elements[row * columns + column]
            }
          }
          for (place, classifier) in foldFit.sizes.enumerated() where place < sizeScores.count {
            sizeScores[place].append(
              evaluation(
                classifier.scores(of: fold.test, in: 0..<fold.test.rows), settings: own, places: fold.split.test,
                training: fold.training,
                bootstrap: 0
              ).scores)
          }
          foldScores.append(
            evaluation(test, settings: own, places: fold.split.test, training: fold.training, bootstrap: 0).scores)
        }
        var probe = probe(fit, settings: own, site: site, origin: origin, training: training, scores: scores, test: nil)
        probe.record.foldScores = foldScores
        for (place, scores) in sizeScores.enumerated() where place < probe.record.fit.sizes?.count ?? 0 {
          probe.record.fit.sizes?[place].test = Scores.mean(of: scores)
        }
        result.probes.append(probe)
        result.validations.append(validations)
        result.scores.append(scores)
      }
      return result
    } catch var fault as Fault {
      fault.place = [site.name, fault.place].compactMap(\.self).joined(separator: ", ")
      throw fault
    }
  }

  /// Refuses a site at which all examples are the same, such as the embedding of a full stop that ends every document.
  func requireVariation(_ rows: ExampleMatrix, site: StoredSite) throws {
    guard !varies(rows) else { return }
    throw Fault(
      .badData, "probe.constantRows", "Every example has the same activations, so nothing can be learnt from them",
      place: site.name, expected: "a column that varies",
      found: "\(rows.columns) constant columns over \(rows.rows) examples",
      advice: "choose another site, or pool the tokens in another way")
  }

  /// Whether examples differ by more than rounding, which depends on what else was in a text's batch and could be learnt
  /// in its place.
  func varies(_ rows: ExampleMatrix) -> Bool {
    guard rows.rows > 1 else { return false }
    let largest = rows.row(0).reduce(0) { max($0, abs($1)) }
    let width = rows.columns
    return rows.withUnsafeElements { values in
      (width..<values.count).contains { abs(values[$0] - values[$0 % width]) > 1e-5 * largest }
    }
  }

  /// Judges scores of the examples at some places of the order.
  func evaluation(
    _ scores: Matrix, settings: ProbeSettings, places: [Int], training: TrainingRows? = nil, bootstrap: Int? = nil
  ) -> Evaluation {
    var counts = [Int](repeating: 0, count: classes.count)
    for label in training?.labels ?? labels { counts[Int(label)] += 1 }
    var majority = 0
    for c in counts.indices where counts[c] > counts[majority] { majority = c }
    var own = settings.bootstrap
    if let bootstrap { own.resamples = bootstrap }
    var scores = scores
    if let median = examples.median {
      for index in scores.elements.indices { scores.elements[index] -= Float(median) }
    }
    return Evaluation(
      scores: scores, labels: places.map { labels[$0] }, groups: places.map { groups[$0] }, classes: examples.classes,
      majorityClass: majority, bootstrap: own, scoresAreLogOdds: settings.scoresAreLogOdds)
  }

  /// Judges predicted numbers of all examples, each by a fit that has not seen it.
  func regression(_ predictions: Matrix, settings: ProbeSettings) -> RegressionEvaluation {
    RegressionEvaluation(
      predictions: predictions.elements.map { Double($0) }, values: values, groups: groups,
      trainingMean: values.reduce(0, +) / Double(max(values.count, 1)), bootstrap: settings.bootstrap)
  }

  /// The rows at some places of the order, with folds of their own.
  func rowsToLearn(_ rows: ExampleMatrix, places: [Int]) throws -> TrainingRows {
    let isPrefix = places.count == trainingCount && outer.isEmpty
    let own = settings.logistic
    return try examples.namingClasses {
      try TrainingRows(
        isPrefix ? rows : try rows.selectingRows(places), rows: 0..<places.count, labels: places.map { labels[$0] },
        classes: examples.classes.count, groups: places.map { groups[$0] },
        values: values.isEmpty ? [] : places.map { values[$0] }, folds: own.folds,
        needsFolds: settings.needsFolds, seed: settings.seed)
    }
  }

  private func probe(
    _ fit: MethodFit, settings: ProbeSettings, site: StoredSite, origin: Origin, training: TrainingRows, scores: Matrix,
    test: ((LinearClassifier) -> Matrix)?
  ) -> Probe {
    let places = outer.isEmpty ? Array(trainingCount..<order.count) : Array(order.indices)
    var fitRecord = fit.record
    if let test, let sizes = fitRecord.sizes {
      for (place, classifier) in fit.sizes.enumerated() where place < sizes.count {
        fitRecord.sizes?[place].test =
          evaluation(test(classifier), settings: settings, places: places, bootstrap: 0).scores
      }
    }
    let judged = evaluation(scores, settings: settings, places: places, training: training)
    var record = ProbeRecord(
      classes: examples.classes, site: site, settings: settings, origin: origin, trainingExamples: trainingCount,
      trainingGroups: Set(training.groups).count, unlabelledDocuments: examples.unlabelled,
      emptyDocuments: examples.empty, evaluation: judged, validation: fit.validation, fit: fitRecord)
    if settings.method.predictsNumbers {
      record.regression = RegressionEvaluation(
        predictions: scores.elements.map { Double($0) }, values: places.map { values[$0] },
        groups: places.map { groups[$0] },
        trainingMean: training.values.reduce(0, +) / Double(max(training.values.count, 1)),
        bootstrap: settings.bootstrap)
    }
    record.warnings = warnings(training, fit: fit, evaluation: judged, settings: settings)
    return Probe(classifier: fit.classifier, standardization: fit.standardization, record: record)
  }

  private func warnings(
    _ training: TrainingRows, fit: MethodFit, evaluation: Evaluation, settings: ProbeSettings
  ) -> [ProbeWarning] {
    var result: [ProbeWarning] = []
    func warn(_ name: String, _ message: String) { result.append(ProbeWarning(name: name, message: message)) }
    var counts = [Int](repeating: 0, count: classes.count)
    for label in training.labels { counts[Int(label)] += 1 }
    if let most = counts.max(), most * 10 >= training.count * 9, !settings.method.predictsNumbers {
      warn(
        "probe.imbalanced",
        "\(most) of \(training.count) training examples are of one class: accuracy says little here, balanced accuracy, "
          + "PR-AUC and MCC say more; class weights or a threshold by training may help")
    }
    if training.width >= training.count {
      warn(
        "probe.moreColumnsThanRows",
        "\(training.width) columns and \(training.count) training examples: any labels could be told apart on these, "
          + "so that only held-out scores and controls count")
    }
    let constant = training.sums().constantColumns
    if constant == training.width {
      warn("probe.constantRows", "every example has the same activations here: the scores are those of guessing")
    } else if constant > 0 {
      warn("probe.constantColumns", "\(constant) of \(training.width) columns are constant and get no weight")
    }
    if !fit.record.converged {
      warn("probe.notConverged", "the minimisation stopped after \(fit.record.iterations) steps short of its tolerance")
    }
    if let least = evaluation.classCounts.min(), least < 10 {
      warn(
        "probe.fewToJudge",
        "a class has \(least) \(least == 1 ? "example" : "examples") to judge by: read the intervals, not the scores")
    }
    if training.folds.count < settings.logistic.folds {
      warn(
        "probe.fewerFolds",
        "\(training.folds.count) folds in place of \(settings.logistic.folds), for a class has no more groups")
    }
    return result
  }
}

extension ColumnSums {
  /// How many columns take one value only, but for rounding.
  var constantColumns: Int {
    let count = Double(max(count, 1))
    return sums.indices.count { column in
      let mean = sums[column] / count
      return !Self.isSpread(variance: max(squares[column] / count - mean * mean, 0), mean: mean)
    }
  }
}

extension Examples {
  /// Divides the examples by group; a fault names the class.
  package func split(testShare: Double, seed: UInt64) throws -> Split {
    try namingClasses { try Split.trainAndTest(labels: labels, groups: groups, testShare: testShare, seed: seed) }
  }

  /// Puts a class's name for its number in a fault about too few examples.
  func namingClasses<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var fault as Fault where fault.name == "probe.tooFewExamples" {
      if let number = fault.place?.split(separator: " ").last.flatMap({ Int($0) }), classes.indices.contains(number) {
        fault.place = "class \(classes[number])"
      }
      throw fault
    }
  }
}
