import Diagnostics

/// The token that a vocabulary names for what it cannot spell but does not hold.
///
/// Such a tokenizer works as long as it never needs that token, and many do; so the complaint waits for the word.
struct MissingUnknownToken: Sendable {
  var file: String
  var place: String
  /// The token's name; nil where the file names none.
  var name: String?

  func fault(word: String) -> Fault {
    Fault(
      .badData, "tokenizer.missingUnknownToken",
      "A word is not in the vocabulary, and neither is the token for unknown words", file: file, place: place,
      expected: name.map { "\"\($0)\" among the vocabulary's tokens" } ?? "the name of an unknown token",
      found: "the word \"\(word.prefix(80))\" and no such token",
      advice: "add the token to the vocabulary, or leave the word out of the text")
  }
}
