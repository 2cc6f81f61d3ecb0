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

  /// The sweep's row of the site that was chosen in the training folds.
  public var best: ProbeSweep.Row? {
    table.rows.first { $0.site == table.best } ?? table.rows.max { $0.score < $1.score }
  }
}

extension ProbeSweep.Row {
  /// What sites are compared by: the score in the training folds; without folds, that on held-out examples.
  public var score: Double { validation ?? heldOutScore }

  /// The balanced accuracy on examples held back; of a regression R².
  public var heldOutScore: Double { regression?.scores.r2 ?? evaluation.scores.balancedAccuracy }

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

  /// The profile of a sweep's residual stream, or of the first kind of site with several layers.
  public init?(_ table: ProbeSweep.Table) {
    let layered = table.rows.filter { $0.layer != nil }
    var kinds: [String] = []
    for row in layered where !kinds.contains(row.kind) { kinds.append(row.kind) }
    guard
      let kind = kinds.first(where: { $0 == "hook_resid_post" })
        ?? kinds.first(where: { kind in layered.count { $0.kind == kind } > 1 })
    else { return nil }
    let own = layered.filter { $0.kind == kind }.sorted { ($0.layer ?? 0) < ($1.layer ?? 0) }
    let embedding = table.rows.filter { $0.layer == nil && $0.site.hasSuffix("hook_embed") }
    places = (embedding + own).map { Place(site: $0.site, layer: $0.layer, score: $0.score) }
    guard let best = places.map(\.score).max() else { return nil }
    self.kind = kind
    arises = places.firstIndex { $0.score >= best - Self.tolerance - 1e-9 } ?? 0
    let name = table.rows.contains { $0.regression != nil } ? "R²" : "balanced accuracy"
    measure = table.rows.contains { $0.validation != nil } ? "\(name) in the training folds" : name
  }
}

extension ProbeSpecification {
  /// Runs the specification: a probe at every site, then the controls at the best.
  ///
  /// - Parameters:
  ///   - name: what the result is called.
  ///   - sites: the source's sites to probe, by full names.
  ///   - repeats: how often the best probe is trained again on resamples; below 2 for not at all.
  ///   - each: called with every probe as it is ready.
  ///   - best: called with the best probe, whose record then holds controls, signed sums and stability; without it,
  ///     sums and stability aren't found.
  /// - Throws: what `ProbeSweep.run` and `ControlSuite.run` throw.
  public func run(
    name: String, on source: some ActivationSource, sites: [String], model: ControlSuite.ModelAccess,
    repeats: Int = 0, each: (Probe) throws -> Void = { _ in }, best: ((Probe) throws -> Void)? = nil
  ) throws -> SpecificationResult {
    guard target == .label || target == .number else {
      return try runLabelled(
        name: name, on: TargetSource(source, target: target), sites: sites, model: model, repeats: repeats, each: each,
        best: best)
    }
    return try runLabelled(
      name: name, on: source, sites: sites, model: model, repeats: repeats, each: each, best: best)
  }

  private func runLabelled(
    name: String, on source: some ActivationSource, sites: [String], model: ControlSuite.ModelAccess,
    repeats: Int, each: (Probe) throws -> Void, best finish: ((Probe) throws -> Void)?
  ) throws -> SpecificationResult {
    let settings = settings
    var probes: [String: Probe] = [:]
    let table = try ProbeSweep(settings: settings).run(on: source, sites: sites) { probe in
      if finish != nil { probes[probe.record.site.name] = probe }
      try each(probe)
    }
    var result = SpecificationResult(
      name: name, specification: self, table: table, controls: nil, depth: DepthProfile(table))
    if !controls.isEmpty, let best = result.best {
      let neurons = table.rows.filter { $0.kind == "mlp.hook_post" }.max { $0.score < $1.score }
      result.controls = try ControlSuite(settings: settings, controls: ControlSettings(controls: controls)).run(
        on: source, row: best, neuronSite: neurons?.site, model: model)
    }
    if let finish, var probe = result.best.flatMap({ probes[$0.site] }) {
      probe.record.controls = result.controls
      probe.record.sums = try probe.signedSums(on: source)
      if repeats >= 2 { probe.record.stability = try probe.stability(on: source, repeats: repeats) }
      try finish(probe)
    }
    return result
  }
}
