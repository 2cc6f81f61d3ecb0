import Activations

/// A place in the corpus where a latent was active, with the text around it.
public struct LatentExample: Codable, Sendable, Equatable {
  /// The document's id in the corpus.
  public var document: String
  public var label: String?
  /// The source's row of the token.
  public var row: Int
  /// The latent's value there.
  public var value: Float
  /// The text before the token, the token's own, and the text behind it.
  public var before: String
  public var token: String
  public var after: String
}

extension ContextReader {
  /// What stands around a row; a pooled row stands for its whole document, whose beginning is shown.
  mutating func latentExample(row: Int, value: Float) throws -> LatentExample {
    let isToken = source.rowKind == .token
    let document = isToken ? self.document(ofRow: row) : row
    let marked = isToken ? row : documents.tokens(of: document).lowerBound
    let window = window(around: marked, document: document)
    let texts = try tokens(in: window, document: document).map(\.text)
    let place = marked - window.lowerBound
    return LatentExample(
      document: documents.ids[document], label: documents.labels[DocumentTable.defaultLabels]?[document]?.description,
      row: row, value: value, before: texts.prefix(place).joined(), token: place < texts.count ? texts[place] : "",
      after: texts.dropFirst(place + 1).joined())
  }
}
