import Activations
import LinearAlgebra
import Probes

/// The largest value of each latent in each labelled example, without the zeros.
struct PooledLatents {
  let examples: Examples
  /// Of each latent, the examples where it is active and its largest value there.
  private(set) var entries: [[Entry]]
  private var best: [Float]
  private var touched: [Int32] = []
  private var current: Int32 = -1

  struct Entry {
    var example: Int32
    var value: Float
  }

  init(examples: Examples, latents: Int) {
    self.examples = examples
    entries = [[Entry]](repeating: [], count: latents)
    best = [Float](repeating: 0, count: latents)
  }

  /// Takes the active latents of rows that follow those before.
  mutating func add(_ latents: SparseLatents, rows: [Int]) {
    for (offset, row) in rows.enumerated() {
      let example = examples.exampleOfRow[row]
      if example != current { finish() }
      current = example
      guard example >= 0 else { continue }
      for place in latents.range(ofRow: offset) {
        let latent = Int(latents.indices[place])
        if best[latent] == 0 { touched.append(latents.indices[place]) }
        best[latent] = max(best[latent], latents.values[place])
      }
    }
  }

  /// Closes the example that was open; call it after the last rows.
  mutating func finish() {
    for latent in touched {
      entries[Int(latent)].append(Entry(example: current, value: best[Int(latent)]))
      best[Int(latent)] = 0
    }
    touched.removeAll(keepingCapacity: true)
    current = -1
  }

  /// For each class the area under the ROC curve of one latent against all other classes, over the examples that are
  /// chosen; an example where the latent is not active counts as 0, ties count half.
  ///
  /// O(n log n + n · classes), n the examples where it is active.
  func areas(latent: Int, chosen: [Bool], counts: [Double]) -> [Double] {
    let active = entries[latent].filter { chosen[Int($0.example)] }
    let labels = active.map { examples.labels[Int($0.example)] }
    var silent = counts
    for label in labels { silent[Int(label)] -= 1 }
    return Ranks(active.count) { active[$0].value }
      .areas(labels: labels, classes: counts.count, lowest: silent).map { $0 ?? 0.5 }
  }
}

/// A latent that tells a concept from everything else.
public struct ConceptLatent: Codable, Sendable, Equatable {
  /// The latent's number.
  public var latent: Int
  /// The label that it separates.
  public var concept: String
  /// The data set that the label comes from; nil: the corpus that was read.
  public var dataset: String?
  /// The chance that a document of the concept has a larger highest value than another one, on the half of the documents
  /// by which the latent was chosen.
  public var auroc: Double
  /// The same on the other half.
  public var heldOutAUROC: Double
  /// The value above which the latent counts as on: the best F1 on the half by which it was chosen.
  public var threshold: Float
  /// On the other half, the share of documents of the concept among those where the latent is on.
  public var precision: Double
  /// On the other half, the share of the concept's documents where the latent is on.
  public var recall: Double
}

extension PooledLatents {
  /// For each label the latents that separate it best from all others, first the best.
  ///
  /// Latents are chosen on one half of the groups and judged on the other, so that the best of thousands of latents is
  /// not taken for better than it is.
  func concepts(count: Int, dataset: String? = nil, seed: UInt64) throws -> [ConceptLatent] {
    let (train, test) = try halves(seed: seed)
    var areas = [[Double]](repeating: [], count: entries.count)
    areas.withUnsafeMutableBufferPointer { areas in
      Threads.forRanges(0..<entries.count, grain: 32) { range in
        for latent in range where !entries[latent].isEmpty {
          areas[latent] = self.areas(latent: latent, chosen: train.chosen, counts: train.counts)
        }
      }
    }
    var found: [ConceptLatent] = []
    for (c, name) in examples.classes.enumerated() where !name.hasPrefix("not ") {
      let order = areas.indices.filter { !areas[$0].isEmpty }
        .sorted { areas[$0][c] != areas[$1][c] ? areas[$0][c] > areas[$1][c] : $0 < $1 }
      for latent in order.prefix(count) {
        let threshold = bestThreshold(latent: latent, label: Int32(c), side: train).threshold
        var judged = judge(latent, label: c, threshold: threshold, auroc: areas[latent][c], on: test)
        judged.dataset = dataset
        judged.concept = name
        found.append(judged)
      }
    }
    return found
  }

  /// Each latent with the label that it agrees best with (F1 on the first half), judged on the other half.
  func named(_ latents: [Int], seed: UInt64) throws -> [ConceptLatent] {
    let (train, test) = try halves(seed: seed)
    return latents.map { latent in
      let choices = examples.classes.indices.map { bestThreshold(latent: latent, label: Int32($0), side: train) }
      let label = choices.indices.max { choices[$0].f1 < choices[$1].f1 } ?? 0
      let auroc = areas(latent: latent, chosen: train.chosen, counts: train.counts)[label]
      return judge(latent, label: label, threshold: choices[label].threshold, auroc: auroc, on: test)
    }
  }

  /// How well one latent tells each label from all others, its threshold chosen on the first half, judged on the other.
  func profile(of latent: Int, dataset: String? = nil, seed: UInt64) throws -> [ConceptLatent] {
    let (train, test) = try halves(seed: seed)
    let areas = self.areas(latent: latent, chosen: train.chosen, counts: train.counts)
    return examples.classes.indices.filter { !examples.classes[$0].hasPrefix("not ") }.map { label in
      let threshold = bestThreshold(latent: latent, label: Int32(label), side: train).threshold
      var judged = judge(latent, label: label, threshold: threshold, auroc: areas[label], on: test)
      judged.dataset = dataset
      return judged
    }
  }

  /// Some of the examples: which, and how many of each class.
  typealias Side = (chosen: [Bool], counts: [Double])

  /// The examples by which latents are chosen, and those on which they are judged; groups are not divided.
  private func halves(seed: UInt64) throws -> (train: Side, test: Side) {
    let labels = examples.labels
    let split = try Split.trainAndTest(labels: labels, groups: examples.groups, testShare: 0.5, seed: seed)
    func side(_ indices: [Int]) -> Side {
      var chosen = [Bool](repeating: false, count: labels.count)
      var counts = [Double](repeating: 0, count: examples.classes.count)
      for index in indices {
        chosen[index] = true
        counts[Int(labels[index])] += 1
      }
      return (chosen, counts)
    }
    return (side(split.train), side(split.test))
  }

  private func judge(_ latent: Int, label: Int, threshold: Float, auroc: Double, on test: Side) -> ConceptLatent {
    let on = entries[latent].filter { test.chosen[Int($0.example)] && $0.value > threshold }
    let hits = Double(on.count { examples.labels[Int($0.example)] == Int32(label) })
    return ConceptLatent(
      latent: latent, concept: examples.classes[label], dataset: nil, auroc: auroc,
      heldOutAUROC: areas(latent: latent, chosen: test.chosen, counts: test.counts)[label], threshold: threshold,
      precision: on.isEmpty ? 0 : hits / Double(on.count),
      recall: test.counts[label] > 0 ? hits / test.counts[label] : 0)
  }

  /// The value above which "on" agrees best with the label, and that agreement (F1).
  private func bestThreshold(latent: Int, label: Int32, side: Side) -> (threshold: Float, f1: Double) {
    let active = entries[latent].filter { side.chosen[Int($0.example)] }.sorted { $0.value > $1.value }
    var (hits, best) = (0.0, 0.0)
    var threshold: Float = 0
    for (place, entry) in active.enumerated() {
      if examples.labels[Int(entry.example)] == label { hits += 1 }
      let next = place + 1 < active.count ? active[place + 1].value : 0
      guard next < entry.value else { continue }
      let f1 = 2 * hits / (Double(place + 1) + side.counts[Int(label)])
      if f1 > best { (best, threshold) = (f1, (entry.value + next) / 2) }
    }
    return (threshold, best)
  }
}

extension SparseAutoencoder {
  /// For each label of a source the latents that separate it best; one pass over the source.
  ///
  /// - Parameters:
  ///   - concept: which labels.
  ///   - count: latents for each label.
  ///   - dataset: what the results are to name as the labels' data set.
  /// - Throws: as `reconstruction`; `probe.noLabels`, `probe.singleClass` and their like.
  public func concepts(
    of source: any ActivationSource, concept: Concept = Concept(), count: Int = 3, dataset: String? = nil,
    site: String? = nil, seed: UInt64 = 0
  ) throws -> [ConceptLatent] {
    try pooled(source, concept: concept, site: site, seed: seed).concepts(count: count, dataset: dataset, seed: seed)
  }

  /// How well each of some latents tells each label of a source; one pass over the source.
  ///
  /// - Throws: as `concepts(of:)`.
  func profiles(
    of latents: [Int], on source: any ActivationSource, concept: Concept, dataset: String?, seed: UInt64
  ) throws -> [[ConceptLatent]] {
    let pooled = try pooled(source, concept: concept, site: nil, seed: seed)
    return try latents.map { try pooled.profile(of: $0, dataset: dataset, seed: seed) }
  }

  private func pooled(
    _ source: any ActivationSource, concept: Concept, site: String?, seed: UInt64
  ) throws -> PooledLatents {
    let input = try DictionaryInput(self, source: source, site: site)
    var pooled = PooledLatents(
      examples: try Examples(concept, of: source, specialTokens: false, most: 20_000, seed: seed), latents: latents)
    try input.stream { block in pooled.add(encode(block.input), rows: block.rows) }
    pooled.finish()
    return pooled
  }
}
