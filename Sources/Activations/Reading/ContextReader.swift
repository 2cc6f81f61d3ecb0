/// A token as it stands in its document, with what was read there.
public struct TokenInContext: Codable, Sendable, Equatable {
  /// The token's characters, with the white space before it; empty where it ends inside a character.
  public var text: String
  public var id: Int32
  /// A value that was read at the token; nil where none was.
  public var value: Float?
  /// Nats that the model loses on the token, given those before it; nil where that was not computed.
  public var loss: Double?

  public init(text: String, id: Int32, value: Float? = nil, loss: Double? = nil) {
    self.text = text
    self.id = id
    self.value = value
    self.loss = loss
  }
}

/// Writes tokens out with what stands around them: the one way from a row of a source back to its text.
package struct ContextReader {
  package let source: any ActivationSource
  package let documents: DocumentTable
  /// Tokens shown before and after the marked one.
  package let before: Int
  package let after: Int
  private var scalars: (document: Int, text: [Unicode.Scalar])?
  /// A token's text by its id, for corpora without texts and for tokens that end inside a character.
  package let piece: (@Sendable (Int32) -> String)?

  package init(
    source: any ActivationSource, before: Int = 12, after: Int = 6, piece: (@Sendable (Int32) -> String)? = nil
  ) throws {
    self.source = source
    self.before = before
    self.after = after
    self.piece = piece
    documents = try source.documents
  }

  /// The rows shown for a token: those of its own document.
  package func window(around row: Int, document: Int) -> Range<Int> {
    let all = documents.tokens(of: document)
    return max(all.lowerBound, row - before)..<min(all.upperBound, row + after + 1)
  }

  /// The first places whose contexts, token by token, are not those of an earlier one: a text that a corpus has twice is
  /// shown once.
  package func distinct<Place>(_ places: [Place], count: Int, row: (Place) -> Int) throws -> [Place] {
    var seen = Set<[Int32]>()
    var found: [Place] = []
    for place in places {
      guard found.count < count else { break }
      let row = row(place)
      let window =
        source.rowKind == .token
        ? window(around: row, document: document(ofRow: row)) : documents.tokens(of: row).prefix(before + after)
      let ids = window.isEmpty ? [Int32(truncatingIfNeeded: row)] : try source.tokens(in: window).ids
      if seen.insert(ids).inserted { found.append(place) }
    }
    return found
  }

  /// The document that a token row belongs to. O(log n).
  package func document(ofRow row: Int) -> Int { documents.document(ofRow: row) }

  /// Tokens of one document with their characters.
  package mutating func tokens(in rows: Range<Int>, document: Int) throws -> [TokenInContext] {
    let table = try source.tokens(in: rows)
    if scalars?.document != document {
      scalars = try source.text(ofDocument: document).map { (document, Array($0.unicodeScalars)) }
    }
    guard let text = scalars?.text else {
      return table.ids.map { TokenInContext(text: piece?($0) ?? "⟨\($0)⟩", id: $0) }
    }
    // What lies between two tokens (white space that the tokenizer dropped) is shown before the second.
    var shown: Int?
    if rows.lowerBound > documents.firstTokens[document] {
      let previous = try source.tokens(in: rows.lowerBound - 1..<rows.lowerBound)
      if previous.special[0] == 0 { shown = Int(previous.ends[0]) }
    }
    return (0..<table.count).map { index in
      if table.special[index] != 0 {
        return TokenInContext(text: piece?(table.ids[index]) ?? "", id: table.ids[index])
      }
      let end = min(max(Int(table.ends[index]), 0), text.count)
      let start = min(max(shown ?? Int(table.starts[index]), 0), end)
      shown = max(end, shown ?? end)
      var characters = String.UnicodeScalarView()
      characters.append(contentsOf: text[start..<end])
      return TokenInContext(text: String(characters), id: table.ids[index])
    }
  }
}
