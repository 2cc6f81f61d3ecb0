/// How far a capture is.
public struct CaptureProgress: Sendable, Equatable {
  /// Documents (or pieces) and tokens in the store, those of an earlier part of the run included.
  public var documents: Int
  public var tokens: Int
  /// Tokens a second in this part of the run.
  public var tokensPerSecond: Double
  /// The part of the corpus's tokens that is done, as far as it was looked through before the start; nil for a stream.
  public var fraction: Double?
  /// Seconds until the end at this rate; nil where the corpus's size is not known.
  public var secondsLeft: Double?
}

/// What a capture did.
public struct CaptureSummary: Sendable, Equatable, Codable {
  /// Documents in the store, the rows that their pieces have in its document table, and their tokens.
  public var documents: Int
  public var pieces: Int
  public var tokens: Int
  /// Documents that were truncated, and how many of their tokens were left out.
  public var cutDocuments: Int
  public var cutTokens: Int
  /// Tokens that this part of the run computed, and the seconds it took.
  public var computedTokens: Int
  public var seconds: Double
  /// How long of that the computation waited for weights to be read from disk.
  public var secondsWaitingForWeights: Double
  /// How many tokens were computed at once.
  public var batchTokens: Int
  /// Documents left out since they were empty or had no token of their own.
  public var emptyDocuments: Int
  /// Documents left out since they were not UTF-8.
  public var invalidDocuments: Int
  /// Documents in whose texts, ids or labels U+0000 became U+FFFD, since a store's texts cannot hold it.
  public var documentsWithNUL: Int
  /// Whether the store was complete before, so that nothing was done.
  public var wasComplete: Bool
}
