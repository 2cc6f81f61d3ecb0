import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// Measures how many things each neuron of a source means.
///
/// Documents are judged by their highest token's activation (behind a gated MLP, by its magnitude), their kinds by their
/// labels or, without, by regions of the residual stream. The residual stream of one site is read once for the
/// contexts' embeddings, then every neuron's activations once, in blocks; what is kept for a neuron is one value a
/// document and a few sums. Beside the neurons, random directions of the residual stream and rotated axes of the neurons are
/// measured in the same pass: what they reach is what a measure is worth. Formulas and sources stand in `docs/neurons.md`.
public struct NeuronRanking: Sendable {
  /// The column of document labels that names the concepts.
  public var column: String
  /// Whether labels are used where there are some.
  public var usesLabels: Bool
  /// Whether their absence is a fault.
  public var needsLabels: Bool
  /// A site of the residual stream that contexts are embedded by; the middle `hook_resid_post` unless given.
  public var embedding: String?
  /// A context's embedding is the mean of the residual stream over this many tokens, the last one the context's own.
  public var window: Int
  /// Top examples looked at, at most one a document.
  public var top: Int
  /// A seeded choice of so many documents where there are more.
  public var maximumDocuments: Int
  /// The bytes held at a time for activations and embeddings; sites that don't fit are read in further passes.
  public var memory: Int
  public var seed: UInt64
  /// Lists of labels that are one meaning, whatever the model makes of them.
  public var related: [[String]]
  /// Random directions of each kind that every site's neurons are held against, in each of `nullDraws` draws; 0 for none.
  public var nullDirections: Int
  /// At most 64.
  public var nullDraws: Int

  public init(
    column: String = DocumentTable.defaultLabels, usesLabels: Bool = true, needsLabels: Bool = false,
    embedding: String? = nil, window: Int = 8, top: Int = 40, maximumDocuments: Int = 2000, memory: Int = 1 << 30,
    seed: UInt64 = 0, related: [[String]] = [], nullDirections: Int = 64, nullDraws: Int = 4
  ) {
    precondition(
      (0...4096).contains(nullDirections) && (1...64).contains(nullDraws),
      "\(nullDirections) random directions in \(nullDraws) draws")
    precondition(window > 0 && top > 1, "a window of \(window), \(top) top examples")
    self.column = column
    self.usesLabels = usesLabels
    self.needsLabels = needsLabels
    self.embedding = embedding
    self.window = window
    self.top = top
    self.maximumDocuments = maximumDocuments
    self.memory = memory
    self.seed = seed
    self.related = related
    self.nullDirections = nullDirections
    self.nullDraws = nullDraws
  }

  /// Measures every neuron of some sites.
  ///
  /// - Parameters:
  ///   - sites: the neurons' sites; every `mlp.hook_post` unless given.
  ///   - model: whose weights are measured too.
  ///   - loads: for some sites, how many dictionary features load on each neuron (`FeatureLoads`).
  ///   - piece: a token's text by its id, where the source has no texts.
  ///   - progress: told how many rows of `rowCount` have been read.
  /// - Throws: `neurons.noNeurons`, `neurons.noTokens`, `neurons.noLabels`, `neurons.tooFewLabels`,
  ///   `neurons.nothingToCompare`, `neurons.noTopExamples`, `neurons.notFinite`, `neurons.noSuchLabel`.
  /// - Complexity: O(tokens · neurons · width of the residual stream) for the monosemanticity score, and
  ///   O(neurons · documents · (log documents + concepts)); of `2 · nullDraws · nullDirections` further columns a site.
  public func measure(
    _ source: some ActivationSource, sites: [String]? = nil, model: Model? = nil, loads: [String: [Int]] = [:],
    piece: (@Sendable (Int32) -> String)? = nil, progress: (@Sendable (Int, Int) -> Void)? = nil
  ) throws -> MeasuredNeurons {
    if let gathered = try gatheredSites(source, sites), !gathered.isEmpty {
      // Statistics alone: what the top examples say.
      var settings = self
      settings.maximumDocuments = .max
      let contexts = try RankingContexts(source, settings: settings, piece: piece)
      let responses = try gathered.map { site, statistics in
        guard let top = statistics.top else {
          throw Fault(
            .badData, "neurons.noTopExamples", "The store holds neither activations nor top examples",
            place: site.name, expected: "statistics with each neuron's top examples", found: "statistics without",
            advice: "capture with --top 32, or without --statistics-only")
        }
        return NeuronResponses(statistics, top: top, site: site)
      }
      return try MeasuredNeurons(
        source: source, settings: self, contexts: contexts, responses: responses, model: model, loads: loads,
        piece: piece)
    }
    let sites = try source.requireNeuronSites(sites)
    let contexts = try RankingContexts(source, settings: self, piece: piece)
    guard contexts.classes != nil || contexts.embeddings != nil else {
      throw Fault(
        .badData, "neurons.nothingToCompare", "There is nothing to tell one meaning from another by",
        expected: "labelled documents, or the residual stream beside the neurons",
        found: contexts.labelsLeftAside.map { "no site hook_resid_post, and \($0)" }
          ?? "neither labels nor a site hook_resid_post",
        advice: "capture with --sites resid_post,mlp_post, or add labels with `unfold store label`")
    }
    // The values and their places: eight bytes for each neuron and document.
    var responses: [NeuronResponses] = []
    var nulls: [(NullKind, NeuronResponses)] = []
    for share in sites.shares(rows: 2 * contexts.documents.count, memory: memory) {
      let directions = share.map { site in
        NullDirections.beside(
          site, of: source, embedding: contexts.embeddingSite, draws: nullDraws, each: nullDirections, seed: seed)
      }
      let found = try NeuronResponses.gather(share, of: source, contexts: contexts, null: directions) {
        progress?($0, source.rowCount)
      }
      responses += found.neurons
      for (own, measured) in zip(directions, found.null) { nulls += zip(own.map(\.kind), measured) }
    }
    return try MeasuredNeurons(
      source: source, settings: self, contexts: contexts, responses: responses, nulls: nulls, model: model,
      loads: loads, piece: piece)
  }

  /// The neurons' sites of a source that kept statistics in place of activations; nil where activations are there.
  private func gatheredSites(
    _ source: some ActivationSource, _ names: [String]?
  ) throws -> [(StoredSite, SiteStatistics)]? {
    guard source.neuronSites.isEmpty else { return nil }
    func site(_ name: String, _ layer: Int?) throws -> (StoredSite, SiteStatistics)? {
      guard let statistics = try source.statistics(of: name) else { return nil }
      let site = StoredSite(
        name: name, layer: layer, axes: ["d_mlp"], shape: [statistics.width], gated: statistics.bottom != nil)
      return (site, statistics)
    }
    if let names { return try names.compactMap { try site($0, Self.layer(of: $0)) } }
    var found: [(StoredSite, SiteStatistics)] = []
    if let store = source as? ActivationStore, !store.run.statisticsSites.isEmpty {
      for site in store.run.statisticsSites.neuronSites {
        if let statistics = try store.statistics(of: site.name), statistics.count > 0 {
          found.append((site, statistics))
        }
      }
      return found
    }
    // Layers that a capture left out may lie between.
    for layer in 0..<512 {
      if let site = try site("blocks.\(layer).mlp.hook_post", layer) { found.append(site) }
    }
    return found
  }

  private static func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".")
    return parts.count > 2 && parts[0] == "blocks" ? Int(parts[1]) : nil
  }
}
