import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Neurons
import Probes
import Transformer

/// What a model predicts worse without parts of it: the loss and the divergence from the model as it is, by kind of document.
public struct Ablation: Sendable {
  /// What is put in the place of what is taken out.
  public var replacement: AblationReplacement
  /// The column of document labels by which the effects are told apart.
  public var column: String
  /// Whether documents without a label are left out, and a source without any refused.
  public var needsLabels: Bool
  /// A seeded choice of so many documents of each label; nil: all.
  public var documentsPerLabel: Int?
  /// Decides the choice of documents, and what is drawn from others.
  public var seed: UInt64
  /// How many of the tokens that suffer most are kept for each item, at most one a document.
  public var worst: Int

  /// Tokens of a run at most, unless one document is longer.
  static let runTokens = 2048
  /// What the clean model's predictions and streams of one batch may take.
  static let keptBytes = 192 << 20

  public init(
    replacement: AblationReplacement = .mean, column: String = DocumentTable.defaultLabels, needsLabels: Bool = false,
    documentsPerLabel: Int? = nil, seed: UInt64 = 0, worst: Int = 0
  ) {
    self.replacement = replacement
    self.column = column
    self.needsLabels = needsLabels
    self.documentsPerLabel = documentsPerLabel
    self.seed = seed
    self.worst = worst
  }

  /// Runs the model over a source's own tokens, as it is and without each item.
  ///
  /// A run begins at the first layer that its item changes, from the clean model's stream there; where documents are few, several
  /// items share a run.
  /// - Parameters:
  ///   - source: Whose token table and labels are used; its activations are not.
  ///   - progress: Called with how many runs over a batch are done, and how many there are.
  /// - Throws: `ablation.tooMany`, `neurons.noLabels`, `neurons.noTokens`, `transformer.noNextToken`, and those of `Model.run`.
  /// - Complexity: a forward pass from the first layer changed for each item, and one or two more. Memory for one batch's
  ///   predictions and streams.
  public func run(
    _ items: [AblationItem], model: Model, source: any ActivationSource, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> AblationResult {
    try model.requireNextToken("it has no such loss")
    guard items.count <= AblationItem.most else {
      throw Self.tooMany("\(items.count) items", expected: "at most \(AblationItem.most) items")
    }
    let architecture = model.architecture
    let starts = Set(items.map { $0.firstLayer ?? 0 })
    let bytes =
      PredictionComparison.bytesPerToken(vocabulary: architecture.vocabularySize) + 4 * starts.count
      * architecture.width
    let sample = try AblationSample(
      source, column: column, needsLabels: needsLabels, most: documentsPerLabel, seed: seed,
      batchTokens: min(Self.runTokens, max(64, Self.keptBytes / bytes)))
    guard items.count * sample.documentCount <= 20_000_000 else {
      throw Self.tooMany(
        "\(items.count) items on \(sample.documentCount) documents",
        expected: "at most 20 million of them multiplied")
    }
    let gathering = replacement == .zero ? 0 : sample.batches.count
    let all = gathering + sample.batches.count * (items.count + 1)
    var done = 0
    func advance(by count: Int = 1) {
      done += count
      progress(done, all)
    }
    let places = items.flatMap(\.places)
    let replacements = try AblationReplacements(
      replacement, places: places, sample: sample, model: model, seed: seed
    ) { advance() }
    var sums = AblationSums(items: items.count, sample: sample, worst: worst)
    for batch in sample.batches {
      let pass = try AblationPass(batch, items: items, starts: starts, model: model)
      sums.addClean(pass.clean, batch)
      advance()
      for group in pass.groups {
        let edited = try pass.run(group, replacements)
        for (copy, item) in group.items.enumerated() { sums.add(item, edited, copy: copy, batch) }
        advance(by: group.items.count)
      }
    }
    var place = 0
    let values = items.map { item in
      defer { place += item.places.count }
      return item.places.count == 1 ? replacements.constant(of: place) : nil
    }
    return AblationResult(
      origin: source.origin, replacement: replacement, column: column, labels: sample.labels,
      items: sums.items(named: items.map(\.what), values: values))
  }

  private static func tooMany(_ found: String, expected: String) -> Fault {
    Fault(
      .usage, "ablation.tooMany", "There is too much to ablate in one run", expected: expected, found: found,
      advice: "name fewer parts, or take fewer documents with --documents")
  }
}

/// One batch: the clean run, and the runs without items.
struct AblationPass {
  /// Items whose runs begin at the same layer and go together.
  struct Group {
    /// The layer that the runs begin at; nil: at the embeddings.
    var start: Int?
    /// Numbers of items.
    var items: [Int]
  }

  let clean: PredictionComparison
  let groups: [Group]
  private let batch: AblationSample.Batch
  private let items: [AblationItem]
  /// The number of each item's first place.
  private let firstPlaces: [Int]
  private let model: Model
  /// The clean stream in front of layers.
  private var streams: [Int: [Float]] = [:]
  /// Of each place that is a dictionary's latent.
  private var latents: [Int: LatentValues] = [:]

  init(_ batch: AblationSample.Batch, items: [AblationItem], starts: Set<Int>, model: Model) throws {
    self.batch = batch
    self.items = items
    self.model = model
    var firstPlaces = [0]
    for item in items { firstPlaces.append(firstPlaces[firstPlaces.count - 1] + item.places.count) }
    self.firstPlaces = firstPlaces
    groups = Self.groups(items, tokens: batch.tokens.count)
    let (architecture, count) = (model.architecture, batch.tokens.count)
    // What is kept beside the runs is counted, so that a machine that is too small says so.
    try model.reserve(
      bytes: max(count, Ablation.runTokens) * architecture.workingBytesPerToken,
      beside: count
        * (PredictionComparison.bytesPerToken(vocabulary: architecture.vocabularySize)
          + 4 * starts.count * architecture.width))
    let clean = PredictionComparison(batch.tokens, vocabulary: architecture.vocabularySize)
    self.clean = clean
    var streams: [Int: [Float]] = [:]
    var latents: [Int: LatentValues] = [:]
    let places = items.flatMap(\.places)
    for (number, place) in places.enumerated() {
      if case .latent = place.content {
        latents[number] = LatentValues(
          values: Array(repeating: 0, count: count), factors: Array(repeating: 1, count: count))
      }
    }
    let reads = PlaceReading(places: places).hooks(onlyLatents: true) { place, token, values, factor in
      latents[place]?.values[token] = values[0]
      latents[place]?.factors[token] = factor
    }
    let kept = starts.filter { $0 > 0 }.map { layer in
      Hook(Site(.residPre, layer: layer)) { streams[layer] = $0.copy() }
    }
    try model.run(batch.tokens, hooks: kept + reads + [clean.reading])
    self.streams = streams
    self.latents = latents
  }

  /// Items by where their runs begin, as many together as a run's tokens allow.
  private static func groups(_ items: [AblationItem], tokens: Int) -> [Group] {
    let most = max(1, Ablation.runTokens / max(tokens, 1))
    let byStart = Dictionary(grouping: items.indices) { items[$0].firstLayer.flatMap { $0 > 0 ? $0 : nil } }
    let starts = byStart.keys.sorted { ($0 ?? 0) < ($1 ?? 0) }
    return starts.flatMap { start in
      let own = byStart[start] ?? []
      return stride(from: 0, to: own.count, by: most).map {
        Group(start: start, items: Array(own[$0..<min($0 + most, own.count)]))
      }
    }
  }

  /// Runs the model without each of a group's items, each on its own copy of the batch.
  func run(_ group: Group, _ replacements: AblationReplacements) throws -> PredictionComparison.Edited {
    let (copies, count) = (group.items.count, batch.tokens.count)
    let tokens = TokenBatch(
      ids: (0..<copies).flatMap { _ in batch.tokens.ids }, lengths: (0..<copies).flatMap { _ in batch.tokens.lengths })
    var hooks: [Hook] = []
    for (copy, item) in group.items.enumerated() {
      for (offset, place) in items[item].places.enumerated() {
        let number = firstPlaces[item] + offset
        hooks.append(
          place.editing(
            copy * count..<(copy + 1) * count, latents: latents[number],
            replacement: replacements.values(number, in: batch)))
      }
    }
    let edited = PredictionComparison.Edited(rows: copies * count)
    let residual = group.start.flatMap { layer in
      streams[layer].map { stream in
        RunStart.Residual(layer: layer, values: copies == 1 ? stream : (0..<copies).flatMap { _ in stream })
      }
    }
    try model.run(tokens, from: RunStart(residual: residual), hooks: hooks + [clean.comparing(into: edited)])
    return edited
  }
}
