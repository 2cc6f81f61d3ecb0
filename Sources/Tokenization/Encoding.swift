/// A document's tokens, with the place in the document of each.
public struct Encoding: Sendable, Equatable {
  /// The tokens' ids.
  public var ids: [Int32]
  /// Where each token's text begins in the document, in Unicode scalars (what Python counts).
  public var starts: [Int32]
  /// Where each token's text ends in the document, in Unicode scalars; equal to the start for a token without text.
  public var ends: [Int32]
  /// Whether the tokenizer added the token around the text (such as a begin token), rather than finding it in the text.
  public var special: [Bool]

  public init(ids: [Int32] = [], starts: [Int32] = [], ends: [Int32] = [], special: [Bool] = []) {
    precondition(
      ids.count == starts.count && ids.count == ends.count && ids.count == special.count,
      "an encoding of \(ids.count) ids, \(starts.count) starts, \(ends.count) ends, \(special.count) flags")
    self.ids = ids
    self.starts = starts
    self.ends = ends
    self.special = special
  }

  /// The number of tokens.
  public var count: Int { ids.count }
}
