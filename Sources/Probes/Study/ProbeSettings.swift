import Diagnostics

/// Everything that a probe and its judgement depend on, but for the model and the labelled documents.
///
/// One type from a specification's keys and the flags of a command (`set(_:to:)`) through the study to the report and the
/// probe's file.
public struct ProbeSettings: Codable, Sendable, Equatable {
  /// How the classes are told apart, or a number predicted.
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Logistic regression over standardised columns; its penalty is L2, L1 or elastic net.
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

    /// The methods that tell classes apart.
    public static var classifiers: [Self] { allCases.filter { !$0.predictsNumbers } }

    /// The method that a word stands for; `svm` is short for `linear-svm`.
    public init?(word: String) {
      guard let method = Self(rawValue: word == "svm" ? Self.svm.rawValue : word) else { return nil }
      self = method
    }
  }

  /// What an example's target is.
  public enum Target: String, Codable, Sendable, CaseIterable {
    /// Its label, as a class.
    case label
    /// Its label, as a number to regress.
    case number
    /// The number of tokens of its document, special ones aside; no labels are needed.
    case textLength = "text-length"
    /// The token's place in its document; no labels are needed.
    case position

    public var isNumber: Bool { self != .label }
  }

  /// Which labels, of documents or tokens, and which of them are the concept.
  public var concept = Concept()
  public var target = Target.label
  /// As `--sites`; several are chosen among.
  public var sites = "embed,resid_post,mlp_post"
  /// As `--layers`.
  public var layers: String?
  public var pooling = Pooling.mean
  /// Classifiers to choose among. Numbers are predicted by ridge regression, whatever stands here.
  public var classifiers = [Method.logistic]
  /// The grid of scikit-learn's C, chosen from in the training folds; of ridge regression 1/α. Nil: the method's default.
  public var strengths: [Double]?
  /// What holds the weights of logistic regression back.
  public var penalty = LogisticRegression.Penalty.l2
  /// The share of ‖w‖₁ in the penalty of an elastic net, 0 to 1.
  public var l1Ratio = 0.5
  /// Whether the examples of rare classes count more; nil: the method's default.
  public var classWeights: ClassWeights?
  /// Where the line between two classes lies: where the method puts it, or where the balanced accuracy on held-out folds
  /// of the training examples is greatest.
  public var threshold = MassMean.Threshold.midpoint
  /// How a k-sparse probe chooses its columns.
  public var selector = ColumnSelector.meanDifference
  /// The numbers of columns that k-sparse probes try, and of components that principal components do; nil: the method's
  /// default.
  public var columns: [Int]?
  /// The folds of the training examples that all choices are made on.
  public var folds = 5
  /// With 2 or more, nested cross-validation: each of so many parts of the examples is held back once, every choice
  /// happens inside the others, and the probe itself learns from all. 0 holds back `testShare` once.
  public var outerFolds = 0
  /// The share of examples held back to judge by, in whole groups.
  public var testShare = 0.2
  public var controls = Control.allCases
  /// Shuffles of the labels; p is at least 1 / (shuffles + 1).
  public var shuffles = 999
  /// Where the screened p lies near 0.05, so many shuffles at most by the procedure itself; 0 for none.
  public var exactShuffles = 99
  /// Random directions (or bundles of as many as the probe has) drawn.
  public var directions = 20
  /// Random rotations of the neuron basis.
  public var rotations = 20
  /// The most token types that the words alone are learnt from, the most common of the examples.
  public var vocabulary = 2000
  /// Resamples of the bootstrap intervals; 0 leaves them out.
  public var resamples = 1000
  /// Whether tokens that the tokenizer added, such as the begin token, take part. Their norm drowns everything else.
  public var countsSpecialTokens = false
  /// A seeded choice of so many examples where there are more.
  public var maximumExamples = 50_000
  /// The largest component that the gradient of a minimised loss may keep.
  public var tolerance = 1e-5
  /// Whether logistic regressions bring columns to mean 0 and standard deviation 1 first.
  var standardizes = true
  /// Decides the split, the folds, the choice of examples, the controls and the bootstrap.
  public var seed: UInt64 = 0

  public init(
    concept: Concept = Concept(), target: Target = .label, pooling: Pooling = .mean,
    classifiers: [Method] = [.logistic],
    strengths: [Double]? = nil, folds: Int = 5, outerFolds: Int = 0, controls: [Control] = Control.allCases,
    seed: UInt64 = 0
  ) {
    self.concept = concept
    self.target = target
    self.pooling = pooling
    self.classifiers = classifiers
    self.strengths = strengths
    self.folds = folds
    self.outerFolds = outerFolds
    self.controls = controls
    self.seed = seed
  }

  /// Wide enough for sentence embeddings, which need C near 0.001, and for narrow models, which need C near 1.
  public static let defaultStrengths = [0.0001, 0.001, 0.01, 0.1, 1]
  /// The grid of α of ridge regression.
  public static let defaultPenalties = [1, 10, 100, 1e3, 1e4, 1e5]
}

extension ProbeSettings {
  /// The methods compared: ridge regression for numbers, else the classifiers, each once.
  public var methods: [Method] {
    guard !target.isNumber else { return [.ridge] }
    var methods: [Method] = []
    for classifier in classifiers where !methods.contains(classifier) { methods.append(classifier) }
    return methods.isEmpty ? [.logistic] : methods
  }

  /// The only method, or the first of several.
  public var method: Method { methods[0] }

  /// The same with one method alone.
  public func with(_ method: Method) -> ProbeSettings {
    var own = self
    if !method.predictsNumbers { own.classifiers = [method] }
    return own
  }

  var predictsNumbers: Bool { target.isNumber }
  var isCrossValidated: Bool { outerFolds >= 2 }
  var scoresAreLogOdds: Bool { method.scoresAreLogOdds && threshold == .midpoint }
  var bootstrap: GroupBootstrap { GroupBootstrap(resamples: resamples, seed: seed, isCrossValidated: isCrossValidated) }

  /// Of logistic regression, and what all methods that minimise a loss share.
  var logistic: LogisticRegression.Settings {
    .init(
      strengths: strengths ?? Self.defaultStrengths, folds: folds, tolerance: tolerance, standardize: standardizes,
      penalty: penalty, l1Ratio: l1Ratio, classWeights: classWeights ?? .none)
  }
  var sparse: SparseProbe.Settings {
    columns.map { .init(selector: selector, counts: $0) } ?? .init(selector: selector)
  }
  var components: PrincipalComponents.Settings { columns.map { .init(counts: $0) } ?? .init() }
  var ridge: RidgeRegression.Settings { .init(penalties: strengths.map { $0.map { 1 / $0 } } ?? Self.defaultPenalties) }

  /// How much the examples of each class count in this method; nil where weights have no part in it.
  public var usedClassWeights: ClassWeights? {
    switch method {
    case .logistic, .svm, .components: logistic.classWeights
    case .sparse: sparse.classWeights
    case .massMean, .lda, .ridge: nil
    }
  }

  /// Whether a choice of the method hangs on folds.
  var needsFolds: Bool { predictsNumbers ? ridge.penalties.count > 1 : logistic.strengths.count > 1 }

  /// Refuses what no study can use.
  ///
  /// - Throws: `probe.strength`, `probe.l1Ratio`, `probe.columnCount`, `probe.penalty`, `probe.maximumExamples`,
  ///   `probe.method`, `probe.folds`, `probe.amount`.
  public func validate() throws {
    try logistic.validate()
    try sparse.validate()
    try components.validate()
    try ridge.validate()
    guard maximumExamples >= 4 else {
      throw Fault(
        .usage, "probe.maximumExamples", "A probe needs examples to learn from", expected: "at least 4",
        found: "\(maximumExamples)")
    }
    if let wrong = methods.first(where: { $0.predictsNumbers != predictsNumbers }) {
      throw Fault(
        .usage, "probe.method", "This method predicts numbers, not labels",
        expected: "a classifier, or numbers as target",
        found: wrong.rawValue)
    }
    guard outerFolds == 0 || outerFolds >= 2 else {
      throw Fault(
        .usage, "probe.folds", "Cross-validation needs at least two folds", expected: "2 or more, or 0 for one split",
        found: "\(outerFolds)")
    }
    for (name, value) in [
      ("shuffles", shuffles), ("exact shuffles", exactShuffles), ("directions", directions), ("rotations", rotations),
      ("resamples", resamples),
    ] where !(0...100_000).contains(value) {
      throw Fault(
        .usage, "probe.amount", "A number of repetitions is out of range", place: name, expected: "0 to 100,000",
        found: "\(value)")
    }
  }
}

extension ProbeSettings {
  private enum CodingKeys: String, CodingKey {
    case concept, target, sites, layers, pooling, classifiers, strengths, penalty, l1Ratio, classWeights, threshold
    case selector, columns, folds, outerFolds, testShare, controls, shuffles, exactShuffles, directions, rotations
    case vocabulary, resamples, countsSpecialTokens, maximumExamples, tolerance, seed
  }

  /// Keys that a file lacks have their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    func read<Value: Decodable>(_ key: CodingKeys, _ path: WritableKeyPath<Self, Value>) throws {
      if let value = try values.decodeIfPresent(Value.self, forKey: key) { self[keyPath: path] = value }
    }
    try read(.concept, \.concept)
    try read(.target, \.target)
    try read(.sites, \.sites)
    layers = try values.decodeIfPresent(String.self, forKey: .layers)
    try read(.pooling, \.pooling)
    try read(.classifiers, \.classifiers)
    strengths = try values.decodeIfPresent([Double].self, forKey: .strengths)
    try read(.penalty, \.penalty)
    try read(.l1Ratio, \.l1Ratio)
    classWeights = try values.decodeIfPresent(ClassWeights.self, forKey: .classWeights)
    try read(.threshold, \.threshold)
    try read(.selector, \.selector)
    columns = try values.decodeIfPresent([Int].self, forKey: .columns)
    try read(.folds, \.folds)
    try read(.outerFolds, \.outerFolds)
    try read(.testShare, \.testShare)
    try read(.controls, \.controls)
    try read(.shuffles, \.shuffles)
    try read(.exactShuffles, \.exactShuffles)
    try read(.directions, \.directions)
    try read(.rotations, \.rotations)
    try read(.vocabulary, \.vocabulary)
    try read(.resamples, \.resamples)
    try read(.countsSpecialTokens, \.countsSpecialTokens)
    try read(.maximumExamples, \.maximumExamples)
    try read(.tolerance, \.tolerance)
    try read(.seed, \.seed)
  }
}
