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

  /// A latent's part in what the neuron shows for one label.
  public struct Part: Codable, Sendable, Equatable {
    /// A label of the neuron's top documents.
    public var meaning: String
    /// Σ f·d / Σ a over those of them that have the label, at the token where the neuron is highest: the latent's value f
    /// times the neuron's weight d in its direction, and the neuron's activation a.
    public var share: Double
    /// The latent, named by the label that it agrees best with, whichever that is.
    public var latent: ConceptLatent
  }

  /// The neuron's site and column.
  public var site: String
  public var neuron: Int
  /// The labels, first the one that most of the neuron's top documents have.
  public var meanings: [Meaning]
  /// What carries the neuron at its top documents of each label that a tenth of them have; empty unless the dictionary
  /// rebuilds the neuron's own site.
  public var parts: [Part]
  /// The latents of `concepts` and `parts`.
  public var features: [LatentFeature]
  /// The cleanest latent of each label, first the cleanest.
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
    var pass = NeuronPass(latents: best.map(\.latent), neuron: neuron, examples: examples, of: dictionary)
    let input = try DictionaryInput(dictionary, source: source, site: reader.site)
    try input.stream(others: [site]) { block in pass.add(dictionary.encode(block.input), block) }
    correlations = pass.correlations
    parts = []
    if dictionary.configuration.hookOut == site {
      for meaning in meanings.filter({ $0.topShare >= 0.1 }).prefix(4) {
        let some = top.filter { examples.classes[Int(examples.labels[$0])] == meaning.concept }
        let shares = pass.shares(over: some, weights: { dictionary.decoder[$0, neuron] })
        let strongest = Array(shares.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(2))
        let named = try pass.named(strongest.map(\.key), seed: reader.seed)
        parts += zip(strongest, named).map { Part(meaning: meaning.concept, share: $0.value, latent: $1) }
      }
    }
    features = found.features
    let missing = Set(parts.map(\.latent.latent)).subtracting(features.map(\.latent)).sorted()
    if !missing.isEmpty {
      reader.choice = .latents(missing)
      features += try reader.read(dictionary, on: source, model: model, piece: piece, progress: progress).features
    }
    let wanted = Set(parts.map(\.latent.latent) + best.map(\.latent))
    features.removeAll { !wanted.contains($0.latent) }
  }
}

/// One pass over a source, for what latents have to do with a neuron.
private struct NeuronPass {
  /// What was active where the neuron was highest in an example.
  struct Peak {
    var value = -Float.infinity
    var latents: [Int32] = []
    var values: [Float] = []
  }

  let latents: [Int]
  let neuron: Int
  let examples: Examples
  private var peaks: [Peak]
  private var pooled: PooledLatents
  private var n = 0.0
  private var sums: [Double]
  private var squares: [Double]
  private var products: [Double]

  init(latents: [Int], neuron: Int, examples: Examples, of dictionary: SparseAutoencoder) {
    self.latents = latents
    self.neuron = neuron
    self.examples = examples
    peaks = [Peak](repeating: Peak(), count: examples.count)
    pooled = PooledLatents(examples: examples, latents: dictionary.latents)
    sums = [Double](repeating: 0, count: latents.count + 1)
    squares = sums
    products = sums
  }

  mutating func add(_ active: SparseLatents, _ block: DictionaryInput.Block) {
    pooled.add(active, rows: block.rows)
    for (row, number) in block.rows.enumerated() {
      let activation = block.others[0][row, neuron]
      let b = Double(activation)
      n += 1
      for (place, latent) in latents.enumerated() {
        let a = Double(active[row, latent])
        sums[place] += a
        squares[place] += a * a
        products[place] += a * b
      }
      sums[latents.count] += b
      squares[latents.count] += b * b
      let example = Int(examples.exampleOfRow[number])
      guard example >= 0, activation > peaks[example].value else { continue }
      let range = active.range(ofRow: row)
      peaks[example] = Peak(
        value: activation, latents: Array(active.indices[range]), values: Array(active.values[range]))
    }
  }

  /// The Pearson correlation of each latent with the neuron, over tokens.
  var correlations: [Float] {
    let (total, spread) = (sums[latents.count], squares[latents.count] - sums[latents.count] * sums[latents.count] / n)
    return latents.indices.map { place in
      let variance = squares[place] - sums[place] * sums[place] / n
      guard variance > 0, spread > 0 else { return 0 }
      return Float((products[place] - sums[place] * total / n) / (variance * spread).squareRoot())
    }
  }

  /// Each latent's part of the neuron's activation at the peaks of some examples.
  func shares(over some: [Int], weights: (Int) -> Float) -> [Int: Double] {
    var shares: [Int: Double] = [:]
    var total = 0.0
    for peak in some.map({ peaks[$0] }) where peak.value.isFinite {
      total += Double(peak.value)
      for (latent, value) in zip(peak.latents, peak.values) {
        shares[Int(latent), default: 0] += Double(value * weights(Int(latent)))
      }
    }
    return total > 0 ? shares.mapValues { $0 / total } : [:]
  }

  /// Each latent with the label that it agrees best with.
  func named(_ latents: [Int], seed: UInt64) throws -> [ConceptLatent] {
    var pooled = pooled
    pooled.finish()
    return try pooled.named(latents, seed: seed)
  }
}
