import Activations
import Diagnostics
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

/// Reads latents in detail: three passes over the source for all of them, in memory that does not grow with it.
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
  ///   - progress: Told the step, and how many rows it has seen.
  /// - Throws: `dictionary.noSuchLatent`, `dictionary.tooManyExamples`, and those of `FeatureReader.read`.
  public func read(
    _ latents: [Int], of dictionary: SparseAutoencoder, on source: any ActivationSource, model: Model? = nil,
    piece: (@Sendable (Int32) -> String)? = nil, sets: [(name: String, source: any ActivationSource)] = [],
    progress: (String, Int) -> Void = { _, _ in }
  ) throws -> [LatentDetail] {
    try dictionary.requireLatents(latents)
    try requireRoom(latents.count)
    if latents.isEmpty { return [] }
    let input = try DictionaryInput(dictionary, source: source)
    var pooled = try FeatureReader(column: column, seed: seed).labels(of: source).map {
      PooledLatents(examples: $0, latents: dictionary.latents)
    }
    // Texts that are equal are shown once: hence more places than are shown.
    let passes = try LatentPasses(
      latents, of: input, kept: 4 * examples, bars: 40, intervals: intervals, perInterval: 8 * perInterval, seed: seed,
      progress: progress
    ) { active, block in pooled?.add(active, rows: block.rows) }
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
    let reader = try ContextReader(source: source, before: before, after: after, piece: piece)
    let places = try latents.map { try self.places(of: $0, passes, reader) }
    var shown = try ShownRows(latents, places, passes, reader, progress: progress)
    return try latents.enumerated().map { place, latent in
      try detail(latent, places[place], passes, effects?[place], concepts[place], &shown)
    }
  }

  /// The rows that are shown of a latent.
  fileprivate struct Places {
    /// The strongest, first the strongest.
    var top: [Int]
    /// Those drawn from each part of its range, first the strongest part's.
    var drawn: [[Int]]
  }

  private func places(of latent: Int, _ passes: LatentPasses, _ reader: ContextReader) throws -> Places {
    Places(
      top: try reader.distinct(passes.gathering.top(latent), count: examples, row: \.row).map(\.row),
      drawn: try (0..<intervals).reversed().map {
        try reader.distinct(passes.intervals.drawn(latent, interval: $0).rows, count: perInterval) { $0 }
      })
  }

  private func detail(
    _ latent: Int, _ places: Places, _ passes: LatentPasses, _ effects: ValueHistogram?, _ concepts: [ConceptLatent],
    _ shown: inout ShownRows
  ) throws -> LatentDetail {
    let top = try places.top.map { try shown.next($0) }
    let parts = try (0..<intervals).reversed().enumerated().map { place, part -> LatentDetail.Interval in
      let interval = passes.intervals.drawn(latent, interval: part)
      let examples = try places.drawn[place].map { try shown.next($0) }
      return LatentDetail.Interval(
        low: interval.minimum, high: interval.maximum, rows: interval.count,
        examples: examples.sorted { $0.value > $1.value })
    }
    let forms = top.compactMap { $0.token.map { tokenForm($0.text) } }
    let counted = Dictionary(forms.map { ($0, 1) }, uniquingKeysWith: +)
    let common = counted.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return LatentDetail(
      latent: latent, top: top, intervals: parts,
      values: passes.intervals.histogram(of: latent) ?? ValueHistogram(of: [], bins: 40, from: 0), effects: effects,
      token: common?.key, tokenShare: Double(common?.value ?? 0) / Double(max(forms.count, 1)), concepts: concepts)
  }

  private func requireRoom(_ latents: Int) throws {
    let most = ColumnWindows.most / ((examples + intervals * perInterval) * (before + after + 1))
    guard latents > most else { return }
    throw Fault(
      .usage, "dictionary.tooManyExamples", "The examples of so many latents are not held at once",
      expected: "at most \(most) latents", found: "\(latents)", advice: "read fewer latents at a time")
  }
}

/// The rows that are shown of latents, with each latent's values around them: all in one pass, and then given in the same
/// order.
private struct ShownRows {
  private var reader: ContextReader
  private let isToken: Bool
  private let windows: [ColumnWindows.Window]
  private let values: ColumnWindows
  private var number = 0

  init(
    _ latents: [Int], _ places: [LatentDetailReader.Places], _ passes: LatentPasses, _ reader: ContextReader,
    progress: (String, Int) -> Void
  ) throws {
    let isToken = reader.source.rowKind == .token
    windows = zip(latents, places).flatMap { latent, places in
      (places.top + places.drawn.joined()).map { row in
        ColumnWindows.Window(
          column: latent,
          rows: isToken ? reader.window(around: row, document: reader.document(ofRow: row)) : row..<row + 1)
      }
    }
    values = try passes.values(windows, progress: progress)
    self.reader = reader
    self.isToken = isToken
  }

  /// The example at the next of the rows.
  mutating func next(_ row: Int) throws -> NeuronExample {
    let around = zip(windows[number].rows, values[number])
    let active = Dictionary(around.filter { $0.1 != 0 }, uniquingKeysWith: { first, _ in first })
    number += 1
    let value = active[row] ?? 0
    return isToken
      ? try reader.example(row: row, value: value, values: active)
      : try reader.example(document: row, value: value)
  }
}
