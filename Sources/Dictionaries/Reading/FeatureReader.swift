import Activations
import Diagnostics
import LinearAlgebra
import Probes
import Transformer

/// Reads a dictionary: what each latent fires for, what it writes, and which neurons and concepts it has to do with.
public struct FeatureReader: Sendable {
  /// Which latents are described.
  public enum Choice: Sendable, Equatable {
    /// These.
    case latents([Int])
    /// Those that separate this label best.
    case concept(String)
    /// The best latent of each label, cleanest first; where the source has no labels, the strongest of the latents that
    /// are active in at most a tenth of the rows.
    case best(Int)
    /// Every latent that is active, by its number, with the label that it agrees best with.
    case all
  }

  public var choice: Choice
  /// Examples of each latent, texts that are equal once; chosen from four times as many documents.
  public var examples: Int
  /// Tokens, neurons and latents listed for each.
  public var related: Int
  /// The column of document labels.
  public var column: String
  /// Latents listed for each label.
  public var perConcept: Int
  /// Whether latents are correlated with the neurons of the layer, where the source holds them.
  public var correlatesNeurons: Bool
  public var site: String?
  public var seed: UInt64

  public init(
    choice: Choice = .best(10), examples: Int = 8, related: Int = 8, column: String = DocumentTable.defaultLabels,
    perConcept: Int = 3, correlatesNeurons: Bool = true, site: String? = nil, seed: UInt64 = 0
  ) {
    self.choice = choice
    self.examples = examples
    self.related = related
    self.column = column
    self.perConcept = perConcept
    self.correlatesNeurons = correlatesNeurons
    self.site = site
    self.seed = seed
  }

  /// Reads the dictionary on a source, in one pass.
  ///
  /// - Parameters:
  ///   - model: gives the tokens that directions promote; nil leaves them out.
  ///   - piece: a token's text by its id.
  /// - Throws: `dictionary.site`, `dictionary.width`, `dictionary.otherModel`, `dictionary.notFiniteActivations`,
  ///   `dictionary.noSuchLatent`.
  public func read(
    _ dictionary: SparseAutoencoder, on source: any ActivationSource, model: Model? = nil,
    piece: (@Sendable (Int32) -> String)? = nil, progress: (Int) -> Void = { _ in }
  ) throws -> DictionaryFeatures {
    if case .latents(let chosen) = choice { try dictionary.requireLatents(chosen) }
    let input = try DictionaryInput(dictionary, source: source, site: site)
    let neuronSite = correlatesNeurons ? Self.neuronSite(of: input, latents: dictionary.latents) : nil
    var gathering = FeatureGathering(
      latents: dictionary.latents, kept: 4 * examples, neurons: neuronSite?.width ?? 0)
    var pooled = try labels(of: source).map { PooledLatents(examples: $0, latents: dictionary.latents) }
    try input.stream(others: neuronSite.map { [$0.name] } ?? []) { block in
      let active = dictionary.encode(block.input)
      gathering.add(active, block: block)
      pooled?.add(active, rows: block.rows)
      progress(gathering.rows)
    }
    gathering.closeDocument()
    pooled?.finish()
    var concepts: [ConceptLatent] = []
    if let pooled {
      // Too few documents to divide leave the labels unread; they are an extra here.
      do {
        concepts = try pooled.concepts(count: perConcept, seed: seed)
      } catch let fault as Fault where fault.name == "probe.tooFewExamples" {}
    }
    let chosen = try self.chosen(gathering, concepts: concepts)
    var named: [Int: [ConceptLatent]] = [:]
    if choice == .all, let pooled, !concepts.isEmpty {
      for latent in try pooled.named(chosen, seed: seed) { named[latent.latent] = [latent] }
    }
    let weights = try LatentWeights(dictionary, model: model, latents: chosen, count: related, piece: piece)
    let shares = dictionary.siteShares
    var reader = try ContextReader(source: source, piece: piece)
    let n = Double(max(gathering.rows, 1))
    var features: [LatentFeature] = []
    for (place, latent) in chosen.enumerated() {
      // A text that the corpus has several times is shown once: hence more places than are shown.
      let places = try reader.distinct(gathering.top(latent), count: examples, row: \.row)
      let correlated = topK(related, of: gathering.correlations(latent))
      features.append(
        LatentFeature(
          latent: latent, density: Double(gathering.firing[latent]) / n, largest: gathering.largest(latent),
          mean: gathering.mean(latent),
          examples: try places.map { try reader.latentExample(row: $0.row, value: $0.value) },
          promoted: weights.promoted[place],
          suppressed: weights.suppressed[place], aligned: weights.aligned[place],
          correlated: correlated.map { LatentFeature.Related(index: $0.index, value: $0.value) },
          nearest: weights.nearest[place], concepts: named[latent] ?? concepts.filter { $0.latent == latent },
          sites: shares?[latent]))
    }
    return DictionaryFeatures(
      site: input.input.name, neuronSite: neuronSite?.name, rows: gathering.rows, latents: dictionary.latents,
      deadLatents: gathering.firing.count { $0 == 0 }, l0: Double(gathering.firing.reduce(0, +)) / n,
      features: features, concepts: concepts)
  }

  /// The labelled examples of the source, or nil where it has none that tell anything apart.
  func labels(of source: any ActivationSource) throws -> Examples? {
    guard source.rowKind == .token, try source.documents.labels[column] != nil else { return nil }
    do {
      return try Examples(
        Concept(column: column), of: source, specialTokens: false, most: 20_000, seed: seed)
    } catch let fault as Fault where fault.name == "probe.singleClass" || fault.name == "probe.tooManyClasses" {
      return nil
    }
  }

  private func chosen(_ gathering: FeatureGathering, concepts: [ConceptLatent]) throws -> [Int] {
    switch choice {
    case .latents(let latents): return latents
    case .all: return gathering.firing.indices.filter { gathering.firing[$0] > 0 }
    case .concept(let label):
      let found = concepts.filter { $0.concept == label }
      guard found.isEmpty else { return found.map(\.latent) }
      let known = Set(concepts.map(\.concept)).sorted()
      let near = nearestNames(to: label, among: known)
      throw Fault(
        .usage, "dictionary.noSuchConcept", "The source has no such label", place: "label column \(column)",
        expected: known.isEmpty ? "a labelled source" : (near.isEmpty ? known : near).joined(separator: ", "),
        found: label)
    case .best(let count):
      guard concepts.isEmpty else {
        return Array(Self.cleanest(concepts).map(\.latent).uniqued().prefix(count))
      }
      let n = Double(max(gathering.rows, 1))
      let candidates = gathering.firing.indices.filter {
        gathering.firing[$0] > 0 && Double(gathering.firing[$0]) <= 0.1 * n
      }
      return Array(
        candidates.sorted {
          let (a, b) = (gathering.largest($0), gathering.largest($1))
          return a != b ? a > b : $0 < $1
        }.prefix(count))
    }
  }

  /// The best latent of each label, those first that are on for most of the label's documents and for few others (the
  /// harmonic mean of held-out precision and recall).
  package static func cleanest(_ concepts: [ConceptLatent]) -> [ConceptLatent] {
    func f1(_ latent: ConceptLatent) -> Double {
      let sum = latent.precision + latent.recall
      return sum > 0 ? 2 * latent.precision * latent.recall / sum : 0
    }
    var best: [String: ConceptLatent] = [:]
    for latent in concepts {
      let key = "\(latent.dataset ?? "")\u{0}\(latent.concept)"
      if best[key].map({ f1($0) < f1(latent) }) ?? true { best[key] = latent }
    }
    return best.values.sorted {
      f1($0) != f1($1) ? f1($0) > f1($1) : ($0.concept, $0.latent) < ($1.concept, $1.latent)
    }
  }

  /// The neurons of the layer that the dictionary reads, where the source holds them and their number allows it.
  package static func neuronSite(of input: DictionaryInput, latents: Int) -> StoredSite? {
    guard let layer = input.input.layer,
      let site = input.source.sites.first(where: { $0.layer == layer && $0.name.hasSuffix("mlp.hook_post") }),
      site.width.multipliedReportingOverflow(by: latents).partialValue <= FeatureGathering.mostPairs
    else { return nil }
    return site
  }
}

extension DictionaryFeatures {
  /// The latents with the clearest labels; where there are no labels, the strongest of those that are active in at most a
  /// tenth of the rows.
  public func clearest(_ count: Int) -> [Int] {
    let named = FeatureReader.cleanest(features.flatMap(\.concepts)).map(\.latent).uniqued()
    guard named.isEmpty else { return Array(named.prefix(count)) }
    return features.filter { $0.density <= 0.1 }.sorted { ($1.largest, $0.latent) < ($0.largest, $1.latent) }
      .prefix(count).map(\.latent)
  }
}

extension SparseAutoencoder {
  /// - Throws: `Fault` named `dictionary.noSuchLatent`.
  package func requireLatents(_ chosen: [Int]) throws {
    guard let bad = chosen.first(where: { $0 < 0 || $0 >= latents }) else { return }
    throw Fault(
      .usage, "dictionary.noSuchLatent", "The dictionary has no such latent", expected: "0 to \(latents - 1)",
      found: "\(bad)")
  }
}

extension Sequence where Element: Hashable {
  fileprivate func uniqued() -> [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}
