/// A place in the forward pass whose value can be read and edited; its name is TransformerLens's.
public struct Site: Hashable, Sendable {
  public let kind: Kind
  /// The block's number from 0; nil outside the blocks.
  public let layer: Int?
  /// The expert's number from 0, at sites inside one.
  public let expert: Int?
  /// Such as `blocks.3.hook_resid_post`.
  public let name: String

  /// A site under its usual name.
  /// - Precondition: A layer is given just where the kind is one of a block's, and an expert where it is one of an expert's.
  public init(_ kind: Kind, layer: Int? = nil, expert: Int? = nil) {
    self.init(kind, layer: layer, expert: expert, prefix: "")
  }

  /// A site whose name has a prefix in this architecture: where the sum of embeddings is normalized (BERT), their sites
  /// lie in a module of their own, `embed.`.
  init(_ kind: Kind, layer: Int? = nil, expert: Int? = nil, prefix: String) {
    precondition(kind.isInBlock == (layer != nil), "\(kind) with layer \(layer.map(String.init) ?? "nil")")
    precondition(kind.isInExpert == (expert != nil), "\(kind) with expert \(expert.map(String.init) ?? "nil")")
    self.kind = kind
    self.layer = layer
    self.expert = expert
    let suffix = expert.map { kind.suffix.replacing("{e}", with: String($0)) } ?? kind.suffix
    name = prefix + (layer.map { "blocks.\($0)." } ?? "") + suffix
  }

  /// What users type for the site in every layer, such as `resid_pre`; nil where it has no such name.
  public var shorthand: String? { SiteTable.first[kind]?.shorthand }

  /// Sites are the same where kind, layer and expert are.
  public static func == (a: Self, b: Self) -> Bool {
    a.kind == b.kind && a.layer == b.layer && a.expert == b.expert
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(layer)
    hasher.combine(expert)
  }
}

extension Site: Comparable, CustomStringConvertible {
  /// The order of the forward pass, in pre-norm architectures; `Architecture.sites` has each one's own.
  public static func < (a: Self, b: Self) -> Bool {
    (a.stage, a.layer ?? 0, a.expert == nil ? a.kind.rawValue : Kind.expertPre.rawValue, a.expert ?? 0, a.kind.rawValue)
      < (
        b.stage, b.layer ?? 0, b.expert == nil ? b.kind.rawValue : Kind.expertPre.rawValue, b.expert ?? 0,
        b.kind.rawValue
      )
  }

  private var stage: Int { kind < .residPre ? 0 : kind.isInBlock ? 1 : 2 }

  public var description: String { name }
}

extension Site.Kind: Comparable {
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
