import Architectures

/// An architecture in the form that programs read: layers that are alike are told once.
public struct ArchitectureSummary: Sendable, Equatable, Codable {
  public var name: String
  public var modelType: String
  public var layers: Int
  public var width: Int
  public var vocabularySize: Int
  public var context: Int
  public var embedding: Architecture.Embedding
  /// The blocks that differ, in the order of their first layers.
  public var blocks: [Kind]
  public var head: Architecture.Head
  public var notes: [String]
  public var isTextPart: Bool

  /// A block, and which layers are it.
  public struct Kind: Sendable, Equatable, Codable {
    /// Ascending.
    public var layers: [Span]
    public var normPlace: Block.NormPlace
    public var norm1: Norm
    public var norm2: Norm?
    public var postNorm: Norm?
    public var isParallel: Bool
    public var residualScale: Double?
    public var attention: Attention
    public var mlp: MLP?
    public var experts: Experts?
  }

  /// Neighbouring layers.
  public struct Span: Sendable, Equatable, Codable {
    public var first: Int
    public var last: Int
  }

  public init(_ architecture: Architecture) {
    name = architecture.name
    modelType = architecture.modelType
    layers = architecture.layers
    width = architecture.width
    vocabularySize = architecture.vocabularySize
    context = architecture.context
    embedding = architecture.embedding
    blocks = architecture.blockKinds.map(Kind.init)
    head = architecture.head
    notes = architecture.notes
    isTextPart = architecture.isTextPart
  }
}

extension ArchitectureSummary.Kind {
  init(_ kind: BlockKind) {
    let block = kind.block
    self.init(
      layers: kind.layers.reduce(into: []) { spans, layer in
        if let last = spans.last, last.last + 1 == layer {
          spans[spans.count - 1].last = layer
        } else {
          spans.append(.init(first: layer, last: layer))
        }
      },
      normPlace: block.normPlace, norm1: block.norm1, norm2: block.norm2, postNorm: block.postNorm,
      isParallel: block.isParallel, residualScale: block.residualScale, attention: block.attention, mlp: block.mlp,
      experts: block.experts)
  }
}
