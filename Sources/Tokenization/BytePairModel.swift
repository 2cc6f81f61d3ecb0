/// Byte-pair encoding (Sennrich et al. 2016): a word's characters or bytes, merged pair by pair in the order of a list.
struct BytePairModel: Sendable {
  /// What a word is taken apart into before any merge.
  enum Alphabet: Sendable {
    /// Bytes; the id of each. Word and vocabulary need not be written in GPT-2's alphabet then.
    case bytes([Int32])
    /// Characters, as they stand in the text.
    case scalars(ScalarIDs)
  }

  var alphabet: Alphabet
  var merges: PairTable
  /// The vocabulary by its own spelling; for the alphabet of bytes, by the bytes that the pieces stand for.
  var words: ByteStringTable
  /// Whether a word that is itself a token becomes that token at once.
  var ignoresMerges: Bool
  var unknown: Int32?
  /// Whether text that cannot be spelt is an error rather than left out, for want of the unknown token.
  var refusesUnknown: Bool
  var fusesUnknown: Bool
  /// The ids of `<0x00>` … `<0xFF>`, with −1 for one that is missing; nil where unknown characters are not spelt in bytes.
  var byteFallback: [Int32]?
  var continuingPrefix: [UInt8]
  var endSuffix: [UInt8]
  /// For the alphabet of bytes, the merge of every two bytes, at first << 8 | second: most lookups are of these.
  private var bytePairs: [UInt64] = []

  init(
    alphabet: Alphabet, merges: PairTable, words: ByteStringTable, ignoresMerges: Bool, unknown: Int32?,
    refusesUnknown: Bool, fusesUnknown: Bool, byteFallback: [Int32]?, continuingPrefix: [UInt8], endSuffix: [UInt8]
  ) {
    self.alphabet = alphabet
    self.merges = merges
    self.words = words
    self.ignoresMerges = ignoresMerges
    self.unknown = unknown
    self.refusesUnknown = refusesUnknown
    self.fusesUnknown = fusesUnknown
    self.byteFallback = byteFallback
    self.continuingPrefix = continuingPrefix
    self.endSuffix = endSuffix
    if case .bytes(let ids) = alphabet {
      bytePairs = merges.withPointers { table in
        (0..<65536).map { table.value(ids[$0 >> 8], ids[$0 & 0xFF]) }
      }
    }
  }

  /// Ids of single scalars: pages of 256 for those in use.
  struct ScalarIDs: Sendable {
    private var pages: [Int32] = []
    private var ids: [Int32] = []

    init(_ pieces: [String?]) {
      pages = [Int32](repeating: -1, count: 0x1100)
      for (id, piece) in pieces.enumerated() {
        guard let scalars = piece?.unicodeScalars, let scalar = scalars.first, scalars.count == 1 else { continue }
        let page = Int(scalar.value >> 8)
        if pages[page] < 0 {
          pages[page] = Int32(ids.count)
          ids += [Int32](repeating: -1, count: 256)
        }
        ids[Int(pages[page]) + Int(scalar.value & 0xFF)] = Int32(id)
      }
    }

    /// The scalar's id, or −1.
    @inline(__always) func id(_ scalar: UInt32) -> Int32 {
      let page = pages[Int(scalar >> 8)]
      return page < 0 ? -1 : ids[Int(page) + Int(scalar & 0xFF)]
    }
  }

  /// Lends `body` a runner that leaves words' tokens in the workspace.
  func withRunner(_ workspace: Workspace, _ body: (BytePairRunner) -> Void) {
    merges.withPointers { table in
      bytePairs.withUnsafeBufferPointer { pairs in
        var byteIDs: [Int32] = []
        if case .bytes(let ids) = alphabet { byteIDs = ids }
        byteIDs.withUnsafeBufferPointer { ids in
          body(
            BytePairRunner(
              model: self, workspace: workspace, table: table, byteIDs: ids.isEmpty ? nil : ids.baseAddress,
              bytePairs: pairs.isEmpty ? nil : pairs.baseAddress))
        }
      }
    }
  }

  /// Leaves a word's characters, or bytes in their place, as symbols in the workspace; false where it cannot be spelt.
  fileprivate func spell(_ word: UnsafeBufferPointer<UInt8>, _ workspace: Workspace) -> Bool {
    switch alphabet {
    case .bytes: return true
    case .scalars(let ids):
      if continuingPrefix.isEmpty, endSuffix.isEmpty {
        return spell(word, &workspace.tokens) { scalar, _ in ids.id(scalar) }
      } else {
        var key: [UInt8] = []
        return spell(word, &workspace.tokens) { _, range in
          key.removeAll(keepingCapacity: true)
          if range.lowerBound > 0 { key += continuingPrefix }
          key += word[range]
          if range.upperBound == word.count { key += endSuffix }
          return words.value(key) ?? -1
        }
      }
    }
  }

  /// Writes a word's characters as symbols: its own id, else its bytes, else the unknown token, else nothing at all.
  ///
  /// An unknown token waits until the next known character, so that several can be fused.
  private func spell(
    _ word: UnsafeBufferPointer<UInt8>, _ tokens: inout WordTokens, _ id: (UInt32, Range<Int>) -> Int32
  ) -> Bool {
    guard let base = word.baseAddress else { return true }
    var pending = 0
    var position = 0
    while position < word.count {
      let (scalar, next) = UTF8Reading.scalar(base, position)
      let range = position..<next
      position = next
      let known = id(scalar, range)
      if known >= 0 {
        if pending > 0, let unknown { tokens.append(unknown, length: pending) }
        pending = 0
        tokens.append(known, length: range.count)
        continue
      }
      if let byteFallback, spellBytes(word, range, byteFallback, &tokens) { continue }
      if let unknown {
        if pending > 0, !fusesUnknown {
          tokens.append(unknown, length: pending)
          pending = 0
        }
        pending += range.count
      } else if refusesUnknown {
        return false
      }
    }
    if pending > 0, let unknown { tokens.append(unknown, length: pending) }
    return true
  }

  private func spellBytes(
    _ word: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ ids: [Int32], _ tokens: inout WordTokens
  ) -> Bool {
    var bytes = Array(word[range])
    if range.lowerBound > 0 { bytes = continuingPrefix + bytes }
    if range.upperBound == word.count { bytes += endSuffix }
    guard bytes.allSatisfy({ ids[Int($0)] >= 0 }) else { return false }
    for byte in bytes { tokens.append(ids[Int(byte)], length: 1) }
    return true
  }
}

/// A byte-pair model with its tables as pointers, at work on one text.
struct BytePairRunner: WordTokenizer {
  let model: BytePairModel
  let workspace: Workspace
  let table: PairTablePointers
  /// Both nil unless the model reads bytes.
  let byteIDs: UnsafePointer<Int32>?
  let bytePairs: UnsafePointer<UInt64>?

  func tokenize(_ word: UnsafeBufferPointer<UInt8>) {
    workspace.tokens.count = 0
    if model.ignoresMerges, let id = model.words.value(word) {
      workspace.tokens.append(id, length: word.count)
      return
    }
    if let byteIDs, let bytePairs, let base = word.baseAddress {
      workspace.merging.mergeBytes(base, word.count, &workspace.tokens, table, byteIDs, bytePairs)
    } else {
      guard model.spell(word, workspace) else {
        workspace.tokens.count = 0
        workspace.refuse(word)
        return
      }
      workspace.merging.merge(&workspace.tokens, table)
    }
  }
}
