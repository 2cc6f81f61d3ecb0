import Architectures
import LinearAlgebra
import Transformer

/// Every choice that decides what a capture writes.
public struct CaptureSettings: Sendable, Equatable {
  /// Sites as users name them (`Architecture.select(sites:layers:)`).
  public var sites: String
  public var layers: String?
  public var storage: StorageType
  public var compute: ComputeType
  /// The most tokens of one document; nil: as many as the model was made for.
  public var context: Int?
  public var overflow: Overflow
  /// One row a document in place of one a token.
  public var pool: Pooling?
  /// How many tokens are computed at once, at least one document. Larger batches multiply faster and need more memory.
  /// nil: 4096; more, as far as memory allows, where weights do not fit it and are read anew for each batch.
  public var batchTokens: Int?
  public var shardTokens: Int
  public var shardBytes: Int
  /// How many top examples are kept of each column; 0 for none.
  public var top: Int
  /// How many rows are drawn at random; nil: 256, and fewer where the columns are so many that they would need more
  /// than 128 MiB.
  public var sample: Int?
  /// Whether statistics are gathered.
  public var statistics: Bool
  /// Whether activations themselves are left out of the store.
  public var statisticsOnly: Bool
  /// Which of the documents are run: those whose number, from 0, is `index` modulo `count`.
  public var share: Share?
  /// Whether the tokenizer puts its special tokens around each text.
  public var addsSpecialTokens: Bool
  /// Whether special tokens enter statistics, top examples, samples and pooled rows.
  public var countsSpecialTokens: Bool
  public var seed: UInt64

  /// What happens to a document with more tokens than the context.
  public enum Overflow: String, Sendable, Codable, CaseIterable {
    /// It becomes several pieces, each with special tokens of its own.
    case split
    /// Its rest is left out.
    case truncate
    /// The run stops and names it.
    case refuse
  }

  /// How a document's rows become one.
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    case mean, max, last
  }

  /// A part of a distributed run.
  public struct Share: Sendable, Equatable {
    public var index: Int
    public var count: Int

    /// - Precondition: 0 ≤ index < count.
    public init(index: Int, count: Int) {
      precondition(index >= 0 && index < count, "share \(index) of \(count)")
      self.index = index
      self.count = count
    }
  }

  public init(
    sites: String = Self.usualSites, layers: String? = nil, storage: StorageType = .float16,
    compute: ComputeType = .float32, context: Int? = nil, overflow: Overflow = .split, pool: Pooling? = nil,
    batchTokens: Int? = nil, shardTokens: Int = 1 << 20, shardBytes: Int = 1 << 30, top: Int = 32, sample: Int? = nil,
    statistics: Bool = true, statisticsOnly: Bool = false, share: Share? = nil, addsSpecialTokens: Bool = true,
    countsSpecialTokens: Bool = false, seed: UInt64 = 0
  ) {
    self.sites = sites
    self.layers = layers
    self.storage = storage
    self.compute = compute
    self.context = context
    self.overflow = overflow
    self.pool = pool
    self.batchTokens = batchTokens
    self.shardTokens = shardTokens
    self.shardBytes = shardBytes
    self.top = top
    self.sample = sample
    self.statistics = statistics
    self.statisticsOnly = statisticsOnly
    self.share = share
    self.addsSpecialTokens = addsSpecialTokens
    self.countsSpecialTokens = countsSpecialTokens
    self.seed = seed
  }
}

extension CaptureSettings {
  /// What is captured where nothing is said.
  public static let usualSites = "resid_post,mlp_post"

  /// The sites of a model that these settings name. In a model that has experts in every layer the usual sites leave out
  /// neurons: those of experts have sites of their own, `expert_post`.
  /// - Throws: Those of `Architecture.select(sites:layers:)`.
  func chosenSites(of architecture: Architecture) throws -> [Site] {
    let isUsual = [Self.usualSites, "embed," + Self.usualSites].contains(sites)
    let hasNeurons = architecture.blocks.contains { $0.mlp != nil }
    return try architecture.select(
      sites: isUsual && !hasNeurons ? sites.replacing(",mlp_post", with: "") : sites, layers: layers)
  }
}
