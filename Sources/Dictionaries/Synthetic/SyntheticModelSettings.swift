/// What a synthetic model is made from: how often features fire, what tree they form, how they are correlated and how
/// strong they are. The names in JSON are those of SAELens's `SyntheticModelConfig`.
///
/// As it stands it is SynthSAEBench-16k (Chanin and Garriga-Alonso 2026, arXiv 2602.14687).
public struct SyntheticModelSettings: Codable, Sendable, Equatable {
  /// Firing probabilities p_max … p_min in proportion to rank^−exponent.
  public struct Zipf: Codable, Sendable, Equatable {
    public var exponent: Float = 0.5
    public var maximum: Float = 0.4
    public var minimum: Float = 5e-4
    var name = "zipfian"

    enum CodingKeys: String, CodingKey {
      case exponent
      case maximum = "max_prob"
      case minimum = "min_prob"
      case name = "generator_name"
    }
  }

  /// Trees whose children fire only with their parents.
  public struct Hierarchy: Codable, Sendable, Equatable {
    public var roots = 128
    public var branching = 4
    public var depth = 3
    /// 1: of the children of every parent one at most is active.
    var exclusiveShare: Float = 1
    var exclusiveFrom = 0
    var exclusiveTo: Int?
    /// Whether children fire the more often when their parent fires, so that their own rate stays.
    public var compensates = true
    /// Whether a child's strength counts times its parent's over the parent's mean.
    public var scales = true

    enum CodingKeys: String, CodingKey {
      case roots = "total_root_nodes"
      case branching = "branching_factor"
      case depth = "max_depth"
      case exclusiveShare = "mutually_exclusive_portion"
      case exclusiveFrom = "mutually_exclusive_min_depth"
      case exclusiveTo = "mutually_exclusive_max_depth"
      case compensates = "compensate_probabilities"
      case scales = "scale_children_by_parent"
    }
  }

  /// Steps of Adam that drive directions apart.
  public struct Orthogonalization: Codable, Sendable, Equatable {
    public var steps = 100
    public var learningRate: Float = 3e-4
    var chunk = 1024

    enum CodingKeys: String, CodingKey {
      case steps = "num_steps"
      case learningRate = "lr"
      case chunk = "chunk_size"
    }
  }

  /// The Gaussian copula: correlations F·Fᵀ beside the diagonal, F normal times `scale`.
  public struct Correlation: Codable, Sendable, Equatable {
    public var rank = 25
    public var scale: Float = 0.1

    enum CodingKeys: String, CodingKey {
      case rank
      case scale = "correlation_scale"
    }
  }

  /// Mean strengths from the first feature to the last, in equal steps.
  public struct Means: Codable, Sendable, Equatable {
    public var start: Float = 5
    public var end: Float = 4
    var name = "linear"

    enum CodingKeys: String, CodingKey {
      case start, end
      case name = "generator_name"
    }
  }

  /// Standard deviations of strengths: the absolute values of normal numbers.
  public struct Deviations: Codable, Sendable, Equatable {
    public var mean: Float = 0.5
    public var deviation: Float = 0.5
    var name = "folded_normal"

    enum CodingKeys: String, CodingKey {
      case mean
      case deviation = "std"
      case name = "generator_name"
    }
  }

  public var features = 16384
  public var width = 768
  public var firing = Zipf()
  public var hierarchy = Hierarchy()
  public var orthogonalization: Orthogonalization? = Orthogonalization()
  public var correlation = Correlation()
  public var deviations = Deviations()
  public var means = Means()
  /// The norm of what is added to every sample.
  public var bias: Float = 0.5
  var type = "float32"
  public var seed: UInt64 = 42

  public init() {}

  enum CodingKeys: String, CodingKey {
    case features = "num_features"
    case width = "hidden_dim"
    case firing = "firing_probability"
    case hierarchy, orthogonalization, correlation, bias, seed
    case deviations = "std_firing_magnitudes"
    case means = "mean_firing_magnitudes"
    case type = "dtype"
  }
}
