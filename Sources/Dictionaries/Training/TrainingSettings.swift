import Foundation

/// How a training run reads its data and keeps its state.
public struct TrainingSettings: Codable, Sendable, Equatable {
  /// The site that is read, by its full name.
  public var site: String
  /// The site that a transcoder predicts; nil for an autoencoder.
  public var target: String?
  /// The sites that a crosscoder reads and rebuilds together; nil of other dictionaries.
  public var crosscoder: [String]?
  /// Tokens in a step.
  public var batch = 4096
  /// Tokens to train on, repeating the data as often as needed; nil: the data once.
  public var tokens: Int?
  /// Tokens held in memory and shuffled together; nil: what 256 MiB hold, at least four batches.
  public var shuffledTokens: Int?
  /// Consecutive tokens that are read at once; the order of these runs is random too.
  public var runTokens = 1024
  /// The seed of the data's order.
  public var seed: UInt64 = 0
  /// Whether begin tokens and others that the tokenizer added take part.
  public var countsSpecialTokens = false
  /// Tokens whose norm exceeds so many times the median norm are left out; nil for none.
  public var outlierNorm: Float? = 10
  /// Steps between checkpoints; nil: only at the end and when stopped.
  public var checkpointSteps: Int? = 1000
  /// Steps between lines of metrics.
  public var metricSteps = 50

  public init(site: String, target: String? = nil) {
    self.site = site
    self.target = target
  }

  /// For a crosscoder of several sites.
  public init(crosscoder sites: [String]) {
    site = JoinedSites.name(of: sites)
    crosscoder = sites
  }
}
