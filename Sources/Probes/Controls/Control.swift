/// A way to be wrong about a probe, put to the test: what something that should know nothing of the concept achieves.
public enum Control: String, Codable, Sendable, CaseIterable {
  /// Always the most common class (or the mean).
  case majority
  /// Which tokens the example has, without a model; at token level the token's own type.
  case words
  /// The tokens' embeddings, pooled like the site: what the input alone gives away.
  case embedding
  /// The same sites of the same architecture with random weights.
  case randomWeights = "random-weights"
  /// Random directions of the sites in place of the probe's.
  case randomDirections = "random-directions"
  /// The best single neuron, against the best axis of the same activations rotated at random.
  case rotatedBasis = "rotated-basis"
  /// Labels that word types decide at random: of a token by its type (Hewitt & Liang), of a document by the sum over its types.
  case controlTask = "control-task"
  /// The labels shuffled, for a p-value.
  case shuffledLabels = "shuffled-labels"

  /// What tables call it.
  public var title: String {
    switch self {
    case .majority: "majority"
    case .words: "words alone"
    case .embedding: "embeddings alone"
    case .randomWeights: "random weights"
    case .randomDirections: "random directions"
    case .rotatedBasis: "rotated basis"
    case .controlTask: "control task"
    case .shuffledLabels: "shuffled labels"
    }
  }
}

/// What one control came to.
public struct ControlResult: Codable, Sendable, Equatable {
  public var control: Control
  /// What it is called where the title would mislead: at document level the control task is one of word sums.
  public var title: String
  /// What the numbers are.
  public var measure: Measure
  /// The control's score; of random directions and rotations the mean over draws, of shuffled labels over shuffles. Nil where it
  /// was not run.
  public var score: Double?
  /// The range over draws, or the score's interval.
  public var interval: Interval?
  /// The study's own score by the same measure on the same examples: what `score` is taken from.
  public var reference: Double?
  /// `reference` less `score`, over resamples of the same groups.
  public var difference: Difference?
  /// What a guess scores at a task of the control's own, and the range that chance leaves it.
  public var chance: Double?
  public var chanceInterval: Interval?
  /// Of shuffled labels and of rotations: the share of them, the true labels (or neurons) counted in, that do as well.
  public var pValue: Double?
  /// How many were tried for it.
  public var tries: Int?
  /// Of shuffled labels: whether each was put through the procedure itself; if not, a least-squares stand-in chose and
  /// judged.
  public var isExact: Bool?
  /// What was done.
  public var detail: String?
  /// Why it was not run.
  public var notRun: String?

  init(_ control: Control, measure: Measure, score: Double? = nil, detail: String? = nil, notRun: String? = nil) {
    self.control = control
    title = control.title
    self.measure = measure
    self.score = score
    self.detail = detail
    self.notRun = notRun
  }
}

/// A study beside its controls.
public struct ControlReport: Codable, Sendable, Equatable {
  public var results: [ControlResult]
  /// What the controls imply, a sentence each; each holds its difference and an interval that leaves 0 out.
  public var implications: [String]

  public subscript(control: Control) -> ControlResult? { results.first { $0.control == control } }
}
