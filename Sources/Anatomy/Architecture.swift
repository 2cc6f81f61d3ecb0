/// What a transformer is made of: every option that decides how many parameters it has and what a token costs.
///
/// Richer than what Unfold runs: mixtures of experts, latent attention and soft-capped logits have their numbers too,
/// since counting needs no weights. Made from a config.json (`Architecture(configuration:)`) or a preset.
public struct Architecture: Sendable, Equatable, Codable {
  /// What people call the model.
  public var name: String
  /// The family's `model_type` in config.json.
  public var modelType: String
  /// L: the number of blocks.
  public var layers: Int
  /// D: the width of the residual stream (d_model), which is the number of dimensions of an embedding.
  public var width: Int
  /// V: the number of tokens that have an embedding (d_vocab).
  public var vocabularySize: Int
  /// The longest text, in tokens, that the model was made for.
  public var context: Int
  /// The rows of a table of learned positions; 0 where positions are rotations or there are none.
  public var learnedPositions: Int
  /// The number of token types (segments) with an embedding of their own.
  public var tokenTypes: Int
  public var norms: Norms
  public var attention: Attention
  public var mlp: MLP
  /// The mixture of experts that stands in the place of the MLP in some layers or all.
  public var experts: Experts?
  public var head: Head
  /// Whether attention and MLP read the same stream side by side (GPT-NeoX).
  public var isParallel: Bool = false
  /// What a reader must know besides, such as parts of a checkpoint that are not counted.
  public var notes: [String] = []

  /// The normalizations.
  public struct Norms: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, Codable {
      /// Centred and divided by the standard deviation: weight and bias (arXiv 1607.06450).
      case layer
      /// Divided by the root mean square: weight alone (arXiv 1910.07467).
      case rms
    }
    public var kind: Kind
    /// 2 (before attention and MLP, or after them), or 4 (before and after each, Gemma 2).
    public var perBlock: Int
    /// Whether a norm follows the sum of the embeddings (BERT).
    public var afterEmbedding: Bool = false
    /// Whether a norm stands between the last block and the head.
    public var final: Bool = true

    /// The parameters of one norm over a row of `width`.
    func weights(_ width: Int) -> Int { width }
    func biases(_ width: Int) -> Int { kind == .layer ? width : 0 }
  }

  public struct Attention: Sendable, Equatable, Codable {
    /// H: the number of query heads.
    public var heads: Int
    /// The number of key and value heads; each serves `heads / keyValueHeads` query heads.
    public var keyValueHeads: Int
    /// d_head: the width of a head's query and key.
    public var headWidth: Int
    /// The width of a head's value; `headWidth` but in latent attention.
    public var valueWidth: Int
    public var queryKeyValueBias: Bool
    public var outputBias: Bool
    /// Whether each head's query and key pass a norm of their own (Qwen 3).
    public var normalizesQueryKey: Bool = false
    /// Keys and values squeezed through a narrow latent vector (DeepSeek-V2, arXiv 2405.04434).
    public var latent: Latent?
    /// Whether a token sees only itself and those before it.
    public var isCausal: Bool = true
    /// For each layer, how many tokens back a token sees, itself included; nil: all of them.
    public var windows: [Int?]
    /// Scores are squashed to ±this by tanh (Gemma 2).
    public var scoreCap: Double?
    /// Whether queries and keys are rotated by their position.
    public var isRotary: Bool

    /// Multi-head latent attention: what its low-rank projections pass through.
    public struct Latent: Sendable, Equatable, Codable {
      /// The rank of the query's projection; nil: one full matrix.
      public var queryRank: Int?
      /// The width of the latent from which keys and values are rebuilt: what the cache holds.
      public var keyValueRank: Int
      /// The part of a key that is rotated, shared by all heads: the cache holds it too.
      public var rotaryWidth: Int
    }

    /// The width of all query heads side by side.
    public var queryWidth: Int { heads * headWidth }
    /// The width of all key heads side by side.
    public var keyWidth: Int { keyValueHeads * headWidth }
    /// The width of all value heads side by side.
    public var valuesWidth: Int { keyValueHeads * valueWidth }
    /// What the output projection reads.
    public var mixedWidth: Int { heads * valueWidth }
  }

  public struct MLP: Sendable, Equatable, Codable {
    /// The number of neurons of a layer (d_mlp).
    public var neurons: Int
    /// Whether a neuron is act(gate) · up, from two input projections, rather than act(input).
    public var isGated: Bool
    public var bias: Bool
    public var activation: String
  }

  /// A mixture of experts: a router wakes a few of many small MLPs for each token.
  public struct Experts: Sendable, Equatable, Codable {
    /// How many there are to choose from in a layer.
    public var count: Int
    /// How many of them wake up for a token.
    public var active: Int
    /// The neurons of one.
    public var neurons: Int
    /// The neurons of the experts that every token passes through.
    public var sharedNeurons: Int
    /// Which layers have experts in the place of an MLP, ascending.
    public var layers: [Int]
  }

  /// What turns the residual stream into logits.
  public struct Head: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, Codable {
      /// The model ends with the last block.
      case none
      /// An unembedding.
      case nextToken
      /// A dense layer, a norm, then the unembedding (BERT's masked-language head).
      case maskedToken
    }
    public var kind: Kind
    /// Whether the unembedding is the token embedding.
    public var isTied: Bool
    /// Whether a bias is added to the logits.
    public var bias: Bool = false
    /// Whether a dense layer reads the first token (BERT's pooler).
    public var pooler: Bool = false
    /// Logits are squashed to ±this by tanh (Gemma 2).
    public var logitCap: Double?
  }

  /// Whether a layer has experts in the place of an MLP.
  public func hasExperts(layer: Int) -> Bool { experts?.layers.contains(layer) ?? false }
  /// The number of layers that have a plain MLP.
  public var denseLayers: Int { layers - (experts?.layers.count ?? 0) }
}

extension Architecture {
  /// No dimension may be larger: far beyond any real one.
  public static let maximumDimension = 1 << 24
  /// No model may have more blocks.
  public static let maximumLayers = 1 << 16
}
