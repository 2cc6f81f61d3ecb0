/// Groups pieces into batches: as many in a row as fit the number of tokens, at least one. What is in a batch follows from
/// the pieces' order and that number alone, wherever a run begins at a batch's start.
struct BatchMaker {
  private let pieces: PieceReader
  private let batchTokens: Int
  /// The first piece that did not fit, and where the run would go on before it.
  private var upcoming: DocumentPiece?
  private var cursorBeforeNext: DocumentCursor
  private var began = false

  init(_ pieces: PieceReader, batchTokens: Int) {
    self.pieces = pieces
    self.batchTokens = batchTokens
    cursorBeforeNext = pieces.cursor
  }

  /// Where a run goes on behind the batches returned so far.
  var cursor: DocumentCursor { cursorBeforeNext }
  /// Whether no further batch will come.
  var isAtEnd: Bool { began && upcoming == nil }

  /// The next batch, or nil after the last.
  mutating func next() throws -> [DocumentPiece]? {
    if !began {
      began = true
      try advance()
    }
    var batch: [DocumentPiece] = []
    var tokens = 0
    while let piece = upcoming, batch.isEmpty || tokens + piece.ids.count <= batchTokens {
      batch.append(piece)
      tokens += piece.ids.count
      try advance()
    }
    return batch.isEmpty ? nil : batch
  }

  private mutating func advance() throws {
    cursorBeforeNext = pieces.cursor
    upcoming = try pieces.next()
  }
}
