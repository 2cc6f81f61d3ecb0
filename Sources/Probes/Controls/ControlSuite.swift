import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// Runs the controls of a probe on the same examples and the same split, or outer folds, as the probe itself.
public struct ControlSuite: Sendable {
  public var settings: ProbeSettings
  public var controls: ControlSettings
  /// How many bytes of activations may be held in memory; a site that has more lies in a scratch file.
  public var memory: Int

  public init(
    settings: ProbeSettings, controls: ControlSettings = ControlSettings(), memory: Int = ProbeSweep.defaultMemory
  ) {
    self.settings = settings
    self.controls = controls
    self.memory = memory
  }

  /// What is known of the model behind a source.
  public enum ModelAccess: Sendable {
    case model(Model)
    /// Why there is none, in a few words.
    case absent(String)
  }

  /// Judges the controls at one site.
  ///
  /// - Parameters:
  ///   - row: what the probe itself came to there, with the same settings.
  ///   - neuronSite: the site of the rotated basis; nil where none was probed.
  /// - Throws: what training throws. A control that cannot be run is reported as not run, with the reason.
  /// - Complexity: two or three passes over the source at one site, one run of the model with random weights up to
  ///   that site, and about as many fits as controls, times the outer folds.
  public func run(
    on source: some ActivationSource, row: ProbeSweep.Row, neuronSite: String? = nil, model: ModelAccess
  ) throws -> ControlReport {
    let site = try source.site(named: row.site)
    let task = try ProbeTask(settings: settings, source: source)
    let rows = try task.examples.rows(
      of: [site], in: source, order: task.order, pooling: task.pooling, memory: memory)[0]
    let run = ControlRun(
      suite: self, source: source, site: site, task: task, fitter: ControlFitter(task: task), rows: rows, probe: row,
      neuronSite: neuronSite, model: model)
    var results: [ControlResult] = []
    for control in controls.controls { results.append(try run.result(of: control)) }
    var report = ControlReport(
      site: row.site, layer: site.layer, measure: row.regression == nil ? "balanced accuracy" : "R²",
      score: row.heldOutScore,
      interval: row.regression.map { $0.intervals?.r2 } ?? row.evaluation.intervals?.balancedAccuracy,
      results: results, implications: [])
    report.implications = report.sentences()
    return report
  }
}

/// One suite at one site.
private struct ControlRun<Source: ActivationSource> {
  let suite: ControlSuite
  let source: Source
  let site: StoredSite
  let task: ProbeTask
  let fitter: ControlFitter
  /// The site's activations, an example a row, those to learn from first.
  let rows: ExampleMatrix
  let probe: ProbeSweep.Row
  let neuronSite: String?
  let model: ControlSuite.ModelAccess

  private var settings: ProbeSettings { task.settings }
  private var isRegression: Bool { settings.method.predictsNumbers }
  private var labels: [Int32] { fitter.targets.labels }

  private func generator(_ control: Control) -> SeededGenerator {
    SeededGenerator(seed: settings.seed, stream: "control \(control.rawValue)")
  }

  /// Another site's rows of the same examples.
  private func read(_ site: StoredSite, of source: some ActivationSource) throws -> ExampleMatrix {
    try task.examples.rows(
      of: [site], in: source, order: task.order, pooling: task.pooling, memory: suite.memory)[0]
  }

  private func tokens() throws -> ExampleTokens {
    try ExampleTokens(task.examples, order: task.order, of: source, specialTokens: settings.specialTokens)
  }

  func result(of control: Control) throws -> ControlResult {
    switch control {
    case .majority:
      ControlResult(
        control, score: probe.regression?.baseline.r2 ?? probe.evaluation.majority.balancedAccuracy,
        detail: isRegression ? "always the mean" : "always \(task.classes[probe.evaluation.majorityClass])")
    case .bagOfTokens: try bagOfTokens()
    case .embedding: try embedding()
    case .randomWeights: try randomWeights()
    case .randomDirections: try randomDirections()
    case .rotatedBasis: try rotatedBasis()
    case .controlTask: try controlTask()
    case .shuffledLabels: try shuffledLabels()
    }
  }

  private func scored(
    _ control: Control, _ judgement: ControlFitter.Judgement, detail: String? = nil
  ) -> ControlResult {
    ControlResult(control, score: judgement.score, interval: judgement.interval, detail: detail)
  }

  private func bagOfTokens() throws -> ControlResult {
    let bag = try tokens().bag(trainingCount: task.trainingCount, most: suite.controls.vocabulary)
    var own = settings
    if !isRegression {
      own.method = .logistic
      own.logistic.strengths = [0.1, 1, 10]
      // Presences are 0 or 1 as they are: scaled to variance 1, the rarest would weigh most.
      own.logistic.standardize = false
    }
    return scored(
      .bagOfTokens, try fitter.evaluate(ExampleMatrix(bag), settings: own),
      detail: "\(bag.columns) token types, no model"
        + (isRegression || settings.method == .logistic ? "" : ", logistic"))
  }

  private func embedding() throws -> ControlResult {
    let vectors: ExampleMatrix
    if let own = source.sites.first(where: { $0.name.hasSuffix("hook_embed") }) {
      vectors = try read(own, of: source)
    } else {
      switch model {
      case .absent(let reason): return ControlResult(.embedding, notRun: reason)
      case .model(let model):
        let pooling = settings.concept.level == .document ? settings.pooling : nil
        vectors = ExampleMatrix(try tokens().pooled(pooling) { try model.embeddings(of: $0) })
      }
    }
    return scored(.embedding, try fitter.evaluate(vectors))
  }

  private func randomWeights() throws -> ControlResult {
    let model: Model
    switch self.model {
    case .absent(let reason): return ControlResult(.randomWeights, notRun: reason)
    case .model(let own): model = own
    }
    guard source.rowKind == .token else {
      return ControlResult(.randomWeights, notRun: "the store holds pooled rows")
    }
    guard !site.isRouted else {
      return ControlResult(.randomWeights, notRun: "a model of other weights sends other tokens to the expert")
    }
    let documents = try source.documents
    let corpus = try (0..<documents.count).map { document in
      Document(id: "\(document)", tokens: try source.tokens(in: documents.tokens(of: document)).ids)
    }
    let live = try LiveActivations(
      model: try model.randomized(seed: settings.seed), tokenizer: nil, corpus: Corpus(documents: corpus),
      settings: CaptureSettings(sites: site.name, overflow: .refuse, addsSpecialTokens: false))
    guard live.rowCount == source.rowCount else {
      return ControlResult(.randomWeights, notRun: "the source's tokens cannot be run again one by one")
    }
    let random = try read(try live.site(named: site.name), of: live)
    return scored(.randomWeights, try fitter.evaluate(random), detail: "the same site, every tensor drawn anew")
  }

  private func randomDirections() throws -> ControlResult {
    var generator = generator(.randomDirections)
    let count = isRegression || task.classes.count == 2 ? 1 : task.classes.count
    let standardization = ColumnSums.ofFirst(task.trainingCount, rows).standardization()
    var own = settings
    if !isRegression {
      own.method = .massMean
      own.threshold = .training
    }
    own.bootstrap.resamples = 0
    var scores: [Double] = []
    for _ in 0..<suite.controls.directions {
      let directions = RandomBases.directions(count, width: rows.columns, generator: &generator)
      let readers = standardization.classifier(
        weights: directions.elements.map { Double($0) }, bias: [Double](repeating: 0, count: count))
      let projected = readers.scores(of: rows, in: 0..<rows.rows)
      scores.append(try fitter.evaluate(ExampleMatrix(projected), settings: own).score)
    }
    guard !scores.isEmpty else { return ControlResult(.randomDirections, notRun: "no directions were asked for") }
    return ControlResult(
      .randomDirections, score: scores.reduce(0, +) / Double(scores.count),
      interval: Interval(low: scores.min() ?? 0, high: scores.max() ?? 0),
      detail: count == 1 ? "\(scores.count) directions" : "\(scores.count) times \(count) directions")
  }

  private func rotatedBasis() throws -> ControlResult {
    guard let neuronSite else {
      return ControlResult(.rotatedBasis, notRun: "no neurons were probed: add mlp_post to the sites")
    }
    var generator = generator(.rotatedBasis)
    let neurons =
      neuronSite == site.name
      ? rows
      : try read(try source.site(named: neuronSite), of: source)
    let chosen = thinned()
    // By split: the rows to learn from, then those to judge by.
    let orders = chosen.splits.map { $0.train + $0.test }
    let matrix = neurons.matrix(ofRows: chosen.rows)
    let own = chosen.rows.map { labels[$0] }
    func best(_ matrix: Matrix) -> Double {
      let areas = zip(chosen.splits, orders).map { split, order in
        SingleColumns.bestAUROC(
          chosen.splits.count == 1 ? matrix : matrix.selectingRows(order), labels: order.map { own[$0] },
          classes: task.classes.count, trainingCount: split.train.count)
      }
      return areas.reduce(0, +) / Double(areas.count)
    }
    let neuron = best(matrix)
    let rotated = (0..<suite.controls.rotations).map { _ in
      best(RandomBases.rotated(matrix, generator: &generator))
    }
    guard !rotated.isEmpty else { return ControlResult(.rotatedBasis, notRun: "no rotations were asked for") }
    return ControlResult(
      .rotatedBasis, score: rotated.reduce(0, +) / Double(rotated.count),
      interval: Interval(low: rotated.min() ?? 0, high: rotated.max() ?? 0), reference: neuron,
      detail: "AUROC of the best axis of \(neurons.columns), \(neuronSite)")
  }

  private func controlTask() throws -> ControlResult {
    var generator = generator(.controlTask)
    let tokens = try tokens()
    var targets = ControlFitter.Targets(labels: [], values: [])
    if isRegression {
      targets.values = tokens.controlNumbers(generator: &generator)
      let sorted = targets.values.sorted()
      let median = sorted[(sorted.count - 1) / 2]
      targets.labels = targets.values.map { $0 > median ? 1 : 0 }
    } else {
      var frequencies = [Int](repeating: 0, count: task.classes.count)
      for label in labels { frequencies[Int(label)] += 1 }
      targets.labels = tokens.controlLabels(frequencies: frequencies, generator: &generator)
    }
    guard fitter.splits.allSatisfy({ Set($0.train.map { targets.labels[$0] }).count == task.classes.count }) else {
      return ControlResult(.controlTask, notRun: "too few word types for a random label each")
    }
    let control = try fitter.evaluate(rows, targets: targets)
    let own = probe.regression?.scores.r2 ?? probe.evaluation.scores.accuracy
    // A regression that fails outright has no score to be selective with.
    return ControlResult(
      .controlTask, score: control.score, interval: control.interval,
      selectivity: isRegression ? max(own, 0) - max(control.accuracy, 0) : own - control.accuracy,
      detail: isRegression ? "random numbers for word types" : "random labels for word types")
  }

  private func shuffledLabels() throws -> ControlResult {
    var generator = generator(.shuffledLabels)
    let chosen = thinned()
    let classes = task.classes.count
    // A statistic of many classes costs as many sorts.
    let count = classes == 2 ? suite.controls.shuffles : min(suite.controls.shuffles, 199)
    guard count > 0 else { return ControlResult(.shuffledLabels, notRun: "no shuffles were asked for") }
    let shuffles = try LabelShuffles(
      rows.matrix(ofRows: chosen.rows),
      targets: isRegression
        ? .numbers(chosen.rows.map { fitter.targets.values[$0] })
        : .classes(chosen.rows.map { labels[$0] }, count: classes),
      groups: chosen.rows.map { fitter.groups[$0] }, splits: chosen.splits, shuffles: count,
      learner: settings.method == .massMean ? .meanDifference : .leastSquares, generator: &generator)
    let sorted = shuffles.shuffled.sorted()
    return ControlResult(
      .shuffledLabels, score: sorted.reduce(0, +) / Double(sorted.count),
      interval: Interval(low: quantile(sorted, 0.025), high: quantile(sorted, 0.975)), reference: shuffles.observed,
      pValue: shuffles.pValue,
      detail: "\(isRegression ? "correlation" : "AUROC") of "
        + (settings.method == .massMean ? "mass-mean directions" : "least squares") + ", \(count) shuffles")
  }

  /// The examples, or an even choice of them where there are more than the quick controls need, and their splits by
  /// place in that choice.
  private func thinned() -> (rows: [Int], splits: [Split]) {
    let most = suite.controls.examples
    func spread(_ range: Range<Int>, _ most: Int) -> [Int] {
      guard range.count > most else { return Array(range) }
      return (0..<most).map { range.lowerBound + $0 * range.count / most }
    }
    let chosen =
      task.outer.isEmpty
      ? spread(0..<task.trainingCount, most) + spread(task.trainingCount..<rows.rows, max(most / 4, 1))
      : spread(0..<rows.rows, most)
    var places = [Int](repeating: -1, count: rows.rows)
    for (place, row) in chosen.enumerated() { places[row] = place }
    func kept(_ rows: [Int]) -> [Int] { rows.map { places[$0] }.filter { $0 >= 0 } }
    return (chosen, fitter.splits.map { Split(train: kept($0.train), test: kept($0.test)) })
  }
}
