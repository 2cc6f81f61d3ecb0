import Architectures

extension Site {
  /// What is computed at a site, in every layer alike. What each is called, where it exists and what it holds stands in
  /// `SiteTable`.
  public enum Kind: Int, Sendable, CaseIterable {
    // The embeddings.
    case embed, positionEmbed, tokenTypeEmbed, embedScale, embedNormalized, fullEmbed
    // The blocks.
    case residPre, norm1Scale, norm1Normalized, queryLatent, keyValueLatent, query, queryNormScale, queryNormNormalized
    case key, keyNormScale, keyNormNormalized, value, rotatedQuery, rotatedKey, scores, pattern, mixed, result
    case norm1PostScale, norm1PostNormalized, attentionOut, residMid, norm2Scale, norm2Normalized
    case mlpIn, mlpPre, mlpPreLinear, mlpPost, routerLogits, expertWeights, expertIndices
    case expertPre, expertPreLinear, expertPost, sharedPost
    case norm2PostScale, norm2PostNormalized, mlpOut, residPost, normalizedResidPost
    // The head.
    case finalScale, finalNormalized, headDense, unembedIn, unembedOut

    /// Whether there is one in each block.
    public var isInBlock: Bool { self >= .residPre && self <= .normalizedResidPost }
    /// Whether there is one in each expert.
    public var isInExpert: Bool { self >= .expertPre && self <= .expertPost }
    /// The name without `blocks.{i}.`; `{e}` stands for the expert.
    var suffix: String { SiteTable.first[self]?.name ?? "" }
  }
}

/// Every site: one row each for its name, its shorthand, what a token's row holds and where it exists, in the order of
/// the pass. A kind whose place depends on the architecture stands at each of its places.
enum SiteTable {
  struct Row: Sendable {
    let kind: Site.Kind
    /// Without `blocks.{i}.`.
    let name: String
    /// What users type for it in every layer.
    let shorthand: String?
    let shape: @Sendable (Architecture, Block) -> SiteShape
    let exists: @Sendable (Architecture, Block) -> Bool

    init(
      _ kind: Site.Kind, _ name: String, _ shorthand: String? = nil,
      _ shape: @escaping @Sendable (Architecture, Block) -> SiteShape,
      when exists: @escaping @Sendable (Architecture, Block) -> Bool = { _, _ in true }
    ) {
      self.kind = kind
      self.name = name
      self.shorthand = shorthand
      self.shape = shape
      self.exists = exists
    }
  }

  /// Before the first block.
  static let embedding: [Row] = [
    Row(.embedScale, "ln.hook_scale", nil, scale, when: { a, _ in a.embedding.normalizesTokensAlone }),
    Row(.embedNormalized, "ln.hook_normalized", nil, residual, when: { a, _ in a.embedding.normalizesTokensAlone }),
    Row(.embed, "hook_embed", "embed", residual),
    Row(.positionEmbed, "hook_pos_embed", "pos_embed", residual, when: { a, _ in a.embedding.positions != nil }),
    Row(
      .tokenTypeEmbed, "hook_token_type_embed", "token_type_embed", residual,
      when: { a, _ in a.embedding.tokenTypes > 0 }),
    Row(.embedScale, "ln.hook_scale", nil, scale, when: { a, _ in a.embedding.normalizesSum }),
    Row(.embedNormalized, "ln.hook_normalized", nil, residual, when: { a, _ in a.embedding.normalizesSum }),
    Row(.fullEmbed, "hook_full_embed", "full_embed", residual, when: { a, _ in a.embedding.normalizesSum }),
  ]

  /// In every block that has them.
  static let block: [Row] =
    [Row(.residPre, "hook_resid_pre", "resid_pre", residual)]
    + norm1 { $0.normPlace == .before }
    + [
      Row(
        .queryLatent, "attn.hook_q_latent", "q_latent",
        { SiteShape(["q_rank": $1.attention.latent?.queryRank ?? 0]) },
        when: { $1.attention.latent?.queryRank != nil }),
      Row(
        .keyValueLatent, "attn.hook_kv_latent", "kv_latent",
        { SiteShape(["kv_rank": $1.attention.latent?.keyValueRank ?? 0]) }, when: { $1.attention.latent != nil }),
      Row(.query, "attn.hook_q", "q", { queries($1, $1.attention.headWidth) }),
      Row(.queryNormScale, "attn.q_norm.hook_scale", "q_norm_scale", { normScale($1, \.heads) }, when: normsQueryKey),
      Row(
        .queryNormNormalized, "attn.q_norm.hook_normalized", "q_norm_normalized",
        { queries($1, $1.attention.headWidth) }, when: normsQueryKey),
      Row(.key, "attn.hook_k", "k", { keys($1, $1.attention.headWidth) }),
      Row(
        .keyNormScale, "attn.k_norm.hook_scale", "k_norm_scale", { normScale($1, \.keyValueHeads) }, when: normsQueryKey
      ),
      Row(
        .keyNormNormalized, "attn.k_norm.hook_normalized", "k_norm_normalized", { keys($1, $1.attention.headWidth) },
        when: normsQueryKey),
      Row(.value, "attn.hook_v", "v", { keys($1, $1.attention.valueWidth) }),
      Row(
        .rotatedQuery, "attn.hook_rot_q", "rot_q", { queries($1, $1.attention.headWidth) },
        when: { $1.attention.rotary != nil }),
      Row(
        .rotatedKey, "attn.hook_rot_k", "rot_k", { keys($1, $1.attention.headWidth) },
        when: { $1.attention.rotary != nil }),
      Row(.scores, "attn.hook_attn_scores", "attn_scores", seen),
      Row(.pattern, "attn.hook_pattern", "pattern", seen),
      Row(.mixed, "attn.hook_z", "z", { queries($1, $1.attention.valueWidth) }),
      Row(
        .result, "attn.hook_result", "result",
        { SiteShape(axes: ["heads", "d_model"], lengths: [$1.attention.heads, $0.width]) }),
    ]
    + norm1 { $0.normPlace == .afterBranch }
    + [
      Row(.norm1PostScale, "ln1_post.hook_scale", "ln1_post_scale", scale, when: { $1.postNorm != nil }),
      Row(
        .norm1PostNormalized, "ln1_post.hook_normalized", "ln1_post_normalized", residual,
        when: { $1.postNorm != nil }),
      Row(.attentionOut, "hook_attn_out", "attn_out", residual),
      Row(.residMid, "hook_resid_mid", "resid_mid", residual, when: { !$1.isParallel }),
    ]
    + norm1 { $0.normPlace == .onStream }
    + norm2 { $0.normPlace == .before }
    + [
      Row(.mlpIn, "mlp.hook_in", "mlp_in", residual),
      Row(.mlpPre, "mlp.hook_pre", "mlp_pre", neurons, when: { $1.mlp != nil }),
      Row(.mlpPreLinear, "mlp.hook_pre_linear", "mlp_pre_linear", neurons, when: { $1.mlp?.isGated == true }),
      Row(.mlpPost, "mlp.hook_post", "mlp_post", neurons, when: { $1.mlp != nil }),
      Row(
        .routerLogits, "mlp.hook_router_logits", "router_logits", { SiteShape(["experts": $1.experts?.count ?? 0]) },
        when: { $1.experts != nil }),
      Row(
        .expertWeights, "mlp.hook_expert_weights", "expert_weights", { SiteShape(["chosen": $1.experts?.active ?? 0]) },
        when: { $1.experts != nil }),
      Row(
        .expertIndices, "mlp.hook_expert_indices", "expert_indices", { SiteShape(["chosen": $1.experts?.active ?? 0]) },
        when: { $1.experts != nil }),
      Row(.expertPre, "mlp.experts.{e}.hook_pre", "expert_pre", expertNeurons, when: { $1.experts != nil }),
      Row(
        .expertPreLinear, "mlp.experts.{e}.hook_pre_linear", "expert_pre_linear", expertNeurons,
        when: { $1.experts?.expert.isGated == true }),
      Row(.expertPost, "mlp.experts.{e}.hook_post", "expert_post", expertNeurons, when: { $1.experts != nil }),
      Row(
        .sharedPost, "mlp.shared_experts.hook_post", "shared_expert_post",
        { SiteShape(["d_mlp": $1.experts?.shared?.neurons ?? 0]) }, when: { $1.experts?.shared != nil }),
    ]
    + norm2 { $0.normPlace == .afterBranch }
    + [
      Row(.norm2PostScale, "ln2_post.hook_scale", "ln2_post_scale", scale, when: { $1.postNorm != nil }),
      Row(
        .norm2PostNormalized, "ln2_post.hook_normalized", "ln2_post_normalized", residual,
        when: { $1.postNorm != nil }),
      Row(.mlpOut, "hook_mlp_out", "mlp_out", residual),
      Row(.residPost, "hook_resid_post", "resid_post", residual),
    ]
    + norm2 { $0.normPlace == .onStream }
    + [
      Row(
        .normalizedResidPost, "hook_normalized_resid_post", "normalized_resid_post", residual,
        when: { $1.normPlace == .onStream })
    ]

  /// Behind the last block.
  static let head: [Row] = [
    Row(.headDense, "mlm_head.hook_out", nil, residual, when: { a, _ in a.head.kind == .maskedToken }),
    Row(.finalScale, "ln_final.hook_scale", "ln_final_scale", scale, when: { a, _ in a.head.norm != nil }),
    Row(
      .finalNormalized, "ln_final.hook_normalized", "ln_final_normalized", residual,
      when: { a, _ in a.head.norm != nil }
    ),
    Row(
      .unembedIn, "unembed.hook_in", nil, { a, _ in SiteShape(["d_model": a.embedding.tokenWidth ?? a.width]) },
      when: { a, _ in a.hasLogits }),
    Row(
      .unembedOut, "unembed.hook_out", "logits", { a, _ in SiteShape(["d_vocab": a.vocabularySize]) },
      when: { a, _ in a.hasLogits }),
  ]

  /// The first row of each kind: name, shorthand and shape are the same in all.
  static let first = Dictionary((embedding + block + head).map { ($0.kind, $0) }) { row, _ in row }

  // MARK: Shapes

  @Sendable private static func residual(_ a: Architecture, _: Block) -> SiteShape { SiteShape(["d_model": a.width]) }
  @Sendable private static func scale(_: Architecture, _: Block) -> SiteShape { SiteShape(["scale": 1]) }
  @Sendable private static func neurons(_: Architecture, _ b: Block) -> SiteShape {
    SiteShape(["d_mlp": b.mlp?.neurons ?? 0])
  }
  @Sendable private static func expertNeurons(_: Architecture, _ b: Block) -> SiteShape {
    SiteShape(["d_mlp": b.experts?.expert.neurons ?? 0])
  }
  @Sendable private static func seen(_: Architecture, _ b: Block) -> SiteShape {
    SiteShape(axes: ["heads", "keys"], lengths: [b.attention.heads, nil])
  }
  private static func queries(_ b: Block, _ width: Int) -> SiteShape {
    SiteShape(axes: ["heads", "d_head"], lengths: [b.attention.heads, width])
  }
  private static func keys(_ b: Block, _ width: Int) -> SiteShape {
    SiteShape(axes: ["key_value_heads", "d_head"], lengths: [b.attention.keyValueHeads, width])
  }
  private static func normScale(_ b: Block, _ heads: KeyPath<Attention, Int>) -> SiteShape {
    b.attention.queryKeyNorm?.rows == .width
      ? SiteShape(["scale": 1]) : SiteShape(axes: ["heads", "scale"], lengths: [b.attention[keyPath: heads], 1])
  }
  @Sendable private static func normsQueryKey(_: Architecture, _ b: Block) -> Bool { b.attention.queryKeyNorm != nil }

  private static func norm1(when exists: @escaping @Sendable (Block) -> Bool) -> [Row] {
    [
      Row(.norm1Scale, "ln1.hook_scale", "ln1_scale", scale, when: { exists($1) && !$1.norm1.isIdentity }),
      Row(
        .norm1Normalized, "ln1.hook_normalized", "ln1_normalized", residual,
        when: { exists($1) && !$1.norm1.isIdentity }),
    ]
  }
  private static func hasNorm2(_ b: Block) -> Bool { b.norm2.map { !$0.isIdentity } ?? false }

  private static func norm2(when exists: @escaping @Sendable (Block) -> Bool) -> [Row] {
    [
      Row(.norm2Scale, "ln2.hook_scale", "ln2_scale", scale, when: { exists($1) && hasNorm2($1) }),
      Row(.norm2Normalized, "ln2.hook_normalized", "ln2_normalized", residual, when: { exists($1) && hasNorm2($1) }),
    ]
  }
}
