/// Everything that decides a transformer's weights, its forward pass and its costs, as one value.
///
/// A family reads it from a config.json; `Transformer` runs it, `Anatomy` counts it. It is made of blocks, one
/// description a layer, between an embedding and a head: a new kind of model is a new choice of options, never a new pass.
/// An architecture that was read has been validated: dimensions are from 1 to `maximumDimension` and fit each other.
public struct Architecture: Sendable, Equatable, Codable {
  /// What people call the model; empty where only its configuration is known.
  public var name: String
  /// The family's `model_type` in config.json.
  public var modelType: String
  /// The width of the residual stream (d_model).
  public var width: Int
  /// The number of tokens that have an embedding (d_vocab).
  public var vocabularySize: Int
  /// The longest document, in tokens, that the model was made for.
  public var context: Int
  public var embedding: Embedding
  /// One description a layer, in order; at least one.
  public var blocks: [Block]
  public var head: Head
  /// What a reader must know besides, such as parts of a checkpoint that are left out.
  public var notes: [String]
  /// Whether it is the text part of a model that reads pictures too.
  public var isTextPart = false

  /// The number of blocks.
  public var layers: Int { blocks.count }

  public init(
    name: String = "", modelType: String, width: Int, vocabularySize: Int, context: Int,
    embedding: Embedding = Embedding(), blocks: [Block], head: Head, notes: [String] = []
  ) {
    self.name = name
    self.modelType = modelType
    self.width = width
    self.vocabularySize = vocabularySize
    self.context = context
    self.embedding = embedding
    self.blocks = blocks
    self.head = head
    self.notes = notes
  }

  /// No dimension may be larger: far beyond any real one, and products of two still fit 64 bits.
  public static let maximumDimension = 1 << 24
  /// No model may have more blocks.
  public static let maximumLayers = 1 << 14

  /// Whether the model has logits (`unembed.hook_out`).
  public var hasLogits: Bool { head.kind != .none }
  /// The longest document that can be run at all; nil where any length can, though beyond `context` the model was not
  /// trained.
  public var longestDocument: Int? { embedding.positions.map { $0.rows - $0.offset } }

  /// This architecture with each block changed.
  mutating func changeBlocks(_ change: (_ layer: Int, inout Block) throws -> Void) rethrows {
    for layer in blocks.indices { try change(layer, &blocks[layer]) }
  }
}

extension Architecture {
  /// What stands before the first block.
  public struct Embedding: Sendable, Equatable, Codable {
    /// What token embeddings are multiplied by (Gemma's √d_model, Granite's multiplier).
    public var scale: Double?
    /// Whether the scale is rounded to the type that the embedding is stored in (Gemma).
    public var roundsScale: Bool
    /// The width of a token's row where it is not d_model: a projection follows (OPT 350M).
    public var tokenWidth: Int?
    public var positions: LearnedPositions?
    /// The number of token types (segments) with an embedding of their own; 0 for none.
    public var tokenTypes: Int
    /// A norm of the embeddings.
    public var norm: Norm?
    /// Whether the norm stands before positions and types are added (BLOOM) or after (BERT).
    public var normalizesTokensAlone: Bool

    public init(
      scale: Double? = nil, roundsScale: Bool = false, tokenWidth: Int? = nil, positions: LearnedPositions? = nil,
      tokenTypes: Int = 0,
      norm: Norm? = nil, normalizesTokensAlone: Bool = false
    ) {
      self.scale = scale
      self.roundsScale = roundsScale
      self.tokenWidth = tokenWidth
      self.positions = positions
      self.tokenTypes = tokenTypes
      self.norm = norm
      self.normalizesTokensAlone = normalizesTokensAlone
    }

    /// Whether the sites of the embeddings lie in a module of their own, `embed.`: BERT's form.
    public var normalizesSum: Bool { norm != nil && !normalizesTokensAlone }
  }

  /// A learned vector for each position, added to the token's embedding.
  public struct LearnedPositions: Sendable, Equatable, Codable {
    /// The rows of the table.
    public var rows: Int
    /// The row of a document's first token: 0, or 2 where the table keeps rows for padding (OPT, RoBERTa).
    public var offset: Int
    /// A token that is not counted and gets the row before `offset` (RoBERTa's padding); nil: all are counted.
    public var skippedToken: Int?

    public init(rows: Int, offset: Int = 0, skippedToken: Int? = nil) {
      self.rows = rows
      self.offset = offset
      self.skippedToken = skippedToken
    }
  }

  /// What turns the residual stream into logits.
  public struct Head: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, Codable {
      /// The model ends with the last block (and its norm): it has no logits.
      case none
      /// An unembedding.
      case nextToken
      /// A dense layer with an activation and a norm, then the unembedding (BERT's masked-language head).
      case maskedToken
    }
    public var kind: Kind
    /// Whether the unembedding is the token embedding.
    public var isTied: Bool
    /// Whether a bias is added to the logits.
    public var bias: Bool
    /// The norm between the last block and the unembedding; of a masked-token head the one behind its dense layer.
    public var norm: Norm?
    /// The activation of a masked-token head's dense layer.
    public var activation: Activation
    /// What logits are multiplied by (Cohere; Granite divides by its `logits_scaling`).
    public var logitScale: Double?
    /// Logits are squashed to ±this by tanh (Gemma 2).
    public var logitCap: Double?
    /// Whether a dense layer reads the first token (BERT's pooler): counted, not run.
    public var hasPooler: Bool

    public init(
      kind: Kind = .nextToken, isTied: Bool, bias: Bool = false, norm: Norm?, activation: Activation = .gelu,
      logitScale: Double? = nil, logitCap: Double? = nil, hasPooler: Bool = false
    ) {
      self.kind = kind
      self.isTied = isTied
      self.bias = bias
      self.norm = norm
      self.activation = activation
      self.logitScale = logitScale
      self.logitCap = logitCap
      self.hasPooler = hasPooler
    }
  }
}

extension Architecture {
  /// The number of neurons of a layer's MLP, or of one of its experts; nil where there is none such.
  public func neurons(layer: Int, expert: Int? = nil) -> Int? {
    guard blocks.indices.contains(layer) else { return nil }
    guard let expert else { return blocks[layer].mlp?.neurons }
    return blocks[layer].experts.flatMap { (0..<$0.count).contains(expert) ? $0.expert.neurons : nil }
  }
}
