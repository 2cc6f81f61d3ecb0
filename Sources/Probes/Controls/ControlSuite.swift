import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// Runs the controls of a probe on the same examples and the same split as the probe itself.
public struct ControlSuite: Sendable {
  public var settings: ProbeSettings
  public var controls: ControlSettings

  public init(settings: ProbeSettings, controls: ControlSettings = ControlSettings()) {
    self.settings = settings
    self.controls = controls
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
  ///   - evaluation: the probe's own, at that site, with the same settings.
  ///   - neuronSite: the site of the rotated basis; nil where none was probed.
  /// - Throws: what training throws. A control that cannot be run is reported as not run, with the reason.
  /// - Complexity: two or three passes over the source at one site, one run of the model with random weights up to
  ///   that site, and about as many fits as controls.
  public func run(
    on source: some ActivationSource, site name: String, evaluation: Evaluation, neuronSite: String? = nil,
    model: ModelAccess
  ) throws -> ControlReport {
    let site = try source.site(named: name)
    let task = try ProbeTask(settings: settings, source: source)
    let fitter = ControlFitter(task: task, site: site, origin: source.origin)
    let rows = try task.examples.activations(of: [site], in: source, order: task.order, pooling: task.pooling)[0]
    let run = ControlRun(
      suite: self, source: source, site: site, task: task, fitter: fitter, rows: rows, evaluation: evaluation,
      neuronSite: neuronSite, model: model)
    var results: [ControlResult] = []
    for control in controls.controls { results.append(try run.result(of: control)) }
    var report = ControlReport(
      site: name, layer: site.layer, measure: "balanced accuracy", score: evaluation.scores.balancedAccuracy,
      interval: evaluation.intervals?.balancedAccuracy, results: results, implications: [])
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
  let rows: Matrix
  let evaluation: Evaluation
  let neuronSite: String?
  let model: ControlSuite.ModelAccess

  private var settings: ProbeSettings { suite.settings }

  private func generator(_ control: Control) -> SeededGenerator {
    SeededGenerator(seed: settings.seed, stream: "control \(control.rawValue)")
  }

  private func tokens() throws -> ExampleTokens {
    try ExampleTokens(task.examples, order: task.order, of: source, specialTokens: settings.specialTokens)
  }

  func result(of control: Control) throws -> ControlResult {
    switch control {
    case .majority: ControlResult(control, score: evaluation.majority.balancedAccuracy)
    case .bagOfTokens: try bagOfTokens()
    case .embedding: try embedding()
    case .randomWeights: try randomWeights()
    case .randomDirections: try randomDirections()
    case .rotatedBasis: try rotatedBasis()
    case .controlTask: try controlTask()
    case .shuffledLabels: try shuffledLabels()
    }
  }

  private func scored(_ control: Control, _ evaluation: Evaluation, detail: String? = nil) -> ControlResult {
    ControlResult(
      control, score: evaluation.scores.balancedAccuracy, interval: evaluation.intervals?.balancedAccuracy,
      detail: detail)
  }

  private func bagOfTokens() throws -> ControlResult {
    let bag = try tokens().bag(trainingCount: task.trainingCount, most: suite.controls.vocabulary)
    // Presences are 0 or 1 as they are: scaled to variance 1, the rarest would weigh most.
    return scored(
      .bagOfTokens, try fitter.evaluate(bag, strengths: [0.1, 1, 10], standardize: false),
      detail: "\(bag.columns) token types")
  }

  private func embedding() throws -> ControlResult {
    let vectors: Matrix
    if let own = source.sites.first(where: { $0.name.hasSuffix("hook_embed") }) {
      vectors = try task.examples.activations(of: [own], in: source, order: task.order, pooling: task.pooling)[0]
    } else {
      switch model {
      case .absent(let reason): return ControlResult(.embedding, notRun: reason)
      case .model(let model):
        let pooling = settings.concept.level == .document ? settings.pooling : nil
        vectors = try tokens().pooled(pooling) { try model.embeddings(of: $0) }
      }
    }
    return scored(.embedding, try fitter.evaluate(vectors))
  }

  private func randomWeights() throws -> ControlResult {
    guard case .model(let model) = model else {
      if case .absent(let reason) = model { return ControlResult(.randomWeights, notRun: reason) }
      return ControlResult(.randomWeights, notRun: "no model")
    }
    guard source.rowKind == .token else {
      return ControlResult(.randomWeights, notRun: "the store holds pooled rows")
    }
    let documents = try source.documents
    let corpus = try (0..<documents.count).map { document in
      Document(
        id: "\(document)", tokens: try source.tokens(in: documents.tokens(of: document)).ids)
    }
    let live = try LiveActivations(
      model: try model.randomized(seed: settings.seed), tokenizer: nil, corpus: Corpus(documents: corpus),
      settings: CaptureSettings(sites: site.name, overflow: .refuse, addsSpecialTokens: false))
    guard live.rowCount == source.rowCount else {
      return ControlResult(.randomWeights, notRun: "the source's tokens cannot be run again one by one")
    }
    let random = try task.examples.activations(
      of: [try live.site(named: site.name)], in: live, order: task.order, pooling: task.pooling)[0]
    return scored(.randomWeights, try fitter.evaluate(random))
  }

  private func randomDirections() throws -> ControlResult {
    var generator = generator(.randomDirections)
    let count = task.classes.count == 2 ? 1 : task.classes.count
    let scaled = standardized(rows, trainingCount: task.trainingCount)
    var scores: [Double] = []
    for _ in 0..<suite.controls.directions {
      let directions = RandomBases.directions(count, width: rows.columns, generator: &generator)
      let projected = scaled.multiplied(by: directions, transposed: true)
      scores.append(try fitter.nearestMean(projected).scores.balancedAccuracy)
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
      : try task.examples.activations(
        of: [try source.site(named: neuronSite)], in: source, order: task.order, pooling: task.pooling)[0]
    let chosen = thinned()
    let matrix = neurons.selectingRows(chosen.rows)
    let labels = chosen.rows.map { fitter.labels[$0] }
    func best(_ matrix: Matrix) -> Double {
      SingleColumns.bestAUROC(
        matrix, labels: labels, classes: task.classes.count, trainingCount: chosen.trainingCount)
    }
    let own = best(matrix)
    let rotated = (0..<suite.controls.rotations).map { _ in
      best(RandomBases.rotated(matrix, generator: &generator))
    }
    guard !rotated.isEmpty else { return ControlResult(.rotatedBasis, notRun: "no rotations were asked for") }
    return ControlResult(
      .rotatedBasis, score: rotated.reduce(0, +) / Double(rotated.count),
      interval: Interval(low: rotated.min() ?? 0, high: rotated.max() ?? 0), reference: own,
      detail: "AUROC of the best of \(neurons.columns) axes at \(neuronSite)")
  }

  private func controlTask() throws -> ControlResult {
    var generator = generator(.controlTask)
    var frequencies = [Int](repeating: 0, count: task.classes.count)
    for label in fitter.labels { frequencies[Int(label)] += 1 }
    let labels = try tokens().controlLabels(frequencies: frequencies, generator: &generator)
    let training = Set(labels[..<task.trainingCount])
    guard training.count == task.classes.count else {
      return ControlResult(.controlTask, notRun: "too few word types for a random label each")
    }
    let control = try fitter.evaluate(rows, labels: labels)
    return ControlResult(
      .controlTask, score: control.scores.balancedAccuracy, interval: control.intervals?.balancedAccuracy,
      selectivity: evaluation.scores.accuracy - control.scores.accuracy,
      detail: "accuracy \(Int((control.scores.accuracy * 100).rounded())) % on labels drawn for word types")
  }

  private func shuffledLabels() throws -> ControlResult {
    var generator = generator(.shuffledLabels)
    let chosen = thinned()
    let classes = task.classes.count
    // A statistic of many classes costs as many sorts.
    let count = classes == 2 ? suite.controls.shuffles : min(suite.controls.shuffles, 199)
    guard count > 0 else { return ControlResult(.shuffledLabels, notRun: "no shuffles were asked for") }
    let shuffles = try LabelShuffles(
      rows.selectingRows(chosen.rows), targets: .classes(chosen.rows.map { fitter.labels[$0] }, count: classes),
      groups: chosen.rows.map { fitter.groups[$0] }, trainingCount: chosen.trainingCount, shuffles: count,
      generator: &generator)
    let sorted = shuffles.shuffled.sorted()
    return ControlResult(
      .shuffledLabels, score: sorted.reduce(0, +) / Double(sorted.count),
      interval: Interval(low: quantile(sorted, 0.025), high: quantile(sorted, 0.975)), reference: shuffles.observed,
      pValue: shuffles.pValue, detail: "AUROC of a least-squares probe, \(count) shuffles")
  }

  /// The examples, or an even choice of them where there are more than the quick controls need.
  private func thinned() -> (rows: [Int], trainingCount: Int) {
    let most = suite.controls.examples
    func spread(_ range: Range<Int>, _ most: Int) -> [Int] {
      guard range.count > most else { return Array(range) }
      return (0..<most).map { range.lowerBound + $0 * range.count / most }
    }
    let training = spread(0..<task.trainingCount, most)
    return (training + spread(task.trainingCount..<rows.rows, max(most / 4, 1)), training.count)
  }
}

/// The rows with each column brought to mean 0 and standard deviation 1 over the training rows.
private func standardized(_ matrix: Matrix, trainingCount: Int) -> Matrix {
  let standardization = ColumnSums.byPart(
    matrix, rows: 0..<trainingCount, parts: [Int32](repeating: 0, count: trainingCount), partCount: 1)[0]
    .standardization()
  var result = matrix
  let width = matrix.columns
  result.withUnsafeMutableElements { values in
    for row in 0..<matrix.rows {
      for column in 0..<width {
        values[row * width + column] = Float(
          (Double(values[row * width + column]) - standardization.means[column]) / standardization.scales[column])
      }
    }
  }
  return result
}
