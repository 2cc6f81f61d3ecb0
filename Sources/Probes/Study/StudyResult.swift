import Activations

/// What a study came to: the score of the whole procedure, each site's probes, the controls, and where in the depth the
/// concept arises.
public struct StudyResult: Codable, Sendable, Equatable {
  public var name: String
  public var settings: ProbeSettings
  public var origin: Origin
  public var classes: [String]
  /// Examples in all, of how many groups, and how many of them are judged.
  public var examples: Int
  public var groups: Int
  public var judged: Int
  /// In the order of the sites, at each site in the order of the methods.
  public var rows: [Row]
  /// The site and the method that the examples to learn from choose, of equal ones the first: those of the probe that is
  /// written. No score of theirs is quoted, since the choice has seen all examples that they are judged by.
  public var best: String
  public var bestMethod: ProbeSettings.Method
  /// What each split chose.
  public var choices: [Choice]
  /// The score of the procedure on examples that no choice has seen; of numbers, by the halves at their median.
  public var evaluation: Evaluation
  /// Where numbers are predicted.
  public var regression: RegressionEvaluation?
  /// Nil where no control was asked for.
  public var controls: ControlReport?
  public var depth: DepthProfile?

  /// A probe at one site by one method.
  public struct Row: Codable, Sendable, Equatable {
    public var site: String
    public var layer: Int?
    public var width: Int
    public var method: ProbeSettings.Method
    /// The mean balanced accuracy on folds of the examples to learn from; of numbers R².
    public var validation: Double?
    /// Scores on the examples held back.
    public var evaluation: Evaluation
    /// Of a method that predicts numbers.
    public var regression: RegressionEvaluation?
    public var strength: Double?
    public var iterations: Int
    public var converged: Bool
    /// k-sparse and principal components: how many numbers of a row the probe reads, and the scores at every size.
    public var size: Int?
    public var sizes: [SizeScore]?
    public var warnings: [ProbeWarning]
  }

  /// What one split's examples to learn from chose.
  public struct Choice: Codable, Sendable, Equatable {
    public var site: String
    public var method: ProbeSettings.Method
    /// C, or α of ridge regression; nil where the method has none.
    public var strength: Double?
    /// The score it was chosen by.
    public var validation: Double?
  }
}

extension StudyResult {
  /// What the score is.
  public var measure: Measure { regression == nil ? .balancedAccuracy : .r2 }
  /// The score to quote.
  public var score: Double { regression?.scores.r2 ?? evaluation.scores.balancedAccuracy }
  /// Its interval.
  public var interval: Interval? { regression?.intervals?.r2 ?? evaluation.intervals?.balancedAccuracy }
  /// What a guess scores.
  public var chance: Double { regression == nil ? 1 / Double(max(2, classes.count)) : 0 }
  /// Whether the labels do better than shuffled ones; nil where that was not tried.
  public var isFound: Bool? { controls?[.shuffledLabels]?.pValue.map { $0 <= 0.05 } }
  public var methods: [ProbeSettings.Method] { settings.methods }
  /// The row of the chosen site and method.
  public var bestRow: Row? { rows.first { $0.site == best && $0.method == bestMethod } }
}

extension StudyResult.Row {
  init(_ record: ProbeRecord) {
    self.init(
      site: record.site.name, layer: record.site.layer, width: record.site.width, method: record.settings.method,
      validation: record.validation, evaluation: record.evaluation, regression: record.regression,
      strength: record.fit.strength, iterations: record.fit.iterations, converged: record.fit.converged,
      size: record.fit.size, sizes: record.fit.sizes, warnings: record.warnings ?? [])
  }

  /// What sites are compared by: the score in the folds to learn from; without those, that on held-out examples.
  public var score: Double { validation ?? heldOutScore }

  /// The balanced accuracy on examples held back; of numbers R².
  public var heldOutScore: Double { regression?.scores.r2 ?? evaluation.scores.balancedAccuracy }

  /// The interval of `heldOutScore`.
  public var heldOutInterval: Interval? {
    regression.map { $0.intervals?.r2 } ?? evaluation.intervals?.balancedAccuracy
  }

  /// The site's name without its layer.
  public var kind: String {
    guard let layer, site.hasPrefix("blocks.\(layer).") else { return site }
    return String(site.dropFirst("blocks.\(layer).".count))
  }
}
