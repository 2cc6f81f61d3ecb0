import Activations
import Diagnostics
import LinearAlgebra

/// A classifier for one site of one model, and everything needed to trust it: where it comes from and how it scored.
public struct Probe: Sendable, Equatable {
  /// In the units of the site itself: a row's scores are weights · row + bias.
  public var classifier: LinearClassifier
  /// The columns' means and standard deviations over the rows learnt from.
  public var standardization: Standardization
  public var record: ProbeRecord

  /// The direction of the concept: the weights of a probe with two classes; with more, those of one class.
  public func direction(ofClass number: Int = 1) -> [Float] {
    classifier.weights.row(classifier.weights.rows == 1 ? 0 : number)
  }
}

/// What a probe file says about its probe.
public struct ProbeRecord: Codable, Sendable, Equatable {
  /// The classes; of two, the second is the concept.
  public var classes: [String]
  public var site: StoredSite
  public var settings: ProbeSettings
  /// The model and corpus whose activations were learnt from.
  public var origin: Origin
  /// Examples learnt from, and of how many groups.
  public var trainingExamples: Int
  public var trainingGroups: Int
  /// Documents without a label or without tokens, which took no part.
  public var unlabelledDocuments: Int
  public var emptyDocuments: Int
  /// Scores on the examples held back.
  public var evaluation: Evaluation
  /// The mean balanced accuracy on held-out folds of the training examples: what to choose between sites by.
  /// Of a regression the mean R².
  public var validation: Double?
  public var fit: FitRecord
  /// The controls that the probe was held against; nil where none were run.
  public var controls: ControlReport?
  /// Each direction as a signed sum of columns, with the AUROC that its first terms keep.
  public var sums: [SignedSum]?
  /// How far the direction depends on examples and seed, where repeats were asked for.
  public var stability: Stability?
  /// How the scores grow with the examples learnt from, where that was asked for.
  public var learningCurve: LearningCurve?
  /// Of a method that predicts numbers: how near they are. `evaluation` then judges the prediction's side of the median
  /// number, and `classes` are the halves.
  public var regression: RegressionEvaluation?
  /// The scores of each outer fold, where examples were judged by cross-validation.
  public var foldScores: [Scores]?
  /// What a reader of the scores must know.
  public var warnings: [ProbeWarning]?

  /// How the fit went; for a method that minimises nothing, `converged`.
  public struct FitRecord: Codable, Sendable, Equatable {
    /// The C used.
    public var strength: Double?
    /// The mean loss on held-out folds for each C tried; of ridge regression the mean squared error for each α.
    public var strengthLosses: [LogisticRegression.StrengthLoss] = []
    public var iterations = 0
    public var converged = true
    /// LDA: each class's shrinkage.
    public var shrinkage: [Double]?
    /// Ridge regression: the α used.
    public var penalty: Double?
    /// k-sparse and principal components: how many numbers of a row the probe reads.
    public var size: Int?
    /// The same: every size tried, with its scores.
    public var sizes: [SizeScore]?
    /// k-sparse: the columns read, best first.
    public var columns: [Int]?
  }
}

/// Something about the examples or the fit without which scores mislead.
public struct ProbeWarning: Codable, Sendable, Equatable {
  /// A stable name, such as `probe.imbalanced`.
  public var name: String
  /// One sentence, with the numbers.
  public var message: String
}

extension Probe {
  /// Refuses rows of another site or another model, whose directions mean something else.
  ///
  /// - Throws: `probe.otherModel`, `probe.otherSite`, `probe.width`.
  public func requireMatch(origin: Origin, site: StoredSite) throws {
    guard origin.isOfSameModel(as: record.origin) else {
      throw Fault(
        .badData, "probe.otherModel", "The probe was trained on another model",
        expected: "\(record.origin.model) (\(ModelIdentity.short(record.origin.modelDigest)))",
        found: "\(origin.model) (\(ModelIdentity.short(origin.modelDigest)))",
        advice: "train a probe on this model, or apply this one to a store of its own")
    }
    guard site.name == record.site.name else {
      throw Fault(
        .badData, "probe.otherSite", "The probe was trained at another site", expected: record.site.name,
        found: site.name, advice: "capture \(record.site.name) and apply the probe there")
    }
    guard site.width == classifier.width else {
      throw Fault(
        .badData, "probe.width", "The site's rows have another width than the probe", place: site.name,
        expected: "\(classifier.width)", found: "\(site.width)")
    }
  }

  /// Scores every row of the probe's site, in the source's order; of a site inside an expert, through `RoutedTokens`.
  ///
  /// - Returns: [rows, 1] with two classes (above 0: the second), else [rows, classes].
  /// - Throws: `probe.otherModel`, `probe.otherSite`, and what reading throws.
  public func apply(to source: some ActivationSource) throws -> Matrix {
    guard let site = source.sites.first(where: { $0.name == record.site.name }) else {
      throw Fault(
        .badData, "probe.otherSite", "The source does not hold the site that the probe reads",
        expected: record.site.name, found: source.sites.map(\.name).prefix(8).joined(separator: ", "),
        advice: "capture \(record.site.name)")
    }
    try requireMatch(origin: source.origin, site: site)
    let columns = classifier.bias.count
    var scores = Matrix(zeros: source.rowCount, columns: columns)
    try source.stream([site.name], maximumRows: max(64, (8 << 20) / max(site.width, 1))) { block in
      let own = classifier.scores(of: block.values[0])
      scores.elements.replaceSubrange(
        block.rows.lowerBound * columns..<block.rows.upperBound * columns, with: own.elements)
    }
    return scores
  }

  /// Judges the probe on the labels of a source, such as another corpus through the same model.
  ///
  /// Examples, pooling and special tokens are treated as in training; labels that the probe doesn't know are an error.
  ///
  /// - Throws: `probe.otherModel`, `probe.otherSite`, `probe.unknownLabel`, and what training throws.
  public func evaluate(
    on source: some ActivationSource, concept: Concept? = nil
  ) throws -> Evaluation {
    if let own = try source.throughExpert(of: [record.site.name]) {
      return try evaluate(on: own, concept: concept)
    }
    let settings = record.settings
    let site = try source.site(named: record.site.name)
    try requireMatch(origin: source.origin, site: site)
    let examples = try Examples(
      concept ?? settings.concept, of: source, specialTokens: settings.countsSpecialTokens,
      numeric: settings.predictsNumbers, most: settings.maximumExamples, seed: settings.seed)
    let pooling = settings.concept.level == .document && source.rowKind == .token ? settings.pooling : nil
    let labels =
      settings.predictsNumbers
      ? examples.labels
      : try examples.labels.map { label -> Int32 in
        let name = examples.classes[Int(label)]
        guard let number = record.classes.firstIndex(of: name) else {
          throw Fault(
            .badData, "probe.unknownLabel", "The probe does not know a label of this source",
            expected: "one of \(record.classes.joined(separator: ", "))", found: name,
            advice: "name the positive label that the probe was trained for")
        }
        return Int32(number)
      }
    let rows = try examples.activations(
      of: [site], in: source, order: Array(0..<examples.count), pooling: pooling)
    return Evaluation(
      scores: classifier.scores(of: rows[0]).less(examples.median), labels: labels, groups: examples.groups,
      classes: examples.median == nil ? record.classes : examples.classes,
      majorityClass: record.evaluation.majorityClass,
      bootstrap: GroupBootstrap(resamples: settings.resamples, seed: settings.seed),
      scoresAreLogOdds: settings.scoresAreLogOdds)
  }
}
