import Diagnostics
import LinearAlgebra
import Neurons
import Transformer

/// What is put in the place of what is taken out: gathered over a sample before anything is.
///
/// Zero is put at every token. A mean is one over tokens of the texts; each token that the tokenizer adds gets the mean over its
/// like, which leaves a token that always comes first as it is. What is drawn from other documents comes from texts alone, and
/// the tokenizer's tokens stay; so they do where a dictionary's features are taken out, which no dictionary has learnt there.
struct AblationReplacements {
  private let kind: AblationReplacement
  private let places: [AblationItem.Place]
  /// Of each place.
  private var means: [[Float]]
  private var specialMeans: [[Int32: [Float]]]
  private var pools: [Pool]
  private let seed: UInt64

  /// Values of some tokens of the sample.
  private struct Pool {
    /// The document of each.
    var documents: [Int] = []
    var values: [Float] = []
  }

  /// What the values to draw from take at most.
  private static let poolBytes = 128 << 20

  /// - Parameter progress: Called after each batch that is run.
  init(
    _ kind: AblationReplacement, places: [AblationItem.Place], sample: AblationSample, model: Model, seed: UInt64,
    progress: () -> Void
  ) throws {
    self.kind = kind
    self.places = places
    self.seed = seed
    means = places.map { Array(repeating: 0, count: $0.width) }
    specialMeans = places.map { _ in [:] }
    pools = places.map { _ in Pool() }
    switch kind {
    case .zero: break
    case .mean: try gatherMeans(sample, model, progress)
    case .resample: try gatherPools(sample, model, progress)
    }
  }

  /// The one number that a place of one column gets at tokens of texts; nil where it is another at each, or there are several.
  func constant(of place: Int) -> Float? {
    kind != .resample && places[place].width == 1 ? means[place][0] : nil
  }

  private struct Sum {
    var values: [Double]
    var count = 0.0
    mutating func add(_ row: UnsafeBufferPointer<Float>) {
      for (column, value) in row.enumerated() { values[column] += Double(value) }
      count += 1
    }
    var mean: [Float] { values.map { Float($0 / max(count, 1)) } }
  }

  private mutating func gatherMeans(_ sample: AblationSample, _ model: Model, _ progress: () -> Void) throws {
    var sums = places.map { Sum(values: Array(repeating: 0, count: $0.width)) }
    var special = places.map { _ in [Int32: Sum]() }
    for batch in sample.batches {
      let reads = PlaceReading(places: places).hooks { place, token, values, _ in
        if batch.special[token] {
          special[place][batch.tokens.ids[token], default: Sum(values: Array(repeating: 0, count: values.count))].add(
            values)
        } else {
          sums[place].add(values)
        }
      }
      try model.run(batch.tokens, hooks: reads)
      progress()
    }
    means = sums.map(\.mean)
    specialMeans = special.map { $0.mapValues(\.mean) }
  }

  private mutating func gatherPools(_ sample: AblationSample, _ model: Model, _ progress: () -> Void) throws {
    let bytes = 4 * places.reduce(0) { $0 + $1.width }
    let most = min(1 << 16, Self.poolBytes / max(bytes, 1))
    guard most >= 64 else {
      throw Fault(
        .usage, "ablation.tooMany", "There are too many values to draw from other documents at once",
        expected: "items of at most \(Self.poolBytes / 64 / 4) numbers a token", found: "\(bytes / 4)",
        advice: "ablate fewer items at a time")
    }
    // Every text token's number, of which some are drawn.
    var texts: [(batch: Int, token: Int)] = []
    for (number, batch) in sample.batches.enumerated() {
      for token in batch.special.indices where !batch.special[token] { texts.append((number, token)) }
    }
    var generator = SeededGenerator(seed: seed, stream: "ablation donors")
    let chosen = texts.count > most ? generator.choice(most, of: texts.count).map { texts[$0] } : texts
    var wanted = sample.batches.map { _ in Set<Int>() }
    for place in chosen { wanted[place.batch].insert(place.token) }
    var pools = places.map { _ in Pool() }
    for (number, batch) in sample.batches.enumerated() {
      let (documents, wanted) = (batch.documentOfToken, wanted[number])
      let reads = PlaceReading(places: places).hooks { place, token, values, _ in
        guard wanted.contains(token) else { return }
        pools[place].documents.append(documents[token])
        pools[place].values += values
      }
      if !wanted.isEmpty { try model.run(batch.tokens, hooks: reads) }
      progress()
    }
    self.pools = pools
  }

  /// What is put at the tokens of a batch, for one place.
  func values(
    _ place: Int, in batch: AblationSample.Batch
  ) -> (_ token: Int) -> ArraySlice<Float>? {
    let isLatent = if case .latent = places[place].content { true } else { false }
    let (mean, special) = (means[place][...], specialMeans[place])
    switch kind {
    case .zero: return { token in isLatent && batch.special[token] ? nil : mean }
    case .mean:
      return { token in
        guard batch.special[token] else { return mean }
        return isLatent ? nil : special[batch.tokens.ids[token]].map { $0[...] }
      }
    case .resample:
      let (pool, documents, width, seed) = (pools[place], batch.documentOfToken, places[place].width, seed)
      return { token in
        guard !batch.special[token], !pool.documents.isEmpty else { return nil }
        // The same token of the pool for each of an item's places.
        var generator = SeededGenerator(seed: SeededGenerator.mix(seed ^ UInt64(batch.rows[token])), stream: "donor")
        for _ in 0..<64 {
          let donor = generator.integer(below: pool.documents.count)
          if pool.documents[donor] != documents[token] { return pool.values[donor * width..<(donor + 1) * width] }
        }
        return nil
      }
    }
  }
}
