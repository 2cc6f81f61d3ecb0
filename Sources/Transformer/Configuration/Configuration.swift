/// The architecture of a transformer, as one value of independent options.
///
/// Every family is a choice of these; there is one forward pass, and it reads nothing else. A configuration made by a
/// family has been validated: every dimension is at least 1 and at most `Configuration.maximumDimension`.
public struct Configuration: Sendable, Equatable {
  /// The family's `model_type` in config.json.
  public var modelType: String
  /// The number of blocks.
  public var layers: Int
  /// The width of the residual stream (d_model).
  public var width: Int
  /// The number of tokens that have an embedding (d_vocab).
  public var vocabularySize: Int
  /// The longest document, in tokens, that the model was made for.
  public var context: Int
  public var embedding: Embedding
  public var positions: Positions
  public var norm: Norm
  public var attention: Attention
  public var mlp: MLP
  public var head: Head

  /// What happens to token embeddings before the first block.
  public struct Embedding: Sendable, Equatable {
    /// The number of token types (segments) with an embedding of their own; 0 for none.
    public var tokenTypes: Int
    /// Whether a norm follows the sum of the embeddings (BERT).
    public var normalized: Bool

    public init(tokenTypes: Int = 0, normalized: Bool = false) {
      self.tokenTypes = tokenTypes
      self.normalized = normalized
    }
  }

  /// How the model knows where a token stands.
  public enum Positions: Sendable, Equatable {
    /// A learned vector for each of `context` positions, added to the token's embedding.
    case learned
    /// Queries and keys rotated by angles that grow with the position.
    case rotary(Rotary)
    case none
  }

  /// Rotary position embedding (arXiv 2104.09864), in the layout where dimension i is paired with i + rotated/2.
  public struct Rotary: Sendable, Equatable {
    /// θ: the base of the wavelengths.
    public var base: Double
    /// How many of a head's first dimensions are rotated; even.
    public var rotated: Int
    public var scaling: Scaling

    /// How wavelengths are stretched for documents longer than those of the first training.
    public enum Scaling: Sendable, Equatable {
      case none
      /// All positions divided by a factor.
      case linear(factor: Double)
      /// Llama 3.1's: long wavelengths divided by a factor, short ones kept, a smooth passage between them.
      case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalContext: Int)
    }

    public init(base: Double, rotated: Int, scaling: Scaling = .none) {
      self.base = base
      self.rotated = rotated
      self.scaling = scaling
    }
  }

  /// The normalization at every place that has one.
  public struct Norm: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
      /// Centred and divided by the standard deviation (arXiv 1607.06450).
      case layer
      /// Divided by the root mean square, not centred (arXiv 1910.07467).
      case rms
    }
    public enum Place: String, Sendable, Codable {
      /// Before attention and before the MLP, on a branch off the residual stream; and once after the last block.
      case before
      /// After attention and after the MLP, on the residual stream itself (BERT).
      case after
    }
    public var kind: Kind
    public var place: Place
    public var epsilon: Double
    public var bias: Bool

    public init(kind: Kind, place: Place = .before, epsilon: Double, bias: Bool) {
      self.kind = kind
      self.place = place
      self.epsilon = epsilon
      self.bias = bias
    }
  }

  public struct Attention: Sendable, Equatable {
    /// The number of query heads.
    public var heads: Int
    /// The number of key and value heads; each serves `heads / keyValueHeads` neighbouring query heads.
    public var keyValueHeads: Int
    /// The width of one head (d_head).
    public var headWidth: Int
    /// Whether a token sees only itself and those before it.
    public var causal: Bool
    /// What query · key is multiplied by before the softmax.
    public var scale: Double
    /// Whether layer i multiplies the scale by 1 / (i + 1) besides (GPT-2's `scale_attn_by_inverse_layer_idx`).
    public var scaledByLayer: Bool
    /// For each layer, how many tokens back a token sees, itself included; nil: all of them.
    public var windows: [Int?]
    public var queryKeyValueBias: Bool
    public var outputBias: Bool

    public init(
      heads: Int, keyValueHeads: Int, headWidth: Int, causal: Bool, scale: Double, scaledByLayer: Bool = false,
      windows: [Int?], queryKeyValueBias: Bool, outputBias: Bool
    ) {
      self.heads = heads
      self.keyValueHeads = keyValueHeads
      self.headWidth = headWidth
      self.causal = causal
      self.scale = scale
      self.scaledByLayer = scaledByLayer
      self.windows = windows
      self.queryKeyValueBias = queryKeyValueBias
      self.outputBias = outputBias
    }

    /// What query · key is multiplied by in one layer.
    public func scale(layer: Int) -> Double { scaledByLayer ? scale / Double(layer + 1) : scale }
    /// The width of all query heads side by side.
    public var queryWidth: Int { heads * headWidth }
    /// The width of all key heads (or value heads) side by side.
    public var keyValueWidth: Int { keyValueHeads * headWidth }
  }

  public struct MLP: Sendable, Equatable {
    /// The number of neurons of a layer (d_mlp).
    public var width: Int
    public var activation: Activation
    /// Whether a neuron is act(gate) · up, from two input projections, rather than act(input).
    public var gated: Bool
    public var bias: Bool

    public init(width: Int, activation: Activation, gated: Bool, bias: Bool) {
      self.width = width
      self.activation = activation
      self.gated = gated
      self.bias = bias
    }
  }

  /// What turns the residual stream into logits.
  public struct Head: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
      /// This checkpoint ends with the last block: it has no logits.
      case none
      /// The final norm, then the unembedding.
      case nextToken
      /// A dense layer with the MLP's activation, a norm, then the unembedding (BERT's masked-language head).
      case maskedToken
    }
    public var kind: Kind
    /// Whether the unembedding is the token embedding.
    public var tied: Bool
    /// Whether a bias is added to the logits.
    public var bias: Bool

    public init(kind: Kind, tied: Bool, bias: Bool = false) {
      self.kind = kind
      self.tied = tied
      self.bias = bias
    }
  }

  public init(
    modelType: String, layers: Int, width: Int, vocabularySize: Int, context: Int, embedding: Embedding = Embedding(),
    positions: Positions, norm: Norm, attention: Attention, mlp: MLP, head: Head
  ) {
    self.modelType = modelType
    self.layers = layers
    self.width = width
    self.vocabularySize = vocabularySize
    self.context = context
    self.embedding = embedding
    self.positions = positions
    self.norm = norm
    self.attention = attention
    self.mlp = mlp
    self.head = head
  }

  /// No dimension of a model may be larger: far beyond any real one, and products of two still fit 64 bits.
  public static let maximumDimension = 1 << 24

  /// Whether the model has logits (`unembed.hook_out`).
  public var hasLogits: Bool { head.kind != .none }
  /// Whether a norm stands between the last block and the head.
  var hasFinalNorm: Bool { norm.place == .before }
  /// The longest document that can be run at all; nil where any length can, though beyond `context` the model was not
  /// trained.
  public var longestDocument: Int? { positions == .learned ? context : nil }
}
