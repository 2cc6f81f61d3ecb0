/// Which experts a corpus wakes, and for which concepts.
public struct ExpertProfile: Codable, Sendable, Equatable {
  /// How often tokens of one concept wake an expert.
  public struct Concept: Codable, Sendable, Equatable {
    public var label: String
    /// The concept's tokens, and those of them that wake the expert.
    public var tokens: Int
    public var awake: Int
    /// Their share, to be held against the expert's base rate.
    public var share: Double
    /// The share's interval against the base rate; nil where there are too few documents or tokens for one.
    public var low: Double?
    public var high: Double?
    /// The share divided by the base rate, and the interval's ends so divided.
    public var lift: Double
    public var liftLow: Double?
    public var liftHigh: Double?

    /// Whether the interval leaves the base rate out.
    public var excludesBase: Bool { (liftLow ?? 1) > 1 || (liftHigh ?? 1) < 1 }
  }

  public struct Expert: Codable, Sendable, Equatable {
    public var layer: Int
    public var expert: Int
    /// The tokens that wake it, and their share of all.
    public var tokens: Int
    public var share: Double
    /// The same share among the tokens that have a concept or are compared with those; nil without concepts.
    public var baseRate: Double?
    /// First the concept that surely wakes it most: by the interval's lower end, over the base rate.
    public var concepts: [Concept]

    /// `L3.E5`.
    public var name: String { "L\(layer).E\(expert)" }
  }

  public struct Layer: Codable, Sendable, Equatable {
    public var layer: Int
    public var experts: Int
    /// How many of them a token wakes.
    public var active: Int
    /// The entropy of the router's distribution over the experts, in nats, the mean over tokens; nil where the source
    /// holds no router logits.
    public var routerEntropy: Double?
    /// The entropy of the average load: of the experts' shares of all wakings.
    public var loadEntropy: Double
    /// The largest that both could be: ln experts.
    public var largestEntropy: Double
    public var neverWoken: [Int]
  }

  public var layers: [Layer]
  /// First the expert that a concept surely wakes most above its base rate.
  public var experts: [Expert]
  /// The concepts' names; empty where there are no labels.
  public var concepts: [String]
  /// Why labels that are there were not used; nil where they were, or there are none.
  public var labelsLeftAside: String?
  /// Documents and tokens counted (special tokens are not), and the groups that intervals take for independent.
  public var documents: Int
  public var tokens: Int
  public var groups: Int
  /// The intervals' confidence.
  public var confidence: Double
  /// How many intervals there are, and how many of them leave the base rate out: of routing by chance, a share of
  /// 1 − `confidence` would.
  public var intervals: Int
  public var excluding: Int
}
