import Activations
import Diagnostics
import LinearAlgebra
import Probes
import Transformer

/// What one latent does over a whole source, beyond its strongest places.
public struct LatentDetail: Encodable, Sendable {
  /// Places where the latent's value lies between two bounds.
  public struct Interval: Encodable, Sendable {
    public var low: Float
    public var high: Float
    /// Rows of the source in it.
    public var rows: Int
    /// Some of them, drawn at random, strongest first; their tokens carry the latent's value.
    public var examples: [NeuronExample]
  }

  public var latent: Int
  /// Where it is largest, at most once a document, equal contexts once; tokens carry the latent's value.
  public var top: [NeuronExample]
  /// The range of its values in equal parts, from the strongest down.
  public var intervals: [Interval]
  /// Its values where it is active.
  public var values: ValueHistogram
  /// What a unit of it adds to each logit, the mean taken off; nil where no model was given.
  public var effects: ValueHistogram?
  /// The form of the token that it is active on most among its top examples, and the share of that form.
  public var token: String?
  public var tokenShare: Double
  /// How well it tells each label of each source, judged on documents that its threshold was not chosen by.
  public var concepts: [ConceptLatent]
}

/// Reads latents in detail: one pass over the source for all of them.
public struct LatentDetailReader: Sendable {
  /// Top examples of each latent.
  public var examples: Int
  /// Parts of a latent's range, and examples of each.
  public var intervals: Int
  public var perInterval: Int
  /// Tokens shown before and after a place.
  public var before: Int
  public var after: Int
  /// The column of labels.
  public var column: String
  public var seed: UInt64

  /// The most values that are kept, over all latents: 12 bytes each.
  static let mostValues = 1 << 23

  public init(
    examples: Int = 20, intervals: Int = 5, perInterval: Int = 3, before: Int = 24, after: Int = 8,
    column: String = DocumentTable.defaultLabels, seed: UInt64 = 0
  ) {
    precondition(examples > 0 && intervals > 0 && perInterval >= 0, "\(examples) examples, \(intervals) intervals")
    (self.examples, self.intervals, self.perInterval) = (examples, intervals, perInterval)
    (self.before, self.after, self.column, self.seed) = (before, after, column, seed)
  }

  /// Reads some latents on a source.
  ///
  /// - Parameters:
  ///   - sets: Labelled sources that each latent is judged on beside `source`, by name.
  /// - Throws: `dictionary.noSuchLatent`, `dictionary.tooManyValues`, and those of `FeatureReader.read`.
  public func read(
    _ latents: [Int], of dictionary: SparseAutoencoder, on source: any ActivationSource, model: Model? = nil,
    piece: (@Sendable (Int32) -> String)? = nil, sets: [(name: String, source: any ActivationSource)] = [],
    progress: (Int) -> Void = { _ in }
  ) throws -> [LatentDetail] {
    try dictionary.requireLatents(latents)
    let input = try DictionaryInput(dictionary, source: source)
    var recorded = [[Recorded]](repeating: [], count: latents.count)
    var places = [Int](repeating: -1, count: dictionary.latents)
    for (place, latent) in latents.enumerated() { places[latent] = place }
    var kept = 0
    var pooled = try labelled(source).map { PooledLatents(examples: $0, latents: dictionary.latents) }
    var rows = 0
    try input.stream { block in
      let active = dictionary.encode(block.input)
      for (offset, row) in block.rows.enumerated() {
        for entry in active.range(ofRow: offset) where places[Int(active.indices[entry])] >= 0 {
          recorded[places[Int(active.indices[entry])]].append(Recorded(row: row, value: active.values[entry]))
          kept += 1
        }
      }
      guard kept <= Self.mostValues else { throw tooManyValues(latents.count) }
      pooled?.add(active, rows: block.rows)
      rows += block.rows.count
      progress(rows)
    }
    pooled?.finish()
    let effects = try LatentWeights.effectHistograms(dictionary, model: model, latents: latents, bins: 50)
    var concepts = [[ConceptLatent]](repeating: [], count: latents.count)
    if let pooled {
      // Too few documents of a label to divide leave the labels unread; they are an extra here.
      do {
        concepts = try latents.map { try pooled.profile(of: $0, seed: seed) }
      } catch let fault as Fault where fault.name == "probe.tooFewExamples" {}
    }
    for (name, set) in sets {
      let found = try dictionary.profiles(
        of: latents, on: set, concept: Concept(column: column), dataset: name, seed: seed)
      for place in latents.indices { concepts[place] += found[place] }
    }
    var reader = try ContextReader(source: source, before: before, after: after, piece: piece)
    return try latents.enumerated().map { place, latent in
      try detail(latent, recorded[place], effects?[place], concepts[place], &reader)
    }
  }

  private struct Recorded {
    var row: Int
    var value: Float
  }

  private func detail(
    _ latent: Int, _ recorded: [Recorded], _ effects: ValueHistogram?, _ concepts: [ConceptLatent],
    _ reader: inout ContextReader
  ) throws -> LatentDetail {
    let isToken = reader.source.rowKind == .token
    let values = Dictionary(recorded.map { ($0.row, $0.value) }, uniquingKeysWith: { first, _ in first })
    func example(_ place: Recorded, _ reader: inout ContextReader) throws -> NeuronExample {
      isToken
        ? try reader.example(row: place.row, value: place.value, values: values)
        : try reader.example(document: place.row, value: place.value)
    }
    var best: [Int: Recorded] = [:]
    for place in recorded {
      let document = isToken ? reader.document(ofRow: place.row) : place.row
      if best[document].map({ $0.value < place.value }) ?? true { best[document] = place }
    }
    let ordered = best.values.sorted { $0.value != $1.value ? $0.value > $1.value : $0.row < $1.row }
    let top = try reader.distinct(Array(ordered.prefix(4 * examples)), count: examples, row: \.row)
      .map { try example($0, &reader) }
    let largest = recorded.map(\.value).max() ?? 0
    var generator = SeededGenerator(seed: seed, stream: "latent \(latent)")
    let parts = try (0..<intervals).reversed().map { part -> LatentDetail.Interval in
      let low = largest * Float(part) / Float(intervals)
      let high = largest * Float(part + 1) / Float(intervals)
      let inside = recorded.filter { $0.value > low && ($0.value <= high || part == intervals - 1) }
      let drawn = inside.count <= 8 * perInterval ? inside : inside.sample(8 * perInterval, by: &generator)
      let shown = try reader.distinct(drawn.sorted { $0.value > $1.value }, count: perInterval, row: \.row)
      return LatentDetail.Interval(
        low: low, high: high, rows: inside.count, examples: try shown.map { try example($0, &reader) })
    }
    let forms = top.compactMap { $0.token.map { tokenForm($0.text) } }
    let counted = Dictionary(forms.map { ($0, 1) }, uniquingKeysWith: +)
    let common = counted.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return LatentDetail(
      latent: latent, top: top, intervals: parts,
      values: .init(of: recorded.map(\.value), bins: 40, from: 0),
      effects: effects, token: common?.key,
      tokenShare: Double(common?.value ?? 0) / Double(max(forms.count, 1)), concepts: concepts)
  }

  private func labelled(_ source: any ActivationSource) throws -> Examples? {
    try FeatureReader(column: column, seed: seed).labels(of: source)
  }

  private func tooManyValues(_ latents: Int) -> Fault {
    Fault(
      .usage, "dictionary.tooManyValues", "These latents are active at more places than are kept",
      expected: "at most \(Self.mostValues) values", found: "more, of \(latents) latents",
      advice: "ask for fewer latents, or read them on a smaller corpus")
  }
}

extension Array {
  /// So many elements chosen at random, in their order.
  fileprivate func sample(_ count: Int, by generator: inout SeededGenerator) -> [Element] {
    indices.shuffled(using: &generator).prefix(count).sorted().map { self[$0] }
  }
}
