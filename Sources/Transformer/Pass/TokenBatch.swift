import Diagnostics

/// The tokens of some documents, laid end to end: never padded.
public struct TokenBatch: Sendable, Equatable {
  /// The tokens of all documents. Shape: [tokens].
  public let ids: [Int32]
  /// The number of tokens of each document, in the order in which they lie; each at least 1.
  public let lengths: [Int]
  /// The token type (segment) of each token, for models that know types; nil: all 0.
  public let types: [Int32]?
  /// Where each document begins, and at last the number of tokens. Shape: [documents + 1].
  public let starts: [Int]

  /// A batch of documents laid end to end.
  /// - Precondition: The lengths are at least 1 and sum to the number of tokens; as many types as tokens.
  public init(ids: [Int32], lengths: [Int], types: [Int32]? = nil) {
    var starts = [0]
    starts.reserveCapacity(lengths.count + 1)
    for length in lengths {
      precondition(length >= 1, "a document of \(length) tokens in a batch")
      starts.append(starts[starts.count - 1] + length)
    }
    precondition(starts.last == ids.count, "lengths sum to \(starts.last ?? 0), \(ids.count) tokens given")
    precondition(types.map { $0.count == ids.count } ?? true, "\(types?.count ?? 0) types for \(ids.count) tokens")
    self.ids = ids
    self.lengths = lengths
    self.types = types
    self.starts = starts
  }

  /// A batch of whole documents.
  /// - Precondition: Each has at least one token.
  public init(documents: [[Int32]]) {
    self.init(ids: documents.flatMap { $0 }, lengths: documents.map(\.count))
  }

  /// The number of tokens of all documents.
  public var count: Int { ids.count }
  public var documentCount: Int { lengths.count }
  /// Where a document's tokens lie.
  public func rows(of document: Int) -> Range<Int> { starts[document]..<starts[document + 1] }
}
