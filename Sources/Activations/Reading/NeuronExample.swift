import Foundation

/// A place in the corpus where a neuron, or a feature of a dictionary, was active, with the tokens around it.
public struct NeuronExample: Codable, Sendable, Equatable {
  /// The document's id in the corpus.
  public var document: String
  public var label: String?
  /// The source's row of the token.
  public var row: Int
  /// The activation there.
  public var value: Float
  /// The tokens around it, in order.
  public var tokens: [TokenInContext]
  /// Which of `tokens` it is.
  public var marked: Int
  /// The place of the first of `tokens` in its document, or its piece of one.
  public var firstPosition: Int?

  /// The marked token.
  public var token: TokenInContext? { tokens.indices.contains(marked) ? tokens[marked] : nil }
}

extension ContextReader {
  /// The example at a row of tokens.
  package mutating func example(row: Int, value: Float, values: [Int: Float] = [:]) throws -> NeuronExample {
    let document = document(ofRow: row)
    let window = window(around: row, document: document)
    var tokens = try tokens(in: window, document: document)
    for (offset, row) in window.enumerated() { tokens[offset].value = values[row] }
    let marked = row - window.lowerBound
    tokens[marked].value = value
    // A token that ends inside a character is shown by its bytes, such as <0xEB>, which the vocabulary knows.
    if tokens[marked].text.isEmpty, let piece { tokens[marked].text = piece(tokens[marked].id) }
    return NeuronExample(
      document: documents.ids[document],
      label: documents.labels[DocumentTable.defaultLabels]?[document]?.description, row: row, value: value,
      tokens: tokens, marked: marked, firstPosition: window.lowerBound - documents.firstTokens[document])
  }

  /// The example of a whole document, where the source is pooled.
  package mutating func example(document: Int, value: Float) throws -> NeuronExample {
    let all = documents.tokens(of: document)
    let window = all.lowerBound..<min(all.upperBound, all.lowerBound + before + after)
    return NeuronExample(
      document: documents.ids[document],
      label: documents.labels[DocumentTable.defaultLabels]?[document]?.description, row: document, value: value,
      tokens: try tokens(in: window, document: document), marked: -1, firstPosition: 0)
  }
}

/// A token's characters without case and white space: what makes two tokens one word form. Bytes of a partial character
/// stay as they are written.
package func tokenForm(_ text: String) -> String {
  let shown = text.trimmingCharacters(in: .whitespaces)
  let trimmed = shown.hasPrefix("<0x") ? shown : shown.lowercased()
  return trimmed.isEmpty ? text : trimmed
}
