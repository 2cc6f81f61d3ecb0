import Architectures
import LinearAlgebra
import Transformer

/// The memory that a capture takes, decided before it starts. In bytes.
public struct CaptureMemory: Sendable, Equatable, Codable {
  /// What the run may take altogether.
  public var limit: Int
  /// What it will take at most.
  public var total: Int
  /// Prepared weights that are kept.
  public var weights: Int
  /// Weights under way: read ahead, and those of the product of the moment.
  public var reading: Int
  /// The values of one batch.
  public var batch: Int
  /// What is gathered of columns.
  public var statistics: Int
  /// Blocks on their way to the store's files.
  public var store: Int
  /// The program itself, the corpus and tables.
  public var program: Int
  /// How many tokens are computed at once.
  public var batchTokens: Int
  /// The bytes of weights in the model's files, and how many of them are read anew for each batch (as an estimate).
  public var weightFileBytes: Int
  public var rereadBytes: Int

  /// What a run holds beside the model, as far as the limit does not leave it out already.
  var beside: Int
}

/// Chooses the size of batches, and with it how the memory is shared out.
///
/// Where all weights fit, a batch has 4096 tokens. Where they do not, each batch has to read the others anew, so it grows
/// until computing takes longer than reading from a slow disk, as far as memory allows: with too little for all weights, a
/// token more in the batch always saves more reading than its memory would as kept weights.
struct CaptureMemoryPlanner {
  let model: Model
  let sites: [Site]
  /// The tokens of the longest document, and of all; nil where that is not known.
  let longest: Int
  let allTokens: Int?
  let statistics: Int
  /// What the store's blocks, or their like, hold for each token, and the most of it that is under way beside one site's
  /// block.
  let storedBytesPerToken: Int
  let largestSiteBytes: Int
  let storeLimit: Int

  static let usualTokens = 4096
  private static let step = 256
  private static let program = 96 << 20
  /// Bytes a second of a slow disk.
  private static let slowDisk = 1e8
  /// Operations a second of a fast processor of few cores.
  private static func fastProcessor(_ type: ComputeType) -> Double { type == .float32 ? 5e11 : 1e12 }

  /// - Parameter tokens: The size of batches, where it is settled.
  func plan(tokens settled: Int?) -> CaptureMemory {
    let weights = model.weightBytes(for: sites)
    // What is free is counted less what the program needs.
    let limit = model.memory ?? model.memoryLimit + Self.program
    func fits(_ tokens: Int, _ weights: Int) -> Bool { weights + share(tokens, limit, 0).total <= limit }
    var tokens = settled ?? Self.usualTokens
    if settled == nil && !fits(tokens, weights.prepared + weights.passing) {
      let reading = Double(weights.stored) / Self.slowDisk
      let computing = Double(max(weights.operations, 1)) / Self.fastProcessor(model.compute)
      let wanted = min(1 << 20, Int(reading / computing))
      tokens = max(tokens, (wanted + Self.step - 1) / Self.step * Self.step)
      let window = min(64 << 20, limit / 32, weights.stored)
      while tokens > Self.step && !fits(tokens, weights.passing + window) { tokens -= Self.step }
    }
    var plan = share(tokens, limit, weights.passing)
    let window = max(0, min(256 << 20, limit / 16, weights.stored, limit - plan.total))
    plan.reading += window
    plan.weights = max(0, min(weights.prepared, limit - plan.total - window))
    plan.total += window + plan.weights
    plan.weightFileBytes = weights.stored
    if weights.prepared > 0 {
      plan.rereadBytes = Int(Double(weights.stored) * (1 - Double(plan.weights) / Double(weights.prepared)))
    }
    return plan
  }

  /// What a batch of so many tokens takes beside the kept weights.
  private func share(_ tokens: Int, _ limit: Int, _ passing: Int) -> CaptureMemory {
    let largest = max(min(tokens, allTokens ?? tokens), longest)
    let store = min(storeLimit, 2 * largest * storedBytesPerToken) + largest * largestSiteBytes
    // Ids, positions and offsets of tokens, and their texts.
    let batch = largest * (model.architecture.workingBytesPerToken + 256) + patternBytes
    let program = Self.program
    return CaptureMemory(
      limit: limit, total: passing + batch + statistics + store + program, weights: 0, reading: passing, batch: batch,
      statistics: statistics, store: store, program: program, batchTokens: tokens, weightFileBytes: 0,
      rereadBytes: 0, beside: statistics + store + (model.memory == nil ? 0 : program))
  }

  /// Where scores or patterns are wanted, all of the longest document's lie open at once.
  private var patternBytes: Int {
    let heads = sites.filter { $0.kind == .scores || $0.kind == .pattern }
      .compactMap { $0.layer.map { model.architecture.blocks[$0].attention.heads } }.max()
    return heads.map { 4 * $0 * longest * longest } ?? 0
  }
}

extension CaptureMemoryPlanner {
  /// For a capture into a store.
  init(
    _ model: Model, _ sites: [Site], _ settings: CaptureSettings, run: StoreRun, longest: Int, tokens: Int?, sample: Int
  ) {
    self.model = model
    self.sites = sites
    self.longest = longest
    allTokens = tokens
    statistics = run.statisticsSites.reduce(0) { sum, site in
      // Moments, bins, lists of 16 bytes a place, and the rows drawn at random.
      let lists = site.gated ? 2 : 1
      let column = 128 + 4 * (site.gated ? 128 : 64) + 16 * settings.top * lists + 4 * sample
      // As they are gathered, and as the store merges them with those of earlier shards.
      return sum + 3 * site.width * column
    }
    let bytes = run.sites.map(\.rowBytes)
    storedBytesPerToken = bytes.reduce(0, +)
    largestSiteBytes = bytes.max() ?? 0
    // The writer's queue and its spare blocks.
    storeLimit = 192 << 20
  }
}
