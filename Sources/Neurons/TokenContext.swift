import Activations

/// A token as it stands in its document, with what a neuron did there.
public struct TokenInContext: Codable, Sendable, Equatable {
  /// The token's characters, with the white space before it; empty where it ends inside a character.
  public var text: String
  public var id: Int32
  /// The neuron's activation; nil where it was not read.
  public var value: Float?

  public init(text: String, id: Int32, value: Float? = nil) {
    self.text = text
    self.id = id
    self.value = value
  }
}

/// A place in the corpus where a neuron was active, with the tokens around it.
public struct NeuronExample: Codable, Sendable, Equatable {
  /// The document's id in the corpus.
  public var document: String
  public var label: String?
  /// The source's row of the token.
  public var row: Int
  /// The neuron's activation there.
  public var value: Float
  /// The tokens around it, in order.
  public var tokens: [TokenInContext]
  /// Which of `tokens` it is.
  public var marked: Int

  /// The marked token.
  public var token: TokenInContext? { tokens.indices.contains(marked) ? tokens[marked] : nil }
}

/// Writes tokens out with what stands around them.
struct ContextReader {
  let source: any ActivationSource
  let documents: DocumentTable
  /// Tokens shown before and after the marked one.
  let before: Int
  let after: Int
  private var scalars: (document: Int, text: [Unicode.Scalar])?
  /// A token's text by its id, for corpora without texts.
  let piece: (@Sendable (Int32) -> String)?

  init(
    source: any ActivationSource, before: Int = 12, after: Int = 6, piece: (@Sendable (Int32) -> String)? = nil
  ) throws {
    self.source = source
    self.before = before
    self.after = after
    self.piece = piece
    documents = try source.documents
  }

  /// The rows shown for a token: those of its own document.
  func window(around row: Int, document: Int) -> Range<Int> {
    let all = documents.tokens(of: document)
    return max(all.lowerBound, row - before)..<min(all.upperBound, row + after + 1)
  }

  /// The document that a token row belongs to. O(log n).
  func document(ofRow row: Int) -> Int {
    var low = 0
    var high = documents.count
    while low < high {
      let middle = (low + high) / 2
      if documents.firstTokens[middle] <= row { low = middle + 1 } else { high = middle }
    }
    // Empty documents begin where the next one does; the last that begins at or before the row holds it.
    return max(low - 1, 0)
  }

  /// The example at a row of tokens.
  mutating func example(row: Int, value: Float, values: [Int: Float] = [:]) throws -> NeuronExample {
    let document = document(ofRow: row)
    let window = window(around: row, document: document)
    var tokens = try tokens(in: window, document: document)
    for (offset, row) in window.enumerated() { tokens[offset].value = values[row] }
    tokens[row - window.lowerBound].value = value
    return NeuronExample(
      document: documents.ids[document],
      label: documents.labels[DocumentTable.defaultLabels]?[document]?.description, row: row, value: value,
      tokens: tokens, marked: row - window.lowerBound)
  }

  /// The example of a whole document, where the source is pooled.
  mutating func example(document: Int, value: Float) throws -> NeuronExample {
    let all = documents.tokens(of: document)
    let window = all.lowerBound..<min(all.upperBound, all.lowerBound + before + after)
    return NeuronExample(
      document: documents.ids[document],
      label: documents.labels[DocumentTable.defaultLabels]?[document]?.description, row: document, value: value,
      tokens: try tokens(in: window, document: document), marked: -1)
  }

  /// Tokens of one document with their characters.
  mutating func tokens(in rows: Range<Int>, document: Int) throws -> [TokenInContext] {
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
