/// A way to be wrong about a probe, put to the test: what something that should know nothing of the concept achieves.
public enum Control: String, Codable, Sendable, CaseIterable {
  /// Always the commonest class (or the mean).
  case majority
  /// A classifier on which tokens the example has, without a model; at token level on the token's own type.
  case bagOfTokens = "bag-of-tokens"
  /// A classifier on the tokens' embeddings, pooled like the site: what the input alone gives away.
  case embedding
  /// The same site of the same architecture with random weights.
  case randomWeights = "random-weights"
  /// Random directions of the site in place of the probe's.
  case randomDirections = "random-directions"
  /// The best single neuron, against the best axis of the same activations rotated at random.
  case rotatedBasis = "rotated-basis"
  /// Hewitt & Liang's: random labels that only a memory of word types can learn.
  case controlTask = "control-task"
  /// The labels shuffled, for a p-value.
  case shuffledLabels = "shuffled-labels"

  /// What tables call it.
  public var title: String {
    switch self {
    case .majority: "majority"
    case .bagOfTokens: "bag of tokens"
    case .embedding: "embeddings alone"
    case .randomWeights: "random weights"
    case .randomDirections: "random directions"
    case .rotatedBasis: "rotated basis"
    case .controlTask: "control task"
    case .shuffledLabels: "shuffled labels"
    }
  }
}

/// How much work the controls do.
public struct ControlSettings: Codable, Sendable, Equatable {
  public var controls: [Control]
  /// Random directions (or bundles of as many as the probe has) drawn.
  public var directions: Int
  /// Random rotations of a neuron basis.
  public var rotations: Int
  /// Shuffles of the labels; p is at least 1 / (shuffles + 1).
  public var shuffles: Int
  /// The most token types that the bag of tokens knows, the commonest of the training examples.
  public var vocabulary: Int
  /// The most training examples that shuffles and single neurons are judged with.
  public var examples: Int

  public init(
    controls: [Control] = Control.allCases, directions: Int = 20, rotations: Int = 3, shuffles: Int = 999,
    vocabulary: Int = 2000, examples: Int = 4000
  ) {
    self.controls = controls
    self.directions = directions
    self.rotations = rotations
    self.shuffles = shuffles
    self.vocabulary = vocabulary
    self.examples = examples
  }
}

/// What one control came to.
public struct ControlResult: Codable, Sendable, Equatable {
  public var control: Control
  /// In the measure of the report; of random directions the mean, of the rotated basis the best axis's AUROC. Nil
  /// where it was not run.
  public var score: Double?
  /// The range over repetitions, or of a bootstrap.
  public var interval: Interval?
  /// The probe's own score in the same terms, where it isn't the report's: of the rotated basis, the best neuron's.
  public var reference: Double?
  /// Of shuffled labels: the share of shuffles, the true labels counted in, that do as well.
  public var pValue: Double?
  /// Of the control task: the probe's accuracy less the control task's.
  public var selectivity: Double?
  /// What was done: such as how many shuffles.
  public var detail: String?
  /// Why it was not run.
  public var notRun: String?

  public init(
    _ control: Control, score: Double? = nil, interval: Interval? = nil, reference: Double? = nil,
    pValue: Double? = nil, selectivity: Double? = nil, detail: String? = nil, notRun: String? = nil
  ) {
    self.control = control
    self.score = score
    self.interval = interval
    self.reference = reference
    self.pValue = pValue
    self.selectivity = selectivity
    self.detail = detail
    self.notRun = notRun
  }
}

/// A probe beside its controls.
public struct ControlReport: Codable, Sendable, Equatable {
  /// The site whose probe is judged.
  public var site: String
  public var layer: Int?
  /// What `score` and the controls' scores are: `balanced accuracy` or `R²`.
  public var measure: String
  public var score: Double
  public var interval: Interval?
  public var results: [ControlResult]
  /// What the controls imply, a sentence each.
  public var implications: [String]

  public subscript(control: Control) -> ControlResult? { results.first { $0.control == control } }
}
