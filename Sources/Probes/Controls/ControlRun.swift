import Activations
import LinearAlgebra
import Transformer

/// The controls of one study: the same procedure on the same examples and folds, with other labels or other rows.
struct ControlRun<Source: ActivationSource> {
  let study: Study
  let source: Source
  let fitted: FittedStudy
  let model: Study.ModelAccess

  private var settings: ProbeSettings { fitted.settings }
  private var examples: LabelledExamples { fitted.examples }
  private var targets: Procedure.Targets { fitted.targets }
  private var measure: Measure { fitted.judged.measure }
  private var bootstrap: GroupBootstrap { settings.bootstrap }

  func run(progress: (String) -> Void) throws -> ControlReport {
    var results: [ControlResult] = []
    for control in settings.controls {
      progress(control.title)
      results.append(try result(of: control, progress: progress))
    }
    var report = ControlReport(results: results, implications: [])
    report.implications = report.sentences()
    return report
  }

  private func result(of control: Control, progress: (String) -> Void) throws -> ControlResult {
    switch control {
    case .majority: majority()
    case .words: try words()
    case .embedding: try embedding()
    case .randomWeights: try randomWeights()
    case .randomDirections: try randomDirections()
    case .rotatedBasis: rotatedBasis()
    case .controlTask: try controlTask()
    case .shuffledLabels: try shuffledLabels(progress: progress)
    }
  }

  private func generator(_ control: Control) -> SeededGenerator {
    SeededGenerator(seed: settings.seed, stream: "control \(control.rawValue)")
  }

  private func notRun(_ control: Control, _ reason: String) -> ControlResult {
    ControlResult(control, measure: measure, notRun: reason)
  }

  /// What the procedure makes of other rows of the same examples, beside what it made of the study's.
  private func compared(
    _ control: Control, _ candidates: [Procedure.Candidate], procedure: Procedure? = nil, detail: String? = nil
  ) throws -> ControlResult {
    let judged = try (procedure ?? fitted.procedure).judge(
      candidates, targets, groups: examples.groups, splits: examples.splits
    ).judged
    return compared(control, [judged], detail: detail)
  }

  /// - Parameter others: one, or several draws.
  private func compared(_ control: Control, _ others: [Judged], detail: String? = nil) -> ControlResult {
    let scores = others.compactMap { $0.value(measure) }
    var result = ControlResult(control, measure: measure, score: scores.mean, detail: detail)
    result.interval =
      others.count == 1
      ? others[0].interval(measure, bootstrap) : Interval(low: scores.min() ?? 0, high: scores.max() ?? 0)
    result.reference = fitted.judged.value(measure)
    result.difference = fitted.judged.difference(from: others, by: measure, bootstrap)
    return result
  }

  private func majority() -> ControlResult {
    let outcome = examples.isCrossValidated ? "of the other folds" : "learnt from"
    return ControlResult(
      .majority, measure: measure, score: fitted.result.regression?.baseline.r2 ?? 1 / Double(examples.classes.count),
      detail: fitted.judged.isRegression
        ? "always the mean \(outcome)" : "always \(examples.classes[fitted.result.evaluation.majorityClass])")
  }

  private func words() throws -> ControlResult {
    let bag = examples.tokens.bag(most: settings.vocabulary)
    var own = settings
    if !fitted.judged.isRegression {
      own.classifiers = [.logistic]
      own.strengths = [0.1, 1, 10]
      own.penalty = .l2
    }
    // Presences are 0 or 1 as they are: scaled to variance 1, the rarest would weigh most.
    own.standardizes = fitted.judged.isRegression
    return try compared(
      .words, [.init(name: "words", rows: ExampleMatrix(bag))], procedure: Procedure(settings: own),
      detail: "\(bag.columns) token types, no model"
        + (fitted.judged.isRegression || settings.methods == [.logistic] ? "" : ", logistic"))
  }

  private func embedding() throws -> ControlResult {
    let rows: ExampleMatrix
    if let own = examples.embeddings {
      rows = own
    } else {
      switch model {
      case .absent(let reason): return notRun(.embedding, reason)
      case .model(let model):
        let pooling = examples.areTokens ? .last : settings.pooling
        rows = ExampleMatrix(try examples.tokens.pooled(pooling) { try model.embeddings(of: $0) })
      }
    }
    return try compared(.embedding, [.init(name: "embeddings", rows: rows)])
  }

  private func randomWeights() throws -> ControlResult {
    let model: Model
    switch self.model {
    case .absent(let reason): return notRun(.randomWeights, reason)
    case .model(let own): model = own
    }
    guard source.rowKind == .token else { return notRun(.randomWeights, "the store holds pooled rows") }
    guard !examples.sites.contains(where: \.isRouted) else {
      return notRun(.randomWeights, "a model of other weights sends other tokens to the expert")
    }
    let documents = try source.documents
    let corpus = try (0..<documents.count).map { document in
      Document(id: "\(document)", tokens: try source.tokens(in: documents.tokens(of: document)).ids)
    }
    let live = try LiveActivations(
      model: try model.randomized(seed: settings.seed), tokenizer: nil, corpus: Corpus(documents: corpus),
      settings: CaptureSettings(
        sites: examples.sites.map(\.name).joined(separator: ","), overflow: .refuse, addsSpecialTokens: false))
    guard live.rowCount == source.rowCount else {
      return notRun(.randomWeights, "the source's tokens cannot be run again one by one")
    }
    let sites = try examples.sites.map { try live.site(named: $0.name) }
    let rows = try examples.rows(of: sites, in: live, memory: study.memory)
    return try compared(
      .randomWeights, zip(sites, rows).map { .init(name: $0.name, rows: $1) },
      detail: sites.count == 1 ? "the same site, every tensor drawn anew" : "the same sites, every tensor drawn anew")
  }

  private func randomDirections() throws -> ControlResult {
    var generator = generator(.randomDirections)
    let draws = settings.directions
    guard draws > 0 else { return notRun(.randomDirections, "no directions were asked for") }
    let count = fitted.judged.isRegression || examples.classes.count == 2 ? 1 : examples.classes.count
    // Along a given direction no method has anything else to learn than where the classes part.
    var own = settings
    if !fitted.judged.isRegression {
      own.classifiers = [.massMean]
      own.threshold = .training
    }
    // All draws of a site are one product: [examples, draws · count].
    let projected = fitted.candidates.map { candidate in
      let rows = candidate.rows
      let directions = RandomBases.directions(draws * count, width: rows.columns, generator: &generator)
      let readers = ColumnSums(of: rows).standardization().classifier(
        weights: directions.elements.map { Double($0) }, bias: [Double](repeating: 0, count: draws * count))
      return readers.scores(of: rows)
    }
    let judged = try (0..<draws).map { draw in
      let candidates = zip(fitted.candidates, projected).map { candidate, values in
        Procedure.Candidate(
          name: candidate.name, rows: ExampleMatrix(values.selectingColumns(draw * count..<(draw + 1) * count)))
      }
      return try Procedure(settings: own).judge(
        candidates, targets, groups: examples.groups, splits: examples.splits
      ).judged
    }
    return compared(
      .randomDirections, judged,
      detail: count == 1 ? "\(draws) directions a site" : "\(draws) times \(count) directions a site")
  }

  private func rotatedBasis() -> ControlResult {
    var generator = generator(.rotatedBasis)
    return SingleAxes(fitted).result(generator: &generator)
  }

  private func controlTask() throws -> ControlResult {
    var generator = generator(.controlTask)
    var own = targets
    if fitted.judged.isRegression {
      own.numbers = examples.tokens.controlNumbers(generator: &generator)
      let halves = try Examples.halves(of: own.numbers)
      (own.labels, own.median) = (halves.labels, halves.median)
    } else {
      own.labels = examples.tokens.controlLabels(
        frequencies: targets.labels.counts(of: targets.classes), generator: &generator)
    }
    let title = examples.areTokens ? Control.controlTask.title : "word sums"
    func refused(_ reason: String) -> ControlResult {
      var result = notRun(.controlTask, reason)
      result.title = title
      return result
    }
    guard
      examples.splits.allSatisfy({ split in
        [split.train, split.test].allSatisfy { Set($0.map { own.labels[$0] }).count == examples.classes.count }
      })
    else { return refused("too few word types for a random label each") }
    let control = try fitted.procedure.judge(
      fitted.candidates, own, groups: examples.groups, splits: examples.splits
    ).judged
    // Balance has no part in selectivity as Hewitt and Liang define it: accuracy less accuracy.
    let measure = fitted.judged.isRegression ? Measure.r2 : .accuracy
    var result = ControlResult(.controlTask, measure: measure, score: control.value(measure))
    result.title = title
    result.interval = control.interval(measure, bootstrap)
    result.reference = fitted.judged.value(measure)
    result.difference = fitted.judged.difference(from: [control], by: measure, bootstrap)
    (result.chance, result.chanceInterval) = control.chance(measure, generator: &generator)
    result.detail =
      examples.areTokens
      ? "a random \(fitted.judged.isRegression ? "number" : "label") for each word type"
      : "the \(fitted.judged.isRegression ? "sum" : "rank of the sum") of a random number for each word type"
    return result
  }

  private func shuffledLabels(progress: (String) -> Void) throws -> ControlResult {
    guard settings.shuffles > 0 else { return notRun(.shuffledLabels, "no shuffles were asked for") }
    var generator = generator(.shuffledLabels)
    let statistic = fitted.judged.isRegression ? "correlation" : "AUROC"
    let screen = try ScreenedShuffles(fitted, generator: &generator)
    var result = ControlResult(.shuffledLabels, measure: .auroc, score: screen.shuffled.mean)
    let sorted = screen.shuffled.sorted()
    result.interval = Interval(low: quantile(sorted, 0.025), high: quantile(sorted, 0.975))
    result.reference = screen.observed
    result.pValue = screen.pValue
    result.tries = screen.shuffled.count
    result.isExact = false
    result.detail =
      "\(statistic); \(screen.shuffled.count) shuffles, the choice of site and strength repeated in each, by least squares"
      + (screen.examples < examples.count ? " on \(screen.examples) examples" : "")
    guard settings.exactShuffles > 0, ScreenedShuffles.doubtful.contains(screen.pValue) else { return result }
    let exact = try ExactShuffles(fitted, most: settings.exactShuffles, generator: &generator) { done in
      progress(
        "shuffled labels: p is near 0.05, so \(done) of at most \(settings.exactShuffles) by the procedure itself")
    }
    guard exact.tries > 0 else { return result }
    result.pValue = exact.pValue
    result.tries = exact.tries
    result.isExact = true
    result.detail =
      "\(statistic); \(exact.tries) shuffles by the procedure itself, since by least squares p = "
      + "\(ControlReport.probability(screen.pValue)) of \(screen.shuffled.count)"
    return result
  }
}

extension Judged {
  /// What these predictions score where the labels have nothing to do with them: the labels change places, 199 times.
  fileprivate func chance(_ measure: Measure, generator: inout SeededGenerator) -> (Double?, Interval?) {
    let blocks = ExchangeableBlocks(targets, groups: groups)
    let drawn = (0..<199).compactMap { _ -> Double? in
      var own = self
      own.targets = targets.selecting(blocks.shuffled(count: places.count, generator: &generator))
      own.sample = JudgedSample(
        scores: scores, labels: own.targets.labels, groups: groups, folds: folds, classes: targets.classes)
      return own.value(measure)
    }.sorted()
    guard !drawn.isEmpty else { return (nil, nil) }
    return (drawn.mean, Interval(low: quantile(drawn, 0.025), high: quantile(drawn, 0.975)))
  }
}
