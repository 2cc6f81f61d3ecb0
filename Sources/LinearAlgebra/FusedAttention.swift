import CKernels

/// Softmax attention in one kernel: scores, softmax and mix go on from tile to tile, and no table of scores is in memory.
///
/// Documents are independent of each other. In each, query heads share key-value heads, neighbours first. Memory: some
/// hundred rows of a head for each thread, whatever a document's length. 2 · (d_head + d_value) operations for each
/// head, query and key that it sees. A row's result is the same for every number of threads.
public struct FusedAttention: Sendable {
  public var heads: Int
  public var keyValueHeads: Int
  /// The width of a head's query and key.
  public var headWidth: Int
  /// The width of a head's value.
  public var valueWidth: Int
  /// What query · key is multiplied by.
  public var scale: Float
  /// Whether a token sees no key behind its own.
  public var isCausal = true
  /// How many keys back a token sees, its own included; nil: all. Of no account where `isCausal` is not set.
  public var window: Int?
  /// Scaled scores s become cap · tanh(s / cap).
  public var cap: Float?
  /// Each head's score that takes part in the softmax and leads nowhere. Shape: [heads].
  public var sinks: [Float]?
  /// Scores then grow by slope · key's number. Shape: [heads].
  public var slopes: [Float]?
  /// What slope · key's number is multiplied by, and whether it is rounded to bfloat16 before.
  public var biasScale: Float = 1
  public var roundsBiases = false
  /// Which version of the kernel computes, the fastest being 0.
  var version = 0

  public init(heads: Int, keyValueHeads: Int, headWidth: Int, valueWidth: Int, scale: Float) {
    precondition(
      heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0 && headWidth > 0 && valueWidth > 0,
      "\(heads) heads, \(keyValueHeads) key-value heads of \(headWidth) and \(valueWidth)")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.valueWidth = valueWidth
    self.scale = scale
  }

  /// One document's tokens and what they see.
  public struct Document {
    /// Shape: [tokens, heads, d_head].
    public var query: UnsafePointer<Float>
    /// Shape: [keys, key-value heads, d_head].
    public var key: UnsafePointer<Float>
    /// Shape: [keys, key-value heads, d_value].
    public var value: UnsafePointer<Float>
    /// What is written. Shape: [tokens, heads, d_value].
    public var mixed: UnsafeMutablePointer<Float>
    public var tokens: Int
    /// How many keys lie before the first token's own. With the tokens' own they are all keys.
    public var past: Int

    public init(
      query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
      mixed: UnsafeMutablePointer<Float>, tokens: Int, past: Int = 0
    ) {
      self.query = query
      self.key = key
      self.value = value
      self.mixed = mixed
      self.tokens = tokens
      self.past = past
    }

    var keys: Int { past + tokens }
  }

  /// Computes all documents' results, on all threads.
  public func callAsFunction(_ documents: [Document]) {
    withHeads(sinks) { sinks in
      withHeads(slopes) { slopes in
        let pieces = pieces(documents)
        let memory = unfold_attention_memory(version, headWidth, valueWidth) * MemoryLayout<Float>.stride
        Threads.forEach(pieces.count) { number in
          let piece = pieces[number]
          let space = UnsafeMutableRawPointer.allocate(byteCount: memory, alignment: 64)
          defer { space.deallocate() }
          for document in piece.documents {
            let rows = piece.rows ?? 0..<documents[document].tokens * (heads / keyValueHeads)
            for head in piece.heads {
              var part = part(documents[document], head, sinks, slopes)
              unfold_attention(&part, rows.lowerBound, rows.upperBound, space.assumingMemoryBound(to: Float.self))
            }
          }
        }
      }
    }
  }

  /// What one call computes: some documents' heads, or some rows of one.
  struct Piece {
    var documents: Range<Int>
    /// Key-value heads.
    var heads: Range<Int>
    /// Query heads of tokens; nil: all.
    var rows: Range<Int>?
    /// Multiplications and additions.
    var cost: Int
  }

  /// Pieces large enough to be worth a call, the dearest first: short documents together, long ones head by head and in
  /// tiles of rows.
  func pieces(_ documents: [Document], threads: Int = Threads.count) -> [Piece] {
    let worthwhile = 1 << 19
    let group = heads / keyValueHeads
    let costs = documents.map { cost($0, rows: 0..<$0.tokens * group) }
    let all = costs.reduce(0, +) * keyValueHeads
    let tile = unfold_attention_tile(version)
    var pieces: [Piece] = []
    for (number, (document, each)) in zip(documents, costs).enumerated() {
      let rows = document.tokens * group
      if each * keyValueHeads <= worthwhile {
        if let last = pieces.last, last.rows == nil, last.documents.upperBound == number, last.cost < worthwhile {
          pieces[pieces.count - 1].documents = last.documents.lowerBound..<number + 1
          pieces[pieces.count - 1].cost += each * keyValueHeads
        } else {
          pieces.append(
            Piece(documents: number..<number + 1, heads: 0..<keyValueHeads, cost: each * keyValueHeads))
        }
        continue
      }
      // Tiles that meet the same keys in turn are best, unless too few pieces would be left to share out.
      let dearest = cost(document, rows: max(0, rows - Self.tiles * tile)..<rows)
      let step = dearest * 8 * threads > all ? tile : Self.tiles * tile
      let together = max(1, worthwhile / max(each, 1))
      for head in stride(from: 0, to: keyValueHeads, by: together) {
        for first in stride(from: 0, to: rows, by: step) {
          let heads = head..<min(head + together, keyValueHeads)
          let some = first..<min(first + step, rows)
          pieces.append(
            Piece(
              documents: number..<number + 1, heads: heads, rows: some, cost: cost(document, rows: some) * heads.count))
        }
      }
    }
    return pieces.sorted { $0.cost > $1.cost }
  }

  /// How many tiles of rows a piece has at most.
  private static let tiles = 4

  /// The multiplications of some rows of one key-value head. Keys that few rows see cost the reading of them.
  private func cost(_ document: Document, rows: Range<Int>) -> Int {
    let middle = (rows.lowerBound + rows.upperBound) / 2 / (heads / keyValueHeads)
    let seen = isCausal ? min(document.past + middle + 1, window ?? .max) : document.keys
    return max(rows.count, 8) * seen * (headWidth + valueWidth)
  }

  /// One key-value head of a document.
  private func part(
    _ document: Document, _ head: Int, _ sinks: UnsafePointer<Float>?, _ slopes: UnsafePointer<Float>?
  ) -> unfold_attention {
    let group = heads / keyValueHeads
    return unfold_attention(
      query: document.query + head * group * headWidth, key: document.key + head * headWidth,
      value: document.value + head * valueWidth, mixed: document.mixed + head * group * valueWidth, group: group,
      head_width: headWidth, value_width: valueWidth, query_stride: heads * headWidth,
      key_stride: keyValueHeads * headWidth, value_stride: keyValueHeads * valueWidth,
      mixed_stride: heads * valueWidth, keys: document.keys, past: document.past, window: window ?? .max,
      causal: isCausal, scale: scale, cap: cap ?? 0, sinks: sinks.map { $0 + head * group },
      slopes: slopes.map { $0 + head * group }, bias_scale: biasScale, rounds_biases: roundsBiases, version: version)
  }

  private func withHeads(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    precondition(values.map { $0.count == heads } ?? true, "\(values?.count ?? 0) values for \(heads) heads")
    guard let values else { return body(nil) }
    values.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
