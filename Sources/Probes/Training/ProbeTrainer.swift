import Activations
import Diagnostics
import LinearAlgebra

/// Trains probes on the labels of an activation source.
public struct ProbeTrainer: Sendable {
  public var settings: ProbeSettings
  /// How many bytes of activations may be held in memory; a site that has more lies in a scratch file.
  public var memory: Int

  public init(settings: ProbeSettings = ProbeSettings(), memory: Int = ProbeSweep.defaultMemory) {
    self.settings = settings
    self.memory = memory
  }

  /// Trains a probe at one site and judges it on documents held back.
  ///
  /// At a site inside an expert, examples are made of the tokens that were routed there (`RoutedTokens`).
  ///
  /// The split comes first; standardisation, penalty, columns and threshold see the training examples alone.
  ///
  /// - Throws: `activations.unknownSite`; `probe.noLabels`, `probe.singleClass`, `probe.unknownLabel`,
  ///   `probe.tooFewExamples`, `probe.notFinite`, `probe.constantRows` and their like.
  /// - Complexity: one pass over the site's rows; memory for one row an example, or space in the folder for
  ///   temporary files; with outer folds once more for each of them.
  public func train(on source: some ActivationSource, site: String) throws -> Probe {
    if let own = try source.throughExpert(of: [site]) { return try train(on: own, site: site) }
    let site = try source.site(named: site)
    let task = try ProbeTask(settings: settings, source: source)
    let rows = try task.examples.rows(
      of: [site], in: source, order: task.order, pooling: task.pooling, memory: memory)
    try task.requireVariation(rows[0], site: site)
    return try task.fit(rows[0], site: site, origin: source.origin, methods: [settings.method]).probes[0]
  }
}
