import Architectures
import LinearAlgebra

/// The keys and values of a document's tokens in every layer, so that a later run goes on behind them.
///
/// A run that extends a cache writes the keys and values of the document's tokens behind those held, as attention reads
/// them: normed, clipped and rotated. A run that only reads one sees its first tokens.
///
/// Memory: `bytesPerToken` for each token of room. One run at a time may extend a cache, and none may read it meanwhile.
public final class KeyValueCache: @unchecked Sendable {  // Written by the one run that extends it; see above.
  public let architecture: Architecture
  /// The tokens whose keys and values are held.
  public private(set) var ids: [Int32] = []
  public var count: Int { ids.count }
  private var room = 0
  /// Each layer's keys [room, key-value heads, d_head], and behind them its values [room, key-value heads, d_value].
  private var layers: [UnsafeMutablePointer<Float>]

  public init(for architecture: Architecture) {
    self.architecture = architecture
    layers = architecture.blocks.map { _ in .allocate(capacity: 0) }
  }

  deinit { for layer in layers { layer.deallocate() } }

  /// What a token's keys and values take.
  public static func bytesPerToken(_ architecture: Architecture) -> Int {
    architecture.blocks.reduce(0) { $0 + 4 * ($1.attention.keyWidth + $1.attention.valuesWidth) }
  }

  /// Forgets all tokens behind the first `count`.
  public func truncate(to count: Int) {
    precondition((0...ids.count).contains(count), "\(count) of \(ids.count) tokens")
    ids.removeLast(ids.count - count)
  }

  /// How many bytes more are needed to hold so many tokens.
  func missingBytes(_ tokens: Int) -> Int {
    tokens <= room ? 0 : Self.bytesPerToken(architecture) * grown(tokens)
  }

  private func grown(_ tokens: Int) -> Int {
    min(max(tokens, 2 * room, 64), max(tokens, architecture.longestDocument ?? .max))
  }

  /// Makes room for so many tokens; what is held stays.
  func reserve(_ tokens: Int) {
    guard tokens > room else { return }
    let larger = grown(tokens)
    for (layer, block) in architecture.blocks.enumerated() {
      let (keyWidth, valueWidth) = (block.attention.keyWidth, block.attention.valuesWidth)
      let fresh = UnsafeMutablePointer<Float>.allocate(capacity: larger * (keyWidth + valueWidth))
      fresh.update(from: layers[layer], count: count * keyWidth)
      (fresh + larger * keyWidth).update(from: layers[layer] + room * keyWidth, count: count * valueWidth)
      layers[layer].deallocate()
      layers[layer] = fresh
    }
    room = larger
  }

  /// A layer's keys. Shape: [room, key-value heads, d_head].
  func keys(_ layer: Int) -> UnsafeMutablePointer<Float> { layers[layer] }
  /// A layer's values. Shape: [room, key-value heads, d_value].
  func values(_ layer: Int) -> UnsafeMutablePointer<Float> {
    layers[layer] + room * architecture.blocks[layer].attention.keyWidth
  }

  /// Takes the tokens over whose keys and values a run has written in every layer.
  func append(_ tokens: some Collection<Int32>) { ids.append(contentsOf: tokens) }
}

/// Where a run begins, if not at the embedding of each document's first token.
public struct RunStart: Sendable {
  /// What lies before a document's tokens.
  public enum Past: Sendable {
    case none
    /// The first tokens of a cache that other documents may share.
    case prefix(KeyValueCache, count: Int)
    /// All tokens of a cache of the document's own; the run adds the document's tokens to it when it ends.
    case extending(KeyValueCache)

    /// How many tokens lie before the document's own.
    public var count: Int {
      switch self {
      case .none: 0
      case .prefix(_, let count): count
      case .extending(let cache): cache.count
      }
    }

    /// The tokens before the document's own.
    var ids: ArraySlice<Int32> {
      switch self {
      case .none: []
      case .prefix(let cache, let count): cache.ids[..<count]
      case .extending(let cache): cache.ids[...]
      }
    }

    var extended: KeyValueCache? {
      if case .extending(let cache) = self { cache } else { nil }
    }
  }

  /// The residual stream in front of a layer, in place of computing it; in front of a layer that is no more, what the
  /// head reads.
  public struct Residual: Sendable {
    public let layer: Int
    /// Shape: [tokens of the batch, d_model].
    public let values: [Float]

    public init(layer: Int, values: [Float]) {
      self.layer = layer
      self.values = values
    }
  }

  /// One for each document; empty: nothing lies before any.
  public var pasts: [Past]
  /// nil: the run begins with the embeddings.
  public var residual: Residual?

  public init(pasts: [Past] = [], residual: Residual? = nil) {
    self.pasts = pasts
    self.residual = residual
  }

  /// The first layer that the run computes.
  var firstLayer: Int { residual?.layer ?? 0 }
  /// Whether the run computes a site's value; the stream that it begins with it does not.
  func reaches(_ site: Site) -> Bool {
    guard let first = residual?.layer else { return true }
    guard let layer = site.layer else { return site.kind > .fullEmbed }
    return layer > first || layer == first && site.kind != .residPre
  }
  func past(_ document: Int) -> Past { pasts.isEmpty ? .none : pasts[document] }
  var isExtending: Bool { pasts.contains { $0.extended != nil } }
}
