/// A place in the forward pass whose value can be read and edited; its name is TransformerLens's.
public struct Site: Hashable, Sendable {
  /// What is computed there, in every layer alike.
  public enum Kind: Int, Sendable, CaseIterable {
    // The embeddings.
    case embed, positionEmbed, tokenTypeEmbed, embedScale, embedNormalized, fullEmbed
    // The blocks.
    case residPre, norm1Scale, norm1Normalized, query, key, value, rotatedQuery, rotatedKey, scores, pattern, mixed
    case result, attentionOut, residMid, norm2Scale, norm2Normalized, mlpIn, mlpPre, mlpPreLinear, mlpPost, mlpOut
    case residPost, normalizedResidPost
    // The head.
    case finalScale, finalNormalized, headDense, unembedIn, unembedOut

    /// Whether there is one in each block.
    public var isInBlock: Bool { self >= .residPre && self <= .normalizedResidPost }
  }

  public let kind: Kind
  /// The block's number from 0; nil outside the blocks.
  public let layer: Int?
  /// Such as `blocks.3.hook_resid_post`.
  public let name: String

  /// A site under its usual name.
  /// - Precondition: A layer is given just where the kind is one of a block's.
  public init(_ kind: Kind, layer: Int? = nil) {
    self.init(kind, layer: layer, prefix: "")
  }

  /// A site whose name has a prefix in this architecture: where the embeddings are normalized (BERT), their sites lie
  /// in a module of their own, `embed.`.
  init(_ kind: Kind, layer: Int? = nil, prefix: String) {
    precondition(kind.isInBlock == (layer != nil), "\(kind) with layer \(layer.map(String.init) ?? "nil")")
    self.kind = kind
    self.layer = layer
    name = prefix + (layer.map { "blocks.\($0)." } ?? "") + kind.suffix
  }

  /// Sites are the same where kind and layer are.
  public static func == (a: Self, b: Self) -> Bool { a.kind == b.kind && a.layer == b.layer }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(layer)
  }
}

extension Site: Comparable, CustomStringConvertible {
  /// The order of the forward pass, in pre-norm architectures; `Configuration.sites` has each one's own.
  public static func < (a: Self, b: Self) -> Bool {
    (a.stage, a.layer ?? 0, a.kind.rawValue) < (b.stage, b.layer ?? 0, b.kind.rawValue)
  }

  private var stage: Int { kind < .residPre ? 0 : kind.isInBlock ? 1 : 2 }

  public var description: String { name }
}

extension Site.Kind: Comparable {
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// The name without `blocks.{i}.`.
  var suffix: String {
    switch self {
    case .embed: "hook_embed"
    case .positionEmbed: "hook_pos_embed"
    case .tokenTypeEmbed: "hook_token_type_embed"
    case .embedScale: "ln.hook_scale"
    case .embedNormalized: "ln.hook_normalized"
    case .fullEmbed: "hook_full_embed"
    case .residPre: "hook_resid_pre"
    case .norm1Scale: "ln1.hook_scale"
    case .norm1Normalized: "ln1.hook_normalized"
    case .query: "attn.hook_q"
    case .key: "attn.hook_k"
    case .value: "attn.hook_v"
    case .rotatedQuery: "attn.hook_rot_q"
    case .rotatedKey: "attn.hook_rot_k"
    case .scores: "attn.hook_attn_scores"
    case .pattern: "attn.hook_pattern"
    case .mixed: "attn.hook_z"
    case .result: "attn.hook_result"
    case .attentionOut: "hook_attn_out"
    case .residMid: "hook_resid_mid"
    case .norm2Scale: "ln2.hook_scale"
    case .norm2Normalized: "ln2.hook_normalized"
    case .mlpIn: "mlp.hook_in"
    case .mlpPre: "mlp.hook_pre"
    case .mlpPreLinear: "mlp.hook_pre_linear"
    case .mlpPost: "mlp.hook_post"
    case .mlpOut: "hook_mlp_out"
    case .residPost: "hook_resid_post"
    case .normalizedResidPost: "hook_normalized_resid_post"
    case .finalScale: "ln_final.hook_scale"
    case .finalNormalized: "ln_final.hook_normalized"
    case .headDense: "mlm_head.hook_out"
    case .unembedIn: "unembed.hook_in"
    case .unembedOut: "unembed.hook_out"
    }
  }
}
