/// One layer: attention, and what follows it.
public struct Block: Sendable, Hashable, Codable {
  /// Where the two main norms stand.
  public enum NormPlace: String, Sendable, Codable {
    /// Before attention and before the feed-forward part, on a branch off the residual stream.
    case before
    /// After them, on the branch, before it is added to the stream (OLMo 2).
    case afterBranch
    /// After each sum, on the residual stream itself (BERT, OPT 350M).
    case onStream
  }

  public var normPlace: NormPlace
  public var norm1: Norm
  /// nil where attention and the feed-forward part read the same norm (GPT-J, Phi, Cohere).
  public var norm2: Norm?
  /// Norms of both branches' results beside those before (Gemma 2, GLM-4).
  public var postNorm: Norm?
  /// Whether attention and the feed-forward part read the same stream side by side (GPT-NeoX).
  public var isParallel: Bool
  /// What each branch's result is multiplied by before it is added to the stream (Granite).
  public var residualScale: Double?
  public var attention: Attention
  public var feedForward: FeedForward

  public init(
    normPlace: NormPlace = .before, norm1: Norm, norm2: Norm?, postNorm: Norm? = nil, isParallel: Bool = false,
    residualScale: Double? = nil, attention: Attention, feedForward: FeedForward
  ) {
    self.normPlace = normPlace
    self.norm1 = norm1
    self.norm2 = norm2
    self.postNorm = postNorm
    self.isParallel = isParallel
    self.residualScale = residualScale
    self.attention = attention
    self.feedForward = feedForward
  }

  /// The plain MLP, where the layer has one.
  public var mlp: MLP? { if case .dense(let mlp) = feedForward { mlp } else { nil } }
  /// The mixture of experts, where the layer has one.
  public var experts: Experts? { if case .experts(let experts) = feedForward { experts } else { nil } }
}

/// What follows attention.
public enum FeedForward: Sendable, Hashable, Codable {
  case dense(MLP)
  case experts(Experts)
}

/// A normalization of rows.
public struct Norm: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Codable {
    /// Centred and divided by the standard deviation (arXiv 1607.06450).
    case layer
    /// Divided by the root mean square, not centred (arXiv 1910.07467).
    case rms
    /// None: rows go through as they are (compiled models).
    case identity
  }
  public var kind: Kind
  public var epsilon: Double
  /// Whether the result is multiplied by learned numbers (all but OLMo 1).
  public var hasWeight: Bool
  public var hasBias: Bool
  /// What is added to the stored weight before multiplying: 1 in Gemma.
  public var weightOffset: Double

  public init(_ kind: Kind, epsilon: Double, hasWeight: Bool = true, hasBias: Bool? = nil, weightOffset: Double = 0) {
    self.kind = kind
    self.epsilon = epsilon
    self.hasWeight = hasWeight
    self.hasBias = hasBias ?? (kind == .layer && hasWeight)
    self.weightOffset = weightOffset
  }

  /// No norm.
  public static let identity = Norm(.identity, epsilon: 0, hasWeight: false)
  public var isIdentity: Bool { kind == .identity }
  /// Whether a row's mean is taken off first.
  public var isCentred: Bool { kind == .layer }
}

public struct MLP: Sendable, Hashable, Codable {
  /// The number of neurons (d_mlp).
  public var neurons: Int
  public var activation: Activation
  /// Whether a neuron is act(gate) · up, from two input projections, rather than act(input).
  public var isGated: Bool
  public var bias: Bool
  /// gpt-oss's form of a gated MLP: the gate is clamped from above and the up projection on both sides to ±this, and 1
  /// is added to it: act(min(gate, limit)) · (clamp(up) + 1).
  public var limit: Double?
  /// Where it is set, the gate's activation is x · sigmoid(slope · x), whatever `activation` says.
  public var slope: Double?

  public init(neurons: Int, activation: Activation, isGated: Bool, bias: Bool, limit: Double? = nil) {
    self.neurons = neurons
    self.activation = activation
    self.isGated = isGated
    self.bias = bias
    self.limit = limit
  }
}

/// A mixture of experts: a router wakes a few of many small MLPs for each token (arXiv 2101.03961).
public struct Experts: Sendable, Hashable, Codable {
  /// How many there are to choose from.
  public var count: Int
  /// How many of them wake up for a token.
  public var active: Int
  /// One of them.
  public var expert: MLP
  /// The MLP that every token passes beside them.
  public var shared: MLP?
  /// Whether the shared MLP's result is multiplied by the sigmoid of a learned product (Qwen 2 MoE).
  public var gatesShared: Bool
  public var router: Router

  public init(
    count: Int, active: Int, expert: MLP, shared: MLP? = nil, gatesShared: Bool = false, router: Router
  ) {
    self.count = count
    self.active = active
    self.expert = expert
    self.shared = shared
    self.gatesShared = gatesShared
    self.router = router
  }

  /// The neurons that a token passes.
  public var awakeNeurons: Int { active * expert.neurons + (shared?.neurons ?? 0) }
  /// The neurons of all experts.
  public var allNeurons: Int { count * expert.neurons + (shared?.neurons ?? 0) }

  public struct Router: Sendable, Hashable, Codable {
    public enum Score: String, Sendable, Codable {
      /// Softmax over all experts, then the largest are chosen.
      case softmax
      /// The largest logits are chosen, then softmax over those.
      case softmaxOfChosen
      case sigmoid
    }
    public var score: Score
    /// Whether the chosen scores are divided by their sum.
    public var normalizes: Bool
    /// What the weights are multiplied by at last.
    public var scale: Double
    /// Whether the logits have a bias.
    public var bias: Bool
    /// Whether learned numbers are added to the scores for the choice alone (DeepSeek V3).
    public var correctsChoice: Bool
    /// Experts stand in groups, of which a token may use a few.
    public var groups: Groups?

    public init(
      score: Score, normalizes: Bool = false, scale: Double = 1, bias: Bool = false, correctsChoice: Bool = false,
      groups: Groups? = nil
    ) {
      self.score = score
      self.normalizes = normalizes
      self.scale = scale
      self.bias = bias
      self.correctsChoice = correctsChoice
      self.groups = groups
    }

    public struct Groups: Sendable, Hashable, Codable {
      public var count: Int
      public var chosen: Int
      /// How many of a group's largest scores make the group's: 1 (DeepSeek V2) or 2 (V3).
      public var scored: Int

      public init(count: Int, chosen: Int, scored: Int) {
        self.count = count
        self.chosen = chosen
        self.scored = scored
      }
    }
  }
}
