import Activations

/// The ids of all tokens of a source, and their texts.
///
/// Memory: 4 bytes a token.
struct TokenTexts {
  let ids: [Int32]
  let documents: DocumentTable
  private let piece: @Sendable (Int32) -> String

  /// - Parameter piece: a token's text by its id; without, the id in brackets stands for it.
  init(_ source: any ActivationSource, piece: (@Sendable (Int32) -> String)?) throws {
    var ids: [Int32] = []
    ids.reserveCapacity(source.tokenCount)
    for start in stride(from: 0, to: source.tokenCount, by: 1 << 20) {
      ids += try source.tokens(in: start..<min(start + 1 << 20, source.tokenCount)).ids
    }
    self.ids = ids
    documents = try source.documents
    self.piece = piece ?? { "⟨\($0)⟩" }
  }

  func texts(_ rows: Range<Int>) -> [String] { ids[rows].map(piece) }

  /// The tokens shown around one, all of its document.
  func window(around row: Int, before: Int, after: Int) -> Range<Int> {
    let all = documents.tokens(of: documents.document(ofRow: row))
    return max(all.lowerBound, row - before)..<min(all.upperBound, row + after + 1)
  }
}
