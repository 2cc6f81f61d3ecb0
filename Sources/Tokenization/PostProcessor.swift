/// What surrounds a document's tokens: the `post_processor` of a tokenizer.json, for single sequences.
struct PostProcessor: Sendable {
  /// Leave white space at both ends of a token out of its range.
  struct Trimming: Sendable {
    /// The first token's single leading space is one that the pre-tokenizer added, and is no part of the text.
    var addsPrefixSpace: Bool
  }

  /// Applied in this order, before the special tokens are added.
  var trimmings: [Trimming] = []
  var prefix: [Int32] = []
  var suffix: [Int32] = []
}
