import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// A probe study: a concept is looked for at several sites by one procedure, and the score stands beside what the same
/// procedure makes of other labels and other rows.
///
/// Site, method and strength are chosen inside the examples to learn from; the score is that of the whole procedure on
/// examples that no choice has seen. Every control repeats it on the same examples and the same folds, and every difference
/// has an interval over resamples of the same groups.
public struct Study: Sendable {
  /// What the result is called.
  public var name: String
  public var settings: ProbeSettings
  /// How many bytes of activations may be held in memory; sites beyond lie in scratch files (in `TMPDIR`).
  public var memory: Int
  /// How often the best probe is trained again on resamples, to compare the directions; below 2 for not at all.
  public var repeats = 0
  /// Whether the procedure is repeated on growing parts of the examples.
  public var hasLearningCurve = false

  public init(
    name: String = "study", settings: ProbeSettings = ProbeSettings(), memory: Int = LabelledExamples.defaultMemory
  ) {
    self.name = name
    self.settings = settings
    self.memory = memory
  }

  /// What is known of the model behind a source.
  public enum ModelAccess: Sendable {
    case model(Model)
    /// Why there is none, in a few words.
    case absent(String)
  }

  /// Runs the study.
  ///
  /// - Parameters:
  ///   - source: a store or a running model. At sites inside an expert, examples are made of the tokens routed there.
  ///   - sites: full names; all of the source's, unless given.
  ///   - model: what random weights and, where the source lacks them, embeddings come from.
  ///   - progress: told what is being done, in a few words.
  ///   - each: called with every probe as it is ready, learnt from all examples (with one part held back, from the rest).
  /// - Returns: the result, and the best probe with everything that is known of it.
  /// - Throws: what gathering and fitting throw; `probe.method` for labels and a method that predicts numbers. A control that
  ///   cannot be run is reported as not run, with the reason.
  /// - Complexity: one pass over the source, one run of the model with random weights; about (outer folds + 1) · sites ·
  ///   methods fits, three times over with all controls; a permutation test that is screened by least squares.
  public func run(
    on source: some ActivationSource, sites: [String]? = nil, model: ModelAccess = .absent("no model was given"),
    progress: (String) -> Void = { _ in }, each: (Probe) throws -> Void = { _ in }
  ) throws -> (result: StudyResult, probe: Probe) {
    switch settings.target {
    case .label, .number:
      return try runLabelled(on: source, sites: sites, model: model, progress: progress, each: each)
    case .textLength, .position:
      return try runLabelled(
        on: TargetSource(source, target: settings.target), sites: sites, model: model, progress: progress, each: each)
    }
  }

  private func runLabelled(
    on source: some ActivationSource, sites names: [String]?, model: ModelAccess, progress: (String) -> Void,
    each: (Probe) throws -> Void
  ) throws -> (result: StudyResult, probe: Probe) {
    if let own = try source.throughExpert(of: names ?? source.sites.map(\.name)) {
      return try runLabelled(on: own, sites: names, model: model, progress: progress, each: each)
    }
    progress("reading")
    let sites = try names.map { try $0.map { try source.site(named: $0) } } ?? source.sites
    let examples = try LabelledExamples(settings, of: source, sites: sites, memory: memory)
    let fitted = try FittedStudy(self, examples, progress: progress, each: each)
    var result = fitted.result
    if !settings.controls.isEmpty {
      result.controls = try ControlRun(study: self, source: source, fitted: fitted, model: model).run(
        progress: progress)
    }
    var probe = fitted.probe
    probe.record.controls = result.controls
    probe.record.sums = fitted.signedSums()
    if repeats >= 2 {
      progress("repeats")
      probe.record.stability = try fitted.stability(repeats: repeats)
    }
    if hasLearningCurve {
      progress("learning curve")
      probe.record.learningCurve = try fitted.learningCurve()
    }
    return (result, probe)
  }
}

/// A study whose probes are fitted and judged, before anything is compared with them.
struct FittedStudy: Sendable {
  let settings: ProbeSettings
  let examples: LabelledExamples
  let procedure: Procedure
  let candidates: [Procedure.Candidate]
  let targets: Procedure.Targets
  /// By site and method.
  let trials: [[Procedure.Trial]]
  let judged: Judged
  var result: StudyResult
  /// The best, by the choice that all examples to learn from make.
  var probe: Probe
  let best: (site: Int, method: Int)

  init(
    _ study: Study, _ examples: LabelledExamples, progress: (String) -> Void, each: (Probe) throws -> Void
  ) throws {
    self.examples = examples
    let settings = study.settings
    let procedure = Procedure(settings: settings)
    let candidates = zip(examples.sites, examples.rows).map { Procedure.Candidate(name: $0.name, rows: $1) }
    let targets = Procedure.Targets(
      labels: examples.labels, classes: examples.classes.count, numbers: examples.numbers,
      median: examples.examples.median)
    (self.settings, self.procedure, self.candidates, self.targets) = (settings, procedure, candidates, targets)
    var trials: [[Procedure.Trial]] = []
    var rows: [StudyResult.Row] = []
    var best: (site: Int, method: Int, score: Double, probe: Probe)?
    let total = candidates.count * settings.methods.count
    for (number, candidate) in candidates.enumerated() {
      func rowsToLearn(_ places: [Int]) throws -> TrainingRows {
        try procedure.rowsToLearn(candidate.rows, targets, groups: examples.groups, places: places)
      }
      // With one part held back the fit to the rest is the probe; else one is fitted to all examples.
      let (own, training) = try examples.examples.namingClasses {
        try candidate.named {
          let rest = examples.isCrossValidated ? nil : try rowsToLearn(examples.splits[0].train)
          let own = try procedure.trials(
            candidate, targets, groups: examples.groups, splits: examples.splits, training: rest)
          return (own, try rest ?? rowsToLearn(Array(0..<examples.count)))
        }
      }
      for (place, trial) in own.enumerated() {
        let fit =
          examples.isCrossValidated
          ? try MethodFit(training, settings: settings.with(trial.method)) : trial.fits[0]
        let probe = Self.probe(
          fit, trial, site: examples.sites[number], candidate: candidate, examples: examples, targets: targets,
          training: training, settings: settings)
        let row = StudyResult.Row(probe.record)
        if best.map({ row.score > $0.score }) ?? true { best = (number, place, row.score, probe) }
        rows.append(row)
        progress("\(rows.count) of \(total) probes; \(candidate.name)")
        try each(probe)
      }
      trials.append(own)
    }
    guard let best else { throw Fault(.software, "probe.noSites", "No site was probed") }
    self.trials = trials
    self.best = (best.site, best.method)
    probe = best.probe
    let outcome = procedure.choose(trials, targets, groups: examples.groups, splits: examples.splits)
    judged = outcome.judged
    let methods = Set(outcome.choices.map(\.method))
    result = StudyResult(
      name: study.name, settings: settings, origin: examples.origin, classes: examples.classes,
      examples: examples.count,
      groups: Set(examples.groups).count, judged: judged.places.count, rows: rows,
      best: examples.sites[best.site].name, bestMethod: settings.methods[best.method],
      choices: outcome.choices.map { choice in
        .init(
          site: examples.sites[choice.candidate].name, method: choice.method, strength: choice.strength,
          validation: choice.validation)
      },
      evaluation: judged.evaluation(
        classes: examples.classes,
        scoresAreLogOdds: methods.allSatisfy(\.scoresAreLogOdds) && settings.threshold == .midpoint, settings.bootstrap),
      regression: judged.regression(settings.bootstrap))
    result.depth = DepthProfile(self)
  }

  /// What a site's predictions of the examples held back are worth.
  func judged(site: Int, method: Int) -> Judged {
    Judged(trials[site][method].scores, targets, groups: examples.groups, splits: examples.splits)
  }
}

extension FittedStudy {
  private static func probe(
    _ fit: MethodFit, _ trial: Procedure.Trial, site: StoredSite, candidate: Procedure.Candidate,
    examples: LabelledExamples, targets: Procedure.Targets, training: TrainingRows, settings: ProbeSettings
  ) -> Probe {
    let own = settings.with(trial.method)
    let judged = Judged(trial.scores, targets, groups: examples.groups, splits: examples.splits)
    var record = ProbeRecord(
      classes: examples.classes, site: site, settings: own, origin: examples.origin, trainingExamples: training.count,
      trainingGroups: Set(training.groups).count, unlabelledDocuments: examples.examples.unlabelled,
      emptyDocuments: examples.examples.empty,
      evaluation: judged.evaluation(
        classes: examples.classes, scoresAreLogOdds: own.scoresAreLogOdds, settings.bootstrap),
      validation: fit.validation, fit: fit.record)
    record.regression = judged.regression(settings.bootstrap)
    func scores(_ own: Matrix, _ split: Split) -> Scores {
      JudgedSample(
        scores: own.less(targets.median), labels: split.test.map { targets.labels[$0] }, groups: split.test,
        classes: targets.classes
      ).scores(weights: nil)
    }
    if examples.isCrossValidated {
      record.foldScores = examples.splits.map { scores(trial.scores.selectingRows($0.test), $0) }
    }
    for place in (record.fit.sizes ?? []).indices {
      let held = zip(trial.fits, examples.splits).compactMap { fit, split in
        fit.sizes.indices.contains(place)
          ? scores(fit.sizes[place].scores(of: candidate.rows.matrix(ofRows: split.test)), split) : nil
      }
      record.fit.sizes?[place].test = Scores.mean(of: held)
    }
    record.warnings = ProbeWarning.all(training, fit: fit, evaluation: record.evaluation, settings: own)
    return Probe(classifier: fit.classifier, standardization: fit.standardization, record: record)
  }
}

extension ProbeWarning {
  /// What a reader of a probe's scores must know.
  static func all(
    _ training: TrainingRows, fit: MethodFit, evaluation: Evaluation, settings: ProbeSettings
  ) -> [ProbeWarning] {
    var result: [ProbeWarning] = []
    func warn(_ name: String, _ message: String) { result.append(ProbeWarning(name: name, message: message)) }
    if let most = training.labels.counts(of: training.classes).max(), most * 10 >= training.count * 9,
      !settings.predictsNumbers
    {
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
    if training.folds.count < settings.folds {
      warn(
        "probe.fewerFolds",
        "\(training.folds.count) folds in place of \(settings.folds), for a class has no more groups")
    }
    return result
  }
}

extension ColumnSums {
  /// How many columns take one value only, but for rounding.
  fileprivate var constantColumns: Int {
    let count = Double(max(count, 1))
    return sums.indices.count { column in
      let mean = sums[column] / count
      return !Self.isSpread(variance: max(squares[column] / count - mean * mean, 0), mean: mean)
    }
  }
}
