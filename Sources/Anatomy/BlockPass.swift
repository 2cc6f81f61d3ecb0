import Architectures

/// The steps of one layer, one by one.
///
/// A step stands at a place of `order`, or is nil where the layer does without it: so the layers of a model, however they
/// differ, are told as one list in the order of computation.
struct BlockPass {
  let block: Block
  let width: Int
  let sequence: Int
  /// What the layer's matrices are.
  let components: [ParameterComponent]

  init(block: Block, width: Int, sequence: Int) {
    self.block = block
    self.width = width
    self.sequence = sequence
    components = block.components(width: width)
  }

  /// The step that a layer has at one place, if any.
  typealias Place = @Sendable (BlockPass) -> PassStep?

  /// The places of all steps, in the order of computation.
  static let order: [Place] =
    [\.norm1Before] + attention + [
      \.attentionNormAfter, \.attentionPostNorm, \.attentionScale, \.attentionSum, \.norm1OnStream, \.norm2Before,
    ] + feedForward + [\.mlpNormAfter, \.mlpPostNorm, \.mlpScale, \.mlpSum, \.norm2OnStream]

  var row: String { grouped(width) }
  private var attention: Attention { block.attention }

  // MARK: Norms and sums

  private var norm1Before: PassStep? {
    block.normPlace != .before || block.norm1.isIdentity
      ? nil : .inside("norm", .attention, row, "D", width: true, site: "ln1.hook_normalized")
  }

  private var norm2Before: PassStep? {
    guard block.normPlace == .before, block.norm2?.isIdentity != true else { return nil }
    // Side by side, the MLP reads the stream as it was before attention was added.
    return block.norm2 == nil
      ? .inside("attention's norm again", .mlp, row, width: false)
      : .inside(
        block.isParallel ? "norm, beside attention's" : "norm", .mlp, row, "D", width: true, site: "ln2.hook_normalized"
      )
  }

  private var norm1OnStream: PassStep? {
    block.normPlace != .onStream
      ? nil : .inside("norm", .stream, row, "D", width: true, site: "ln1.hook_normalized")
  }

  private var norm2OnStream: PassStep? {
    block.normPlace != .onStream
      ? nil : .inside("norm", .stream, row, "D", width: true, site: "hook_normalized_resid_post")
  }

  /// What is done to a branch's result before it is added to the stream; the last of it is the branch's site.
  enum Finish { case product, normAfter, postNorm, scale }

  private var lastFinish: Finish {
    if block.residualScale != nil { return .scale }
    if block.postNorm != nil { return .postNorm }
    return block.normPlace == .afterBranch ? .normAfter : .product
  }

  func finish(_ finish: Finish, _ branch: PassStep.Branch) -> String? {
    finish != lastFinish ? nil : branch == .attention ? "hook_attn_out" : "hook_mlp_out"
  }

  private func normAfter(_ branch: PassStep.Branch) -> PassStep? {
    guard block.normPlace == .afterBranch else { return nil }
    return .inside("norm of the result", branch, row, "D", width: true, site: finish(.normAfter, branch))
  }

  private func postNorm(_ branch: PassStep.Branch) -> PassStep? {
    guard block.postNorm != nil else { return nil }
    return .inside("norm of the result", branch, row, "D", width: true, site: finish(.postNorm, branch))
  }

  private func scale(_ branch: PassStep.Branch) -> PassStep? {
    guard let scale = block.residualScale else { return nil }
    return .inside(
      "scale the result", branch, "\(row) × \(short(scale))", "D", width: true, site: finish(.scale, branch))
  }

  private var attentionNormAfter: PassStep? { normAfter(.attention) }
  private var attentionPostNorm: PassStep? { postNorm(.attention) }
  private var attentionScale: PassStep? { scale(.attention) }
  private var mlpNormAfter: PassStep? { normAfter(.mlp) }
  private var mlpPostNorm: PassStep? { postNorm(.mlp) }
  private var mlpScale: PassStep? { scale(.mlp) }

  private var attentionSum: PassStep? { sum(site: block.isParallel ? nil : "hook_resid_mid") }
  private var mlpSum: PassStep? { sum(site: "hook_resid_post") }

  private func sum(site: String?) -> PassStep {
    .inside("add to the stream", .stream, "\(row) + \(row)", "D", width: true, site: site)
  }

  // MARK: Attention

  private static let attention: [Place] = [
    \.latentsDown, \.latentQueries, \.latentsUp, \.queriesKeysValues, \.clip, \.queryKeyNorm, \.rotate, \.scores,
    \.scoreCap, \.slopes, \.softmax, \.mix, \.attentionOutput,
  ]

  private var latentsDown: PassStep? {
    guard let latent = attention.latent else { return nil }
    let query = latent.queryRank.map { "\($0) and " } ?? ""
    return products(
      ["W_DQ", "W_DKV"], "down to latents", "\(row) → \(query)\(latent.keyValueRank) + \(latent.rotaryWidth)",
      site: latent.queryRank == nil ? "attn.hook_kv_latent" : "attn.hook_q_latent, kv_latent")
  }

  private var latentQueries: PassStep? {
    guard attention.latent != nil else { return nil }
    return products(["W_Q"], "queries", "\(row) → \(attention.heads) × \(attention.headWidth)", site: "attn.hook_q")
  }

  private var latentsUp: PassStep? {
    guard let latent = attention.latent else { return nil }
    return products(
      ["W_UQ", "W_UKV"], "up to heads",
      "latents → \(attention.heads) × \(attention.headWidth) q, k; × \(attention.valueWidth) v",
      site: latent.queryRank == nil ? "attn.hook_k, v" : "attn.hook_q, k, v", width: false)
  }

  private var queriesKeysValues: PassStep? {
    guard attention.latent == nil else { return nil }
    let (heads, keys) = (attention.heads, attention.keyValueHeads)
    return products(
      ["W_Q", "W_K", "W_V"], "queries, keys, values",
      keys == heads
        ? "\(row) → 3 × \(heads) heads × \(attention.headWidth)"
        : "\(row) → (\(heads) q + \(keys) k + \(keys) v) heads × \(attention.headWidth)", site: "attn.hook_q, k, v")
  }

  private var clip: PassStep? {
    attention.clip.map { .inside("clip q, k and v", .attention, "to ±\(plain($0))", width: false) }
  }

  private var queryKeyNorm: PassStep? {
    attention.queryKeyNorm.map {
      .inside(
        "norm of q and k", .attention, $0.rows == .width ? "all heads together" : "each head's \(attention.headWidth)",
        width: false, site: "attn.q_norm.hook_normalized, k_norm")
    }
  }

  private var rotate: PassStep? {
    attention.rotary.map {
      .inside(
        "rotate q and k", .attention,
        "by position" + ($0.rotated < attention.headWidth ? ", \($0.rotated) of \(attention.headWidth)" : ""),
        width: false, site: "attn.hook_rot_q, rot_k")
    }
  }

  private var scores: PassStep? {
    .inside(
      "scores q · k", .attention, "\(attention.heads) heads × keys seen", "2·T̄·H·d_head",
      2 * attention.meanKeys(sequence: sequence) * Double(attention.queryWidth), width: false,
      site: "attn.hook_attn_scores")
  }

  private var scoreCap: PassStep? {
    attention.scoreCap.map {
      .inside("cap scores", .attention, "\(plain($0))·tanh(s / \(plain($0)))", width: false)
    }
  }

  private var slopes: PassStep? {
    attention.alibi == nil ? nil : .inside("add slopes", .attention, "by distance, one a head", width: false)
  }

  private var softmax: PassStep? {
    .inside(
      "softmax", .attention, attention.hasSinks ? "over keys and a sink" : "over keys", width: false,
      site: "attn.hook_pattern")
  }

  private var mix: PassStep? {
    .inside(
      "mix values", .attention, "→ \(attention.heads) × \(attention.valueWidth)",
      attention.latent == nil ? "2·T̄·H·d_head" : "2·T̄·H·d_v",
      2 * attention.meanKeys(sequence: sequence) * Double(attention.mixedWidth), width: false, site: "attn.hook_z")
  }

  private var attentionOutput: PassStep? {
    products(
      ["W_O"], "output projection", "\(attention.heads) × \(attention.valueWidth) → \(row)",
      site: finish(.product, .attention))
  }

  private func products(_ names: Set<String>, _ title: String, _ shape: String, site: String?, width: Bool = true)
    -> PassStep?
  {
    .products(names, of: components, titled: title, .attention, shape: shape, site: site, width: width)
  }
}
