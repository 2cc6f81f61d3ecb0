public struct Attention: Sendable, Hashable, Codable {
  /// The number of query heads.
  public var heads: Int
  /// The number of key and value heads; each serves `heads / keyValueHeads` neighbouring query heads.
  public var keyValueHeads: Int
  /// The width of a head's query and key (d_head).
  public var headWidth: Int
  /// The width of a head's value; `headWidth` but in latent attention.
  public var valueWidth: Int
  /// Whether a token sees only itself and those before it.
  public var isCausal: Bool
  /// What query · key is multiplied by before the softmax.
  public var scale: Double
  /// How many tokens back a token sees, itself included; nil: all of them.
  public var window: Int?
  public var queryKeyValueBias: Bool
  public var outputBias: Bool
  /// Queries and keys are rotated by their position; nil where they are not.
  public var rotary: Rotary?
  /// Scores grow with the key's position by a slope a head.
  public var alibi: ALiBi?
  /// Scores are squashed to ±this by tanh (Gemma 2).
  public var scoreCap: Double?
  /// Whether each head has a learned score that takes part in the softmax and leads nowhere (gpt-oss).
  public var hasSinks: Bool
  public var queryKeyNorm: QueryKeyNorm?
  /// Queries, keys and values are cut off at ±this (OLMo 1).
  public var clip: Double?
  /// Keys and values squeezed through a narrow latent vector.
  public var latent: Latent?

  public init(
    heads: Int, keyValueHeads: Int? = nil, headWidth: Int, valueWidth: Int? = nil, isCausal: Bool = true,
    scale: Double? = nil, window: Int? = nil, queryKeyValueBias: Bool, outputBias: Bool, rotary: Rotary? = nil,
    alibi: ALiBi? = nil, scoreCap: Double? = nil, hasSinks: Bool = false, queryKeyNorm: QueryKeyNorm? = nil,
    clip: Double? = nil, latent: Latent? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth
    self.valueWidth = valueWidth ?? headWidth
    self.isCausal = isCausal
    self.scale = scale ?? 1 / Double(headWidth).squareRoot()
    self.window = window
    self.queryKeyValueBias = queryKeyValueBias
    self.outputBias = outputBias
    self.rotary = rotary
    self.alibi = alibi
    self.scoreCap = scoreCap
    self.hasSinks = hasSinks
    self.queryKeyNorm = queryKeyNorm
    self.clip = clip
    self.latent = latent
  }

  /// The width of all query heads side by side.
  public var queryWidth: Int { heads * headWidth }
  /// The width of all key heads side by side.
  public var keyWidth: Int { keyValueHeads * headWidth }
  /// The width of all value heads side by side.
  public var valuesWidth: Int { keyValueHeads * valueWidth }
  /// The width of what the output projection reads.
  public var mixedWidth: Int { heads * valueWidth }

  /// A norm of queries and of keys, before they are rotated.
  public struct QueryKeyNorm: Sendable, Hashable, Codable {
    public enum Rows: String, Sendable, Codable {
      /// Each head's alone, all with the same weights (Qwen 3, Gemma 3).
      case head
      /// Each head's alone, each with weights of its own (Cohere, StableLM).
      case headWithOwnWeights
      /// All heads' side by side (OLMo 2).
      case width
    }
    public var norm: Norm
    public var rows: Rows

    public init(_ norm: Norm, rows: Rows) {
      self.norm = norm
      self.rows = rows
    }

    /// How many weights the norm has over `heads` heads of `headWidth`.
    public func weights(heads: Int, headWidth: Int) -> Int { rows == .head ? headWidth : heads * headWidth }
  }

  /// Attention with linear biases (arXiv 2108.12409).
  public struct ALiBi: Sendable, Hashable, Codable {
    /// What the biases are multiplied by beside the slopes: Falcon scales them as the scores.
    public var scale: Double
    /// Whether biases are rounded to bfloat16 before they are used (Falcon).
    public var isRounded: Bool

    public init(scale: Double = 1, isRounded: Bool = false) {
      self.scale = scale
      self.isRounded = isRounded
    }
  }

  /// Multi-head latent attention (arXiv 2405.04434): what its low-rank projections pass through.
  public struct Latent: Sendable, Hashable, Codable {
    /// The rank of the query's projection; nil: one full matrix.
    public var queryRank: Int?
    /// The width of the latent from which keys and values are rebuilt: what the cache holds.
    public var keyValueRank: Int
    /// The last part of a query and key that is rotated; of keys one for all heads: the cache holds it too.
    public var rotaryWidth: Int
    /// The norm of the latents.
    public var norm: Norm

    public init(queryRank: Int?, keyValueRank: Int, rotaryWidth: Int, norm: Norm) {
      self.queryRank = queryRank
      self.keyValueRank = keyValueRank
      self.rotaryWidth = rotaryWidth
      self.norm = norm
    }
  }
}

/// Rotary position embedding (arXiv 2104.09864).
public struct Rotary: Sendable, Hashable, Codable {
  /// Which dimensions of the rotated part turn together.
  public enum Pairs: String, Sendable, Codable {
    /// i and i + rotated / 2.
    case halves
    /// 2i and 2i + 1 (GPT-J).
    case neighbours
    /// 2i and 2i + 1, put apart into halves while they are rotated (DeepSeek V3).
    case neighboursIntoHalves
  }
  /// θ: the base of the wavelengths.
  public var base: Double
  /// How many of a head's dimensions are rotated; even.
  public var rotated: Int
  /// The first rotated dimension of a head.
  public var first: Int
  public var pairs: Pairs
  public var scaling: Scaling

  public init(base: Double, rotated: Int, first: Int = 0, pairs: Pairs = .halves, scaling: Scaling = .none) {
    self.base = base
    self.rotated = rotated
    self.first = first
    self.pairs = pairs
    self.scaling = scaling
  }

  /// How wavelengths are stretched for documents longer than those of the first training.
  public enum Scaling: Sendable, Hashable, Codable {
    case none
    /// All positions divided by a factor.
    case linear(factor: Double)
    /// The base grows with a document longer than `context` (NTK-aware).
    case dynamic(factor: Double, context: Int)
    /// Llama 3.1's: long wavelengths divided by a factor, short ones kept, a smooth passage between them.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalContext: Int)
    /// arXiv 2309.00071. `attention` multiplies cosines and sines.
    case yarn(YaRN)
    /// A factor a pair, one set for documents up to `originalContext` and one for longer ones (arXiv 2402.13753).
    case longRoPE(short: [Double], long: [Double], originalContext: Int, attention: Double)
  }

  public struct YaRN: Sendable, Hashable, Codable {
    public var factor: Double
    public var fast: Double
    public var slow: Double
    public var originalContext: Int
    /// Whether the bounds of the passage between kept and stretched wavelengths are whole numbers.
    public var truncates: Bool
    /// What cosines and sines are multiplied by.
    public var attention: Double
  }
}
