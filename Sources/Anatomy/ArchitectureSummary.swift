import Architectures

/// An architecture in the form that programs read: what counts follow from, layers that are alike told once.
///
/// Numbers that change values but no count, such as epsilons and the bases of rotary positions, stay out: a preset does
/// not know them.
public struct ArchitectureSummary: Sendable, Equatable, Codable {
  public var name: String
  public var modelType: String
  public var layers: Int
  public var width: Int
  public var vocabularySize: Int
  public var context: Int
  /// The width of a token's row where a projection follows it.
  public var tokenWidth: Int?
  /// The rows of a table of learned positions; 0 where there is none.
  public var learnedPositions: Int
  /// The number of token types with an embedding of their own.
  public var tokenTypes: Int
  /// Of the embeddings.
  public var embeddingNorm: Norm?
  /// The blocks that differ, in the order of their first layers.
  public var blocks: [Kind]
  public var head: Head
  public var notes: [String]
  /// Whether it is the text part of a model that reads pictures too.
  public var isTextPart: Bool

  /// A block, and which layers are it.
  public struct Kind: Sendable, Equatable, Codable {
    /// Ascending.
    public var layers: [Span]
    public var block: Block
  }

  /// Neighbouring layers.
  public struct Span: Sendable, Equatable, Codable {
    public var first: Int
    public var last: Int

    public init(first: Int, last: Int) {
      self.first = first
      self.last = last
    }
  }

  public struct Norm: Sendable, Hashable, Codable {
    public var kind: Architectures.Norm.Kind
    public var hasWeight: Bool
    public var hasBias: Bool
  }

  public struct Block: Sendable, Hashable, Codable {
    public var normPlace: Architectures.Block.NormPlace
    public var norm1: Norm
    public var norm2: Norm?
    public var postNorm: Norm?
    public var isParallel: Bool
    public var attention: Attention
    public var mlp: MLP?
    public var experts: Experts?
  }

  public struct Attention: Sendable, Hashable, Codable {
    public var heads: Int
    public var keyValueHeads: Int
    public var headWidth: Int
    public var valueWidth: Int
    public var queryKeyValueBias: Bool
    public var outputBias: Bool
    public var isCausal: Bool
    /// How many tokens back a token sees, itself included; nil: all of them.
    public var window: Int?
    /// How many of a head's dimensions are rotated; nil where positions are told otherwise.
    public var rotated: Int?
    public var hasSinks: Bool
    /// What rows queries and keys are normalized over; nil where they are not.
    public var queryKeyNorm: Architectures.Attention.QueryKeyNorm.Rows?
    public var latent: Latent?
  }

  public struct Latent: Sendable, Hashable, Codable {
    public var queryRank: Int?
    public var keyValueRank: Int
    public var rotaryWidth: Int
  }

  public struct MLP: Sendable, Hashable, Codable {
    public var neurons: Int
    public var isGated: Bool
    public var bias: Bool
    public var activation: Activation
  }

  public struct Experts: Sendable, Hashable, Codable {
    public var count: Int
    public var active: Int
    public var expert: MLP
    /// What every token passes beside them.
    public var shared: MLP?
    public var gatesShared: Bool
    public var routerBias: Bool
  }

  public struct Head: Sendable, Hashable, Codable {
    public var kind: Architecture.Head.Kind
    public var isTied: Bool
    public var bias: Bool
    public var norm: Norm?
    public var hasPooler: Bool
  }
}
