import Activations
import Diagnostics
import LinearAlgebra
import Probes
import Transformer

/// A neuron that means several things, beside the latents of a dictionary that mean one each.
public struct NeuronUnfolding: Codable, Sendable, Equatable {
  /// How well the neuron alone tells a label from all others.
  public struct Meaning: Codable, Sendable, Equatable {
    public var concept: String
    /// The chance that a document of the label has a higher largest activation than another one.
    public var auroc: Double
    /// The share of such documents among those where the neuron is highest, as many as a label has on average.
    public var topShare: Double
  }

  /// The neuron's site and column.
  public var site: String
  public var neuron: Int
  /// The labels, first the one that most of the neuron's top documents have.
  public var meanings: [Meaning]
  /// The cleanest latent of each label, first the cleanest.
  public var features: [LatentFeature]
  /// What each of them separates.
  public var concepts: [ConceptLatent]
  /// The correlation of each with the neuron, over tokens.
  public var correlations: [Float]
}

extension NeuronUnfolding {
  /// Puts a neuron beside the cleanest latents of a dictionary, on a labelled source that holds both sites.
  ///
  /// - Parameters:
  ///   - count: latents at most, one a label.
  ///   - reader: its column of labels, examples and seed hold; what it chooses does not.
  /// - Throws: as `FeatureReader.read`; `activations.unknownSite`; `dictionary.noSuchNeuron`;
  ///   `dictionary.noConcepts` where the source has no labels.
  public init(
    of neuron: Int, site: String, dictionary: SparseAutoencoder, source: any ActivationSource, count: Int = 10,
    reader: FeatureReader = FeatureReader(), model: Model? = nil, piece: (@Sendable (Int32) -> String)? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let stored = try source.site(named: site)
    guard neuron >= 0, neuron < stored.width else {
      throw Fault(
        .usage, "dictionary.noSuchNeuron", "The site has no such neuron", place: site,
        expected: "0 to \(stored.width - 1)", found: "\(neuron)")
    }
    var reader = reader
    reader.choice = .best(count)
    let found = try reader.read(dictionary, on: source, model: model, piece: piece, progress: progress)
    let best = Array(FeatureReader.cleanest(found.concepts).prefix(count))
    guard !best.isEmpty else {
      throw Fault(
        .badData, "dictionary.noConcepts", "The source has no labels to name latents by",
        place: "label column \(reader.column)", expected: "documents of several labels",
        advice: "capture a labelled corpus, such as demo-corpus")
    }
    let examples = try Examples(
      Concept(column: reader.column), of: source, specialTokens: false, most: 20_000, seed: reader.seed)
    let order = Array(0..<examples.count)
    let values = try examples.activations(of: [stored], in: source, order: order, pooling: .max)[0].column(neuron)
    let classes = examples.classes.count
    let ranked = order.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    let top = ranked.prefix(max(1, examples.count / classes))
    meanings = examples.classes.enumerated().map { c, name in
      Meaning(
        concept: name,
        auroc: AUROC.area(scores: values, positive: examples.labels.map { $0 == Int32(c) }) ?? 0.5,
        topShare: Double(top.count { examples.labels[$0] == Int32(c) }) / Double(top.count))
    }.sorted { $0.topShare != $1.topShare ? $0.topShare > $1.topShare : $0.concept < $1.concept }
    self.site = site
    self.neuron = neuron
    concepts = best
    features = best.compactMap { concept in found.features.first { $0.latent == concept.latent } }
    correlations = try Self.correlations(
      of: best.map(\.latent), with: neuron, at: stored, dictionary: dictionary, source: source, site: reader.site)
  }

  /// The Pearson correlation of some latents with a neuron over all tokens; one pass.
  private static func correlations(
    of latents: [Int], with neuron: Int, at stored: StoredSite, dictionary: SparseAutoencoder,
    source: any ActivationSource, site: String?
  ) throws -> [Float] {
    let input = try DictionaryInput(dictionary, source: source, site: site)
    var n = 0.0
    var sums = [Double](repeating: 0, count: latents.count + 1)
    var squares = sums
    var products = sums
    try input.stream(others: [stored.name]) { block in
      let active = dictionary.encode(block.input)
      for row in 0..<block.rows.count {
        let b = Double(block.others[0][row, neuron])
        n += 1
        for (place, latent) in latents.enumerated() {
          let a = Double(active[row, latent])
          sums[place] += a
          squares[place] += a * a
          products[place] += a * b
        }
        sums[latents.count] += b
        squares[latents.count] += b * b
      }
    }
    let (total, spread) = (sums[latents.count], squares[latents.count] - sums[latents.count] * sums[latents.count] / n)
    return latents.indices.map { place in
      let variance = squares[place] - sums[place] * sums[place] / n
      guard variance > 0, spread > 0 else { return 0 }
      return Float((products[place] - sums[place] * total / n) / (variance * spread).squareRoot())
    }
  }
}
