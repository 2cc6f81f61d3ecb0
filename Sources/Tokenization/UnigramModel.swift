import Diagnostics

/// A unigram language model over pieces (Kudo 2018): the cut of a word whose pieces have the highest sum of scores.
struct UnigramModel: Sendable {
  /// The pieces that may be found in a text.
  var trie: ByteTrie
  /// The pieces by their spelling, for runs of unknown characters that spell one when joined.
  var pieces: ByteStringTable
  /// Logarithms of probabilities by id.
  var scores: [Double]
  var unknown: Int32?
  /// What a character costs that no piece spells: ten less than the lowest score.
  var unknownScore: Double
  /// The ids of `<0x00>` … `<0xFF>`, with −1 for one that is missing; nil where unknown text is not spelt in bytes.
  var byteFallback: [Int32]?

  /// - Parameters:
  ///   - spelling: The pieces by id; nil for one that no text may give.
  ///   - scores: The pieces' scores by id.
  /// - Throws: `Fault` named `tokenizer.vocabularyTooLarge`.
  init(
    pieces: ByteStringTable, spelling: [String?], scores: [Double], unknown: Int32?, byteFallback: [Int32]?,
    file: String, place: String
  ) throws {
    self.pieces = pieces
    self.scores = scores
    self.unknown = unknown
    self.byteFallback = byteFallback
    unknownScore = (scores.min() ?? 0) - 10
    trie = ByteTrie()
    for (id, piece) in spelling.enumerated() {
      guard let piece, !piece.isEmpty else { continue }
      guard trie.insert(piece.utf8, Int32(truncatingIfNeeded: id)) else {
        throw Fault(
          .badData, "tokenizer.vocabularyTooLarge", "The vocabulary is too large", file: file, place: place,
          expected: "at most \(ByteTrie.maximumNodes) different beginnings of tokens", found: "more")
      }
    }
  }
}

/// For each place in a word, the best way there: memory kept from word to word.
struct UnigramLattice {
  private var scores: [Double] = []
  private var starts: [Int32] = []
  private var ids: [Int32] = []
  /// The chosen pieces, from the word's end to its start.
  private(set) var chosen: [(id: Int32, start: Int)] = []

  /// Finds the best cut of a word by Viterbi's algorithm, in time linear in the word and the longest piece.
  mutating func cut(_ word: UnsafeBufferPointer<UInt8>, _ model: UnigramModel, unknown: Int32) {
    chosen.removeAll(keepingCapacity: true)
    let count = word.count
    // After an unusually long word the memory is given back.
    if scores.count <= count || (scores.count > 1 << 20 && count < 1 << 16) {
      let size = max(count + 1, count < 1 << 16 ? 2 * count : 0)
      scores = [Double](repeating: 0, count: size)
      starts = [Int32](repeating: -1, count: size)
      ids = [Int32](repeating: -1, count: size)
    }
    scores.withUnsafeMutableBufferPointer { scores in
      starts.withUnsafeMutableBufferPointer { starts in
        ids.withUnsafeMutableBufferPointer { ids in
          for i in 0...count { (scores[i], starts[i]) = (0, -1) }
          func offer(_ start: Int, _ end: Int, _ id: Int32, _ score: Double) {
            guard starts[end] < 0 || score > scores[end] else { return }
            (scores[end], starts[end], ids[end]) = (score, Int32(truncatingIfNeeded: start), id)
          }
          model.scores.withUnsafeBufferPointer { pieceScores in
            var start = 0
            while start < count {
              let next = min(count, start + UTF8Reading.length(word[start]))
              let before = scores[start]
              var hasSingle = false
              model.trie.prefixes(of: word, from: start) { end, id in
                offer(start, end, id, pieceScores[Int(id)] + before)
                if end == next { hasSingle = true }
              }
              if !hasSingle { offer(start, next, unknown, model.unknownScore + before) }
              start = next
            }
          }
        }
      }
    }
    var end = count
    while end > 0 {
      let start = Int(starts[end])
      chosen.append((ids[end], start))
      end = start
    }
  }
}

struct UnigramRunner: WordTokenizer {
  let model: UnigramModel
  let workspace: Workspace

  func tokenize(_ word: UnsafeBufferPointer<UInt8>) {
    workspace.tokens.count = 0
    let unknown = model.unknown ?? -1
    workspace.lattice.cut(word, model, unknown: unknown)
    var start = 0
    // Neighbouring unknown pieces are one.
    var unknownStart: Int?
    for (index, piece) in workspace.lattice.chosen.enumerated().reversed() {
      let end = index == 0 ? word.count : workspace.lattice.chosen[index - 1].start
      if piece.id == unknown {
        if unknownStart == nil { unknownStart = start }
      } else {
        if let first = unknownStart { appendUnknown(UnsafeBufferPointer(rebasing: word[first..<start])) }
        unknownStart = nil
        workspace.tokens.append(piece.id, length: end - start)
      }
      start = end
    }
    if let first = unknownStart { appendUnknown(UnsafeBufferPointer(rebasing: word[first...])) }
  }

  private func appendUnknown(_ text: UnsafeBufferPointer<UInt8>) {
    if let known = model.pieces.value(text) {
      workspace.tokens.append(known, length: text.count)
      return
    }
    if let bytes = model.byteFallback, text.allSatisfy({ bytes[Int($0)] >= 0 }) {
      // Each byte's token has the whole run as its place.
      for (i, byte) in text.enumerated() {
        workspace.tokens.append(bytes[Int(byte)], length: i == text.count - 1 ? text.count : -text.count)
      }
      return
    }
    if let unknown = model.unknown {
      workspace.tokens.append(unknown, length: text.count)
    } else {
      workspace.refuse(text)
    }
  }
}
