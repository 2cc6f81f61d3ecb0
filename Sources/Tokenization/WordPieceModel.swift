/// WordPiece (Schuster and Nakajima 2012): a word's longest token from its start, then the longest continuation, and so
/// on; a word that cannot be covered is one unknown token.
struct WordPieceModel: Sendable {
  /// The vocabulary by its own spelling.
  var words: ByteStringTable
  /// The pieces that begin with the continuation prefix, by what follows it.
  var continuations: ByteStringTable
  var unknown: Int32?
  var maximumScalars: Int
  /// The longest piece in bytes: longer stretches need not be looked up.
  var longest: Int

  /// - Parameter prefix: How pieces that continue a word begin, such as "##".
  init(words: ByteStringTable, pieces: [String?], prefix: String, unknown: Int32?, maximumScalars: Int) {
    self.words = words
    self.unknown = unknown
    self.maximumScalars = maximumScalars
    continuations = ByteStringTable(minimumCapacity: words.count)
    longest = 0
    for (id, piece) in pieces.enumerated() {
      guard let piece else { continue }
      longest = max(longest, piece.utf8.count)
      guard piece.utf8.starts(with: prefix.utf8) else { continue }
      let rest = Array(piece.utf8.dropFirst(prefix.utf8.count))
      _ = rest.withUnsafeBufferPointer { continuations.insert($0, Int32(truncatingIfNeeded: id)) }
    }
  }

  func tokenize(_ word: UnsafeBufferPointer<UInt8>, _ workspace: Workspace) {
    workspace.tokens.count = 0
    if word.count > maximumScalars {
      let scalars = word.reduce(0) { $0 + (UTF8Reading.isContinuation($1) ? 0 : 1) }
      if scalars > maximumScalars {
        appendUnknown(word, workspace)
        return
      }
    }
    var start = 0
    while start < word.count {
      var end = min(word.count, start + longest)
      while end < word.count, UTF8Reading.isContinuation(word[end]) { end -= 1 }
      var found: Int32?
      while end > start {
        let piece = UnsafeBufferPointer(rebasing: word[start..<end])
        found = start == 0 ? words.value(piece) : continuations.value(piece)
        if found != nil { break }
        end -= 1
        while end > start, UTF8Reading.isContinuation(word[end]) { end -= 1 }
      }
      guard let found else {
        workspace.tokens.count = 0
        appendUnknown(word, workspace)
        return
      }
      workspace.tokens.append(found, length: end - start)
      start = end
    }
  }

  private func appendUnknown(_ word: UnsafeBufferPointer<UInt8>, _ workspace: Workspace) {
    if let unknown { workspace.tokens.append(unknown, length: word.count) } else { workspace.refuse(word) }
  }
}

/// A vocabulary of whole words.
struct WordLevelModel: Sendable {
  var words: ByteStringTable
  var unknown: Int32?

  func tokenize(_ word: UnsafeBufferPointer<UInt8>, _ workspace: Workspace) {
    workspace.tokens.count = 0
    if let id = words.value(word) ?? unknown {
      workspace.tokens.append(id, length: word.count)
    } else {
      workspace.refuse(word)
    }
  }
}

struct WordPieceRunner: WordTokenizer {
  let model: WordPieceModel
  let workspace: Workspace
  func tokenize(_ word: UnsafeBufferPointer<UInt8>) { model.tokenize(word, workspace) }
}

struct WordLevelRunner: WordTokenizer {
  let model: WordLevelModel
  let workspace: Workspace
  func tokenize(_ word: UnsafeBufferPointer<UInt8>) { model.tokenize(word, workspace) }
}
