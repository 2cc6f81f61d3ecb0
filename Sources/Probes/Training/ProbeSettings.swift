import Diagnostics

/// Every choice that a probe's training depends on.
public struct ProbeSettings: Codable, Sendable, Equatable {
  /// How the classes are told apart.
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Logistic regression with an L2 penalty over standardised columns.
    case logistic
    /// The direction between the classes' means.
    case massMean = "mass-mean"
  }

  public var concept: Concept
  public var pooling: Pooling
  public var method: Method
  public var logistic: LogisticRegression.Settings
  public var threshold: MassMean.Threshold
  /// Whether tokens that the tokenizer added, such as the begin token, take part. Their norm drowns everything else.
  public var specialTokens: Bool
  /// The share of examples held back to judge by, in whole groups.
  public var testShare: Double
  public var bootstrap: Evaluation.Bootstrap
  /// A seeded choice of so many examples where there are more, which bounds memory: a site takes 4 bytes a value.
  public var maximumExamples: Int
  /// Decides the split, the folds, the choice of examples and the bootstrap.
  public var seed: UInt64

  public init(
    concept: Concept = Concept(), pooling: Pooling = .mean, method: Method = .logistic,
    logistic: LogisticRegression.Settings = .init(), threshold: MassMean.Threshold = .midpoint,
    specialTokens: Bool = false, testShare: Double = 0.2, bootstrap: Evaluation.Bootstrap = .init(),
    maximumExamples: Int = 50_000, seed: UInt64 = 0
  ) {
    self.concept = concept
    self.pooling = pooling
    self.method = method
    self.logistic = logistic
    self.threshold = threshold
    self.specialTokens = specialTokens
    self.testShare = testShare
    self.bootstrap = bootstrap
    self.maximumExamples = maximumExamples
    self.seed = seed
  }

  func validate() throws {
    try logistic.validate()
    guard maximumExamples >= 4 else {
      throw Fault(
        .usage, "probe.maximumExamples", "A probe needs examples to learn from", expected: "at least 4",
        found: "\(maximumExamples)")
    }
  }
}
