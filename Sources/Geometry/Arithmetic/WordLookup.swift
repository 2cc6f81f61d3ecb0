import Diagnostics
import Tokenization

/// Finds the one token that a word is.
public struct WordLookup: Sendable {
  private let vectors: TokenVectors
  private let tokenizer: Tokenizer

  public init(_ vectors: TokenVectors, tokenizer: Tokenizer) {
    self.vectors = vectors
    self.tokenizer = tokenizer
  }

  /// The row of a word in the vectors, or nil where the word is no single token or has no vector.
  ///
  /// As it stands inside a text, behind a space, first; then at a text's beginning. Where only one of them has a vector,
  /// that one.
  public func row(of word: String) -> Int? {
    candidates(word).lazy.compactMap { vectors.row(of: $0) }.first
  }

  /// The row of a word.
  /// - Throws: `geometry.notOneToken` with the pieces that the word is made of, `geometry.absentToken` where the corpus
  ///   has none of it.
  public func requiredRow(of word: String) throws -> Int {
    if let row = row(of: word) { return row }
    guard !candidates(word).isEmpty else {
      let pieces = try tokenizer.encode(" " + word, addSpecialTokens: false).ids.map { tokenizer.text(of: $0) ?? "?" }
      throw Fault(
        .usage, "geometry.notOneToken", "The word is several tokens, so it has no vector of its own", place: word,
        expected: "one token", found: pieces.map { "\"\($0)\"" }.joined(separator: " + "),
        advice: "choose a word that the model's vocabulary holds whole")
    }
    throw Fault(
      .usage, "geometry.absentToken", "The word has no vector here", place: word,
      expected: "a word that occurs in the corpus",
      found: "it is one token, but it is not seen often enough", advice: "give more text, or use the input embedding")
  }

  private func candidates(_ word: String) -> [Int32] {
    [" " + word, word].compactMap { text in
      guard let ids = try? tokenizer.encode(text, addSpecialTokens: false).ids, ids.count == 1,
        ids[0] != tokenizer.unknownID
      else { return nil }
      return ids[0]
    }
  }
}

extension TokenVectors {
  /// A token's text without what spelling adds: spaces around it, capitals, marks of a continued word.
  static func plain(_ text: String) -> String {
    var text = text.lowercased()
    if text.hasPrefix("##") { text.removeFirst(2) }
    return String(text.drop { $0.isWhitespace }).trimmingTrailingWhitespace()
  }
}

extension String {
  fileprivate func trimmingTrailingWhitespace() -> String {
    var end = endIndex
    while end > startIndex, self[index(before: end)].isWhitespace { end = index(before: end) }
    return String(self[..<end])
  }
}
