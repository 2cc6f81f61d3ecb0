import Diagnostics

/// Every choice that a probe's training depends on.
public struct ProbeSettings: Codable, Sendable, Equatable {
  /// How the classes are told apart, or a number predicted.
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Logistic regression over standardised columns; `logistic` holds its penalty: L2, L1 or elastic net.
    case logistic
    /// The direction between the classes' means.
    case massMean = "mass-mean"
    /// The direction between the means tilted by the pooled, shrunk covariance.
    case lda
    /// A linear support vector machine with the squared hinge.
    case svm = "linear-svm"
    /// Logistic regression on a few columns that a selector chooses.
    case sparse = "k-sparse"
    /// Logistic regression on the first principal components: directions that were found without labels.
    case components = "principal-components"
    /// Ridge regression: labels are numbers, which it predicts.
    case ridge

    /// Whether labels are numbers to predict.
    public var predictsNumbers: Bool { self == .ridge }
    /// Whether scores are log-odds, so that their calibration can be judged.
    var scoresAreLogOdds: Bool {
      switch self {
      case .logistic, .lda, .sparse, .components: true
      case .massMean, .svm, .ridge: false
      }
    }
  }

  public var concept: Concept
  public var pooling: Pooling
  public var method: Method
  /// Strengths, folds, tolerance and class weights of every method that minimises a loss (`logistic`, `svm`, `sparse`,
  /// `components`); its folds are those of all methods, and its penalty that of logistic regression.
  public var logistic: LogisticRegression.Settings
  public var lda: LinearDiscriminant.Settings
  public var sparse: SparseProbe.Settings
  public var components: PrincipalComponents.Settings
  public var ridge: RidgeRegression.Settings
  /// Where the line between two classes lies: where the method puts it, or where the balanced accuracy on held-out folds
  /// of the training examples is greatest.
  public var threshold: MassMean.Threshold
  /// Whether tokens that the tokenizer added, such as the begin token, take part. Their norm drowns everything else.
  public var specialTokens: Bool
  /// The share of examples held back to judge by, in whole groups.
  public var testShare: Double
  /// With 2 or more, every example is judged by a probe that has not seen it: nested cross-validation, in which each of
  /// so many parts is held back once, all choices happen inside the others, and the probe itself learns from all. 0 holds
  /// back `testShare` once.
  public var outerFolds: Int
  public var bootstrap: Evaluation.Bootstrap
  /// A seeded choice of so many examples where there are more, which bounds memory: a site takes 4 bytes a value.
  public var maximumExamples: Int
  /// Decides the split, the folds, the choice of examples and the bootstrap.
  public var seed: UInt64

  public init(
    concept: Concept = Concept(), pooling: Pooling = .mean, method: Method = .logistic,
    logistic: LogisticRegression.Settings = .init(), lda: LinearDiscriminant.Settings = .init(),
    sparse: SparseProbe.Settings = .init(), components: PrincipalComponents.Settings = .init(),
    ridge: RidgeRegression.Settings = .init(), threshold: MassMean.Threshold = .midpoint,
    specialTokens: Bool = false, testShare: Double = 0.2, outerFolds: Int = 0,
    bootstrap: Evaluation.Bootstrap = .init(),
    maximumExamples: Int = 50_000, seed: UInt64 = 0
  ) {
    self.concept = concept
    self.pooling = pooling
    self.method = method
    self.logistic = logistic
    self.lda = lda
    self.sparse = sparse
    self.components = components
    self.ridge = ridge
    self.threshold = threshold
    self.specialTokens = specialTokens
    self.testShare = testShare
    self.outerFolds = outerFolds
    self.bootstrap = bootstrap
    self.maximumExamples = maximumExamples
    self.seed = seed
  }

  /// Keys that older files lack have their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      concept: try values.decode(Concept.self, forKey: .concept),
      pooling: try values.decode(Pooling.self, forKey: .pooling),
      method: try values.decode(Method.self, forKey: .method),
      logistic: try values.decode(LogisticRegression.Settings.self, forKey: .logistic),
      lda: try values.decodeIfPresent(LinearDiscriminant.Settings.self, forKey: .lda) ?? .init(),
      sparse: try values.decodeIfPresent(SparseProbe.Settings.self, forKey: .sparse) ?? .init(),
      components: try values.decodeIfPresent(PrincipalComponents.Settings.self, forKey: .components) ?? .init(),
      ridge: try values.decodeIfPresent(RidgeRegression.Settings.self, forKey: .ridge) ?? .init(),
      threshold: try values.decode(MassMean.Threshold.self, forKey: .threshold),
      specialTokens: try values.decode(Bool.self, forKey: .specialTokens),
      testShare: try values.decode(Double.self, forKey: .testShare),
      outerFolds: try values.decodeIfPresent(Int.self, forKey: .outerFolds) ?? 0,
      bootstrap: try values.decode(Evaluation.Bootstrap.self, forKey: .bootstrap),
      maximumExamples: try values.decode(Int.self, forKey: .maximumExamples),
      seed: try values.decode(UInt64.self, forKey: .seed))
  }

  /// Whether a choice of the method hangs on folds.
  var needsFolds: Bool { method.predictsNumbers ? ridge.penalties.count > 1 : logistic.strengths.count > 1 }

  var scoresAreLogOdds: Bool { method.scoresAreLogOdds && threshold == .midpoint }

  func validate() throws {
    try logistic.validate()
    try lda.validate()
    try sparse.validate()
    try components.validate()
    try ridge.validate()
    guard maximumExamples >= 4 else {
      throw Fault(
        .usage, "probe.maximumExamples", "A probe needs examples to learn from", expected: "at least 4",
        found: "\(maximumExamples)")
    }
    guard outerFolds == 0 || outerFolds >= 2 else {
      throw Fault(
        .usage, "probe.folds", "Cross-validation needs at least two folds", expected: "2 or more, or 0 for one split",
        found: "\(outerFolds)")
    }
  }
}
