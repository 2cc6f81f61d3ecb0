import LinearAlgebra

/// A concept's score from the embeddings up through the layers, at one kind of site and by one method.
public struct DepthProfile: Codable, Sendable, Equatable {
  /// The kind of site, such as `hook_resid_post`.
  public var kind: String
  public var method: ProbeSettings.Method
  /// From the bottom up.
  public var places: [Place]
  /// The first place that no other is shown to be better than.
  public var arises: Int
  /// What the scores are.
  public var measure: Measure

  public struct Place: Codable, Sendable, Equatable {
    public var site: String
    /// Nil for the embeddings.
    public var layer: Int?
    /// On examples held back, of strength chosen by the others.
    public var score: Double
    /// How far the best place's score lies above, over resamples of the same groups; nil at the best place.
    public var missing: Difference?

    /// `embeddings`, or `layer 3`.
    public var title: String { layer.map { "layer \($0)" } ?? "embeddings" }
  }

  /// The place where it arises.
  public var first: Place { places[arises] }
}

extension DepthProfile {
  /// The profile of a study's residual stream, or of the first kind of site with several layers; of several methods, of the
  /// chosen one.
  init?(_ study: FittedStudy) {
    let method = study.best.method
    let rows = study.result.rows.enumerated().filter { $0.element.method == study.settings.methods[method] }
      .map { (site: $0.offset / study.settings.methods.count, row: $0.element) }
    let layered = rows.filter { $0.row.layer != nil }
    var kinds: [String] = []
    for (_, row) in layered where !kinds.contains(row.kind) { kinds.append(row.kind) }
    guard
      let kind = kinds.first(where: { $0 == "hook_resid_post" })
        ?? kinds.first(where: { kind in layered.count { $0.row.kind == kind } > 1 })
    else { return nil }
    let chosen =
      rows.filter { $0.row.layer == nil && $0.row.site.hasSuffix("hook_embed") }
      + layered.filter { $0.row.kind == kind }.sorted { ($0.row.layer ?? 0) < ($1.row.layer ?? 0) }
    // One place alone has nothing below it to arise from.
    guard chosen.count > 1 else { return nil }
    let judged = chosen.map { study.judged(site: $0.site, method: method) }
    let scores = judged.map { $0.value(study.judged.measure) ?? -.infinity }
    let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
    self.kind = kind
    self.method = study.settings.methods[method]
    measure = study.judged.measure
    places = chosen.indices.map { place in
      Place(
        site: chosen[place].row.site, layer: chosen[place].row.layer, score: scores[place],
        missing: place == best
          ? nil : judged[best].difference(from: [judged[place]], by: study.judged.measure, study.settings.bootstrap))
    }
    arises = places.firstIndex { !($0.missing?.isShown ?? false) } ?? best
  }
}
