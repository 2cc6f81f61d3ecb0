extension ConfigReader {
  /// How a family spells what decoders since Llama share, and what holds where its config.json is silent.
  struct DecoderKeys {
    var norm = Norm.Kind.rms
    var epsilon = (key: "rms_norm_eps", value: 1e-6)
    var activation = (key: "hidden_act", value: "silu")
    var context = 2048
    var headWidth: Int?
    var heads: Int?
    var keyValueHeads: Int?
    var vocabulary: Int?
    var queryKeyValueBias = false
    var outputBias = false
    var mlpBias = false
    var isGated = true
    var isTied = false
    var ropeBase = 10_000.0
    var rotatedShare = 1.0
    var pairs = Rotary.Pairs.halves
    /// Whether `yarn` is another name of longrope (Phi 3).
    var yarnIsLongRoPE = false
  }

  /// The architecture that decoders since Llama share: rotary positions, norms before attention and MLP, grouped-query
  /// attention, uniform layers. A family then changes what differs.
  func decoder(_ keys: DecoderKeys = DecoderKeys()) throws -> Architecture {
    let width = try dimension("hidden_size")
    let layers = try layers("num_hidden_layers")
    let heads = try dimension("num_attention_heads", default: keys.heads)
    // null means as many as heads; an absent key what the class has.
    let keyValueHeads = try dimension(
      "num_key_value_heads", default: mentions("num_key_value_heads") ? heads : keys.keyValueHeads ?? heads)
    _ = try evenly("num_attention_heads", heads, into: "num_key_value_heads", keyValueHeads)
    let headWidth =
      try optionalDimension("head_dim") ?? keys.headWidth
      ?? evenly("hidden_size", width, into: "num_attention_heads", heads)
    let context = try dimension("max_position_embeddings", default: keys.context)
    let norm = Norm(keys.norm, epsilon: try epsilon(keys.epsilon.key, default: keys.epsilon.value))
    let block = Block(
      norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, queryKeyValueBias: keys.queryKeyValueBias,
        outputBias: keys.outputBias,
        rotary: try rotary(
          width: headWidth, context: context, base: keys.ropeBase, fraction: keys.rotatedShare, pairs: keys.pairs,
          yarnIsLongRoPE: keys.yarnIsLongRoPE)),
      feedForward: .dense(
        MLP(
          neurons: try dimension(name("intermediate_size", "moe_intermediate_size")),
          activation: try activation(keys.activation.key, default: keys.activation.value), isGated: keys.isGated,
          bias: keys.mlpBias)))
    return Architecture(
      modelType: try modelType(), width: width, vocabularySize: try dimension("vocab_size", default: keys.vocabulary),
      context: context,
      blocks: Array(repeating: block, count: layers),
      head: .init(isTied: try bool("tie_word_embeddings", default: keys.isTied), norm: norm))
  }

  /// A mixture of experts whose number and share of a token are checked against each other.
  func experts(
    count: Int, activeKey: String = "num_experts_per_tok", active value: Int? = nil, expert: MLP, shared: MLP? = nil,
    gatesShared: Bool = false, router: Experts.Router
  ) throws -> Experts {
    let active = try dimension(activeKey, default: value)
    guard active <= count else {
      throw contradiction(
        activeKey, "more experts wake up than there are", expected: "at most \(count)", found: "\(active)")
    }
    if let groups = router.groups {
      let size = try evenly("n_routed_experts", count, into: "n_group", groups.count)
      guard groups.chosen <= groups.count else {
        throw contradiction(
          "topk_group", "more groups of experts are used than there are", expected: "at most n_group (\(groups.count))",
          found: "\(groups.chosen)")
      }
      guard active <= groups.chosen * size, groups.scored <= size else {
        throw contradiction(
          activeKey, "the chosen groups hold too few experts", expected: "at most \(groups.chosen * size)",
          found: "\(active)")
      }
    }
    return Experts(
      count: count, active: active, expert: expert, shared: shared, gatesShared: gatesShared, router: router)
  }

  /// The number under one of two names; where both are there they must agree.
  func dimension(_ key: String, or other: String, default value: Int? = nil) throws -> Int {
    guard let first = try optionalDimension(key) else { return try dimension(other, default: value) }
    if let second = try optionalDimension(other), second != first {
      throw contradiction(
        other, "\(key) and \(other) are two names of one number", expected: "\(first)", found: "\(second)")
    }
    return first
  }
}
