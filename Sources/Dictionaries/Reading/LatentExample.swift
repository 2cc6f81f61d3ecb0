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

/// Writes out what stands around a row.
struct ExampleReader {
  private let source: any ActivationSource
  private let documents: DocumentTable
  private let piece: (@Sendable (Int32) -> String)?
  private let before: Int
  private let after: Int

  /// - Parameters:
  ///   - piece: a token's text by its id, for sources without texts.
  ///   - before: tokens before the one in question.
  init(
    source: any ActivationSource, before: Int = 12, after: Int = 6, piece: (@Sendable (Int32) -> String)? = nil
  ) throws {
    self.source = source
    documents = try source.documents
    self.piece = piece
    self.before = before
    self.after = after
  }

  func example(row: Int, value: Float) throws -> LatentExample {
    let document = source.rowKind == .token ? self.document(ofRow: row) : row
    let all = documents.tokens(of: document)
    let label = documents.labels[DocumentTable.defaultLabels]?[document]?.description
    // A pooled row stands for its whole document: its beginning is shown.
    let marked = source.rowKind == .token ? row : all.lowerBound
    let window = max(all.lowerBound, marked - before)..<max(min(all.upperBound, marked + after + 1), marked)
    let texts = try texts(of: window, document: document)
    let place = marked - window.lowerBound
    return LatentExample(
      document: documents.ids[document], label: label, row: row, value: value,
      before: texts.prefix(place).joined(), token: place < texts.count ? texts[place] : "",
      after: texts.dropFirst(place + 1).joined())
  }

  /// The document that a row belongs to. O(log n).
  private func document(ofRow row: Int) -> Int {
    var low = 0
    var high = documents.count
    while low < high {
      let middle = (low + high) / 2
      if documents.firstTokens[middle] <= row { low = middle + 1 } else { high = middle }
    }
    return max(low - 1, 0)
  }

  /// The characters of some tokens of a document, each with the white space before it.
  private func texts(of rows: Range<Int>, document: Int) throws -> [String] {
    let table = try source.tokens(in: rows)
    guard let text = try source.text(ofDocument: document).map({ Array($0.unicodeScalars) }) else {
      return table.ids.map { piece?($0) ?? "⟨\($0)⟩" }
    }
    var shown: Int?
    return (0..<table.count).map { index in
      guard table.special[index] == 0 else { return "" }
      let end = min(max(Int(table.ends[index]), 0), text.count)
      let start = min(max(shown ?? Int(table.starts[index]), 0), end)
      shown = max(end, shown ?? end)
      var characters = String.UnicodeScalarView()
      characters.append(contentsOf: text[start..<end])
      return String(characters)
    }
  }
}
