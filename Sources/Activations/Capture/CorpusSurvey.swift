/// What a corpus holds, counted before a run as far as that is cheap.
struct CorpusSurvey: Sendable, Equatable {
  /// Tokens and pieces of the whole corpus; an estimate where it was not read to its end.
  var tokens: Int
  var pieces: Int
  /// The longest piece seen, in tokens.
  var longest: Int
  var isComplete: Bool

  /// The bytes of a corpus that are looked through.
  static let limit = 32 << 20

  /// Reads and tokenizes the start of a corpus; nil for a stream, which can be read only once.
  init?(of corpus: Corpus, cutter: DocumentCutter, share: CaptureSettings.Share?) throws {
    guard !corpus.isStream else { return nil }
    let reader = try PieceReader(corpus, cutter: cutter, share: share, cursor: DocumentCursor())
    (tokens, pieces, longest, isComplete) = (0, 0, 0, true)
    while let piece = try reader.next() {
      tokens += piece.ids.count
      pieces += 1
      longest = max(longest, piece.ids.count)
      let bytes = reader.reader.bytesRead
      guard bytes > Self.limit, let total = corpus.byteCount, bytes < total else { continue }
      isComplete = false
      tokens = Int(Double(tokens) * Double(total) / Double(bytes))
      pieces = Int(Double(pieces) * Double(total) / Double(bytes))
      return
    }
  }
}
