import Activations
import LinearAlgebra
import Transformer

/// What a specification came to: the sweep, the controls at its best site, and where in the depth the concept arises.
public struct SpecificationResult: Codable, Sendable, Equatable {
  /// The specification's name: its file's, without ending.
  public var name: String
  public var specification: ProbeSpecification
  public var table: ProbeSweep.Table
  /// Nil where no control was asked for.
  public var controls: ControlReport?
  public var depth: DepthProfile?

  /// The sweep's row of the site and the method that were chosen in the training folds.
  public var best: ProbeSweep.Row? { table.bestRow }

  /// The score to quote, with its interval: the balanced accuracy, or R², on examples that no choice has seen. With
  /// outer folds it is that of the whole procedure, site and method chosen anew inside each fold; else that of the best
  /// site on the part held back.
  public var score: (value: Double, interval: Interval?)? {
    if let chosen = table.chosenRegression { return (chosen.scores.r2, chosen.intervals?.r2) }
    if let chosen = table.chosen {
      return (chosen.scores.balancedAccuracy, chosen.intervals?.balancedAccuracy)
    }
    return best.map { ($0.heldOutScore, $0.heldOutInterval) }
  }
}

extension ProbeSweep.Table {
  /// The row of the site and the method that were chosen in the training folds; without folds, the best on held-out
  /// examples.
  public var bestRow: ProbeSweep.Row? {
    rows.first { $0.site == best && (bestMethod == nil || $0.method == bestMethod) }
      ?? rows.max { $0.score < $1.score }
  }
}

extension ProbeSweep.Row {
  /// What sites are compared by: the score in the training folds; without folds, that on held-out examples.
  public var score: Double { validation ?? heldOutScore }

  /// The balanced accuracy on examples held back; of a regression R².
  public var heldOutScore: Double { regression?.scores.r2 ?? evaluation.scores.balancedAccuracy }

  /// The interval of `heldOutScore`.
  public var heldOutInterval: Interval? {
    regression.map { $0.intervals?.r2 } ?? evaluation.intervals?.balancedAccuracy
  }

  /// The site's name without its layer.
  public var kind: String {
    guard let layer, site.hasPrefix("blocks.\(layer).") else { return site }
    return String(site.dropFirst("blocks.\(layer).".count))
  }
}

/// A concept's score from the embeddings up through the layers, at one kind of site.
public struct DepthProfile: Codable, Sendable, Equatable {
  /// The kind of site, such as `hook_resid_post`.
  public var kind: String
  /// From the bottom up.
  public var places: [Place]
  /// The first place within one point of the best.
  public var arises: Int
  /// What the scores are.
  public var measure: String

  public struct Place: Codable, Sendable, Equatable {
    public var site: String
    /// Nil for the embeddings.
    public var layer: Int?
    public var score: Double

    /// `embeddings`, or `layer 3`.
    public var title: String { layer.map { "layer \($0)" } ?? "embeddings" }
  }

  /// The place where it arises.
  public var first: Place { places[arises] }
}

extension DepthProfile {
  /// How far below the best a place may lie and still count as equal to it: one point.
  public static let tolerance = 0.01

  /// The profile of a sweep's residual stream, or of the first kind of site with several layers; of several methods,
  /// of the one that was best.
  public init?(_ table: ProbeSweep.Table) {
    let method = table.bestRow?.method
    let rows = table.rows.filter { $0.method == method }
    let layered = rows.filter { $0.layer != nil }
    var kinds: [String] = []
    for row in layered where !kinds.contains(row.kind) { kinds.append(row.kind) }
    guard
      let kind = kinds.first(where: { $0 == "hook_resid_post" })
        ?? kinds.first(where: { kind in layered.count { $0.kind == kind } > 1 })
    else { return nil }
    let own = layered.filter { $0.kind == kind }.sorted { ($0.layer ?? 0) < ($1.layer ?? 0) }
    let embedding = rows.filter { $0.layer == nil && $0.site.hasSuffix("hook_embed") }
    places = (embedding + own).map { Place(site: $0.site, layer: $0.layer, score: $0.score) }
    // One place alone has nothing below it to arise from.
    guard places.count > 1, let best = places.map(\.score).max() else { return nil }
    self.kind = kind
    arises = places.firstIndex { $0.score >= best - Self.tolerance - 1e-9 } ?? 0
    let name = rows.contains { $0.regression != nil } ? "R²" : "balanced accuracy"
    measure = rows.contains { $0.validation != nil } ? "\(name) in the training folds" : name
  }
}

/// What is done with the best probe of an experiment beyond judging it.
public struct ProbeFollowUps: Sendable {
  /// How often it is trained again on resamples, to compare the directions; below 2 for not at all.
  public var repeats: Int
  /// Whether it is trained on growing parts of the examples.
  public var learningCurve: Bool

  public init(repeats: Int = 0, learningCurve: Bool = false) {
    self.repeats = repeats
    self.learningCurve = learningCurve
  }
}

extension ProbeSweep.Row {
  /// Whether the columns are neurons.
  fileprivate var holdsNeurons: Bool {
    kind == "mlp.hook_post" || (StoredSite.expert(inName: site) != nil && site.hasSuffix(".hook_post"))
  }
}

extension ProbeSpecification {
  /// Runs the specification: a probe at every site by every method, then the controls at the best.
  ///
  /// - Parameters:
  ///   - name: what the result is called.
  ///   - sites: the source's sites to probe, by full names.
  ///   - followUps: what is done with the best probe; without `best`, nothing.
  ///   - each: called with every probe as it is ready.
  ///   - best: called with the best probe, whose record then holds controls, signed sums and what `followUps` asks for.
  /// - Throws: what `ProbeSweep.run` and `ControlSuite.run` throw.
  public func run(
    name: String, on source: some ActivationSource, sites: [String], model: ControlSuite.ModelAccess,
    followUps: ProbeFollowUps = ProbeFollowUps(), each: (Probe) throws -> Void = { _ in },
    best: ((Probe) throws -> Void)? = nil
  ) throws -> SpecificationResult {
    guard target == .label || target == .number else {
      return try runLabelled(
        name: name, on: TargetSource(source, target: target), sites: sites, model: model, followUps: followUps,
        each: each, best: best)
    }
    return try runLabelled(
      name: name, on: source, sites: sites, model: model, followUps: followUps, each: each, best: best)
  }

  private func runLabelled(
    name: String, on source: some ActivationSource, sites: [String], model: ControlSuite.ModelAccess,
    followUps: ProbeFollowUps, each: (Probe) throws -> Void, best finish: ((Probe) throws -> Void)?
  ) throws -> SpecificationResult {
    if let own = try source.throughExpert(of: sites) {
      return try runLabelled(
        name: name, on: own, sites: sites, model: model, followUps: followUps, each: each, best: finish)
    }
    var settings = settings
    var probes: [Probe] = []
    let table = try ProbeSweep(settings: settings, methods: methods).run(on: source, sites: sites) { probe in
      if finish != nil { probes.append(probe) }
      try each(probe)
    }
    var result = SpecificationResult(
      name: name, specification: self, table: table, controls: nil, depth: DepthProfile(table))
    guard let best = result.best else { return result }
    settings.method = best.method
    if !controls.isEmpty {
      let neurons = table.rows.filter { $0.holdsNeurons && $0.method == best.method }
        .max { $0.score < $1.score }
      result.controls = try ControlSuite(settings: settings, controls: ControlSettings(controls: controls)).run(
        on: source, row: best, neuronSite: neurons?.site, model: model)
    }
    guard let finish,
      var probe = probes.first(where: { $0.record.site.name == best.site && $0.record.settings.method == best.method })
    else { return result }
    probe.record.controls = result.controls
    probe.record.sums = try probe.signedSums(on: source)
    if followUps.repeats >= 2 {
      probe.record.stability = try probe.stability(on: source, repeats: followUps.repeats)
    }
    if followUps.learningCurve {
      probe.record.learningCurve = try LearningCurve(on: source, site: best.site, settings: probe.record.settings)
    }
    try finish(probe)
    return result
  }
}
