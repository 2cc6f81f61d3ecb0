/// One step of the forward pass, with what it costs a token.
public struct PassStep: Sendable, Equatable, Codable {
  /// Where a step stands: on the stream itself, or on a branch that reads from the stream and adds its result to it.
  public enum Branch: String, Sendable, Codable {
    case stream, attention, mlp
  }

  /// Which of an MLP's ways a step is part of, where there are several: they begin at the same norm, and what a layer has
  /// of them is added up.
  public enum Way: String, Sendable, Codable {
    /// Every way, or no way of an MLP.
    case all
    /// The MLP of layers without experts.
    case dense
    /// The router and the experts that it wakes.
    case experts
    /// The expert that every token passes.
    case shared
  }

  public var title: String
  public var branch: Branch
  public var way: Way
  /// Whether the step is part of every block.
  public var isInBlock: Bool
  /// The number of layers that do it; 1 outside the blocks.
  public var layers: Int
  /// What goes in and comes out, with numbers.
  public var shape: String
  /// Its cost a token in letters; empty where it is not counted.
  public var formula: String
  /// Floating-point operations a token in one layer; 0 where they are not counted.
  public var flops: Double
  /// Whether D stands in its cost: it reads or writes whole vectors of the residual stream.
  public var dependsOnWidth: Bool
  /// The hook point that shows its result; nil where there is none.
  public var site: String?
}

extension Architecture {
  /// The forward pass, step by step, in the order of computation; steps of a block stand once.
  ///
  /// - Parameter sequence: The length of the text that scores are counted for.
  public func operations(sequence: Int) -> [PassStep] {
    embeddingOperations + blockOperations(sequence: sequence) + headOperations
  }

  private func operation(
    _ title: String, _ branch: PassStep.Branch, block: Bool = true, layers: Int? = nil, _ shape: String,
    _ formula: String = "", _ flops: Double = 0, width dependsOnWidth: Bool, site: String? = nil
  ) -> PassStep {
    PassStep(
      title: title, branch: branch, way: .all, isInBlock: block, layers: layers ?? (block ? self.layers : 1),
      shape: shape,
      formula: formula, flops: flops, dependsOnWidth: dependsOnWidth, site: site)
  }

  private var embeddingOperations: [PassStep] {
    var all = [
      operation(
        "embed", .stream, block: false, "token id → \(grouped(width))", "copies D", width: true, site: "hook_embed")
    ]
    if learnedPositions > 0 {
      all.append(
        operation(
          "add position", .stream, block: false, "position → \(grouped(width))", "adds D", width: true,
          site: "hook_pos_embed"))
    }
    if tokenTypes > 0 {
      all.append(
        operation("add token type", .stream, block: false, "type → \(grouped(width))", "adds D", width: true))
    }
    if norms.afterEmbedding {
      all.append(operation("norm", .stream, block: false, "\(grouped(width))", "D", width: true))
    }
    return all
  }

  /// The matrix products of components, as steps.
  private func products(
    _ names: Set<String>, titled title: String, _ branch: PassStep.Branch, layers: Int? = nil, shape: String,
    site: String?, width: Bool = true
  ) -> PassStep? {
    let used = components.filter { names.contains($0.name) }
    guard let first = used.first, let count = first.layers else { return nil }
    let flops = used.reduce(0.0) { $0 + Double($1.flops / count) }
    let formula = used.map { component in
      let times = component.activeCopies > 1 ? "\(component.activeCopies)·" : ""
      return times + component.letters.replacing(" × ", with: "·")
    }
    let isRepeated = formula.count > 1 && formula.allSatisfy { $0 == formula[0] }
    let letters =
      if names.contains("W_K"), !isRepeated {
        "2·D·(H + 2·H_kv)·d_head"
      } else if isRepeated {
        "2·\(formula.count)·\(formula[0])"
      } else if formula.count == 1 {
        "2·\(formula[0])"
      } else {
        "2·(\(formula.joined(separator: " + ")))"
      }
    return operation(
      title, branch, layers: layers, shape, letters,
      flops, width: width, site: site)
  }

  private func blockOperations(sequence: Int) -> [PassStep] {
    let before =
      norms.afterEmbedding
      ? nil : operation("norm", .attention, "\(grouped(width))", "D", width: true, site: "ln1.hook_normalized")
    let sandwich = norms.perBlock == 4
    var all = [before].compactMap { $0 }
    all += attentionOperations(sequence: sequence)
    if sandwich { all.append(operation("norm of the result", .attention, "\(grouped(width))", "D", width: true)) }
    all.append(
      operation(
        "add to the stream", .stream, "\(grouped(width)) + \(grouped(width))", "D", width: true,
        site: isParallel ? nil : "hook_resid_mid"))
    all.append(
      operation(
        "norm", norms.afterEmbedding ? .stream : .mlp, "\(grouped(width))", "D", width: true,
        site: norms.afterEmbedding ? "ln1.hook_normalized" : "ln2.hook_normalized"))
    all += mlpOperations
    if sandwich { all.append(operation("norm of the result", .mlp, "\(grouped(width))", "D", width: true)) }
    all.append(
      operation(
        "add to the stream", .stream, "\(grouped(width)) + \(grouped(width))", "D", width: true, site: "hook_resid_post"
      ))
    if norms.afterEmbedding {
      all.append(operation("norm", .stream, "\(grouped(width))", "D", width: true, site: "hook_normalized_resid_post"))
    }
    return all
  }

  private func attentionOperations(sequence: Int) -> [PassStep] {
    var all: [PassStep?] = []
    let heads = attention.heads
    if let latent = attention.latent {
      let rank = latent.queryRank.map(String.init)
      all.append(
        products(
          ["W_DQ", "W_DKV"], titled: "down to latents", .attention,
          shape: "\(grouped(width)) → \(rank.map { "\($0) and " } ?? "")\(latent.keyValueRank) + \(latent.rotaryWidth)",
          site: nil))
      all.append(
        products(
          ["W_Q"], titled: "queries", .attention, shape: "\(grouped(width)) → \(heads) × \(attention.headWidth)",
          site: "attn.hook_q"))
      all.append(
        products(
          ["W_UQ", "W_UKV"], titled: "up to heads", .attention,
          shape: "latents → \(heads) × \(attention.headWidth) q, k; × \(attention.valueWidth) v", site: nil,
          width: false))
    } else {
      let keys = attention.keyValueHeads
      all.append(
        products(
          ["W_Q", "W_K", "W_V"], titled: "queries, keys, values", .attention,
          shape: keys == heads
            ? "\(grouped(width)) → 3 × \(heads) heads × \(attention.headWidth)"
            : "\(grouped(width)) → (\(heads) q + \(keys) k + \(keys) v) heads × \(attention.headWidth)",
          site: "attn.hook_q, k, v"))
    }
    if attention.normalizesQueryKey {
      all.append(operation("norm of q and k", .attention, "each head's \(attention.headWidth)", width: false))
    }
    if attention.isRotary {
      all.append(operation("rotate q and k", .attention, "by position", width: false, site: "attn.hook_rot_q, rot_k"))
    }
    let keys = { meanKeys(sequence: sequence, layer: $0) }
    let layerCount = Double(layers)
    all.append(
      operation(
        "scores q · k", .attention, "\(heads) heads × keys seen", "2·T̄·H·d_head",
        scoreFLOPs(keys: keys) / layerCount, width: false, site: "attn.hook_attn_scores"))
    if let cap = attention.scoreCap {
      all.append(operation("cap scores", .attention, "\(Int(cap))·tanh(s / \(Int(cap)))", width: false))
    }
    all.append(operation("softmax", .attention, "over keys", width: false, site: "attn.hook_pattern"))
    all.append(
      operation(
        "mix values", .attention, "→ \(heads) × \(attention.valueWidth)",
        attention.latent == nil ? "2·T̄·H·d_head" : "2·T̄·H·d_v",
        mixingFLOPs(keys: keys) / layerCount, width: false, site: "attn.hook_z"))
    all.append(
      products(
        ["W_O"], titled: "output projection", .attention,
        shape: "\(heads) × \(attention.valueWidth) → \(grouped(width))",
        site: "hook_attn_out"))
    return all.compactMap { $0 }
  }

  private var mlpOperations: [PassStep] {
    var all: [PassStep] = []
    func append(_ step: PassStep?, _ way: PassStep.Way) {
      guard var step else { return }
      step.way = way
      all.append(step)
    }
    func neurons(
      _ way: PassStep.Way, _ prefix: String, _ name: String, layers: Int, _ count: Int, copies: Int = 1, site: String?
    ) {
      let many = copies > 1 ? "\(copies) × " : ""
      append(
        products(
          [prefix + "W_gate", prefix + "W_in"],
          titled: name.isEmpty ? (mlp.isGated ? "gates and inputs" : "neurons' inputs") : "\(name), in", .mlp,
          layers: layers, shape: "\(grouped(width)) → \(many)\(mlp.isGated ? "2 × " : "")\(grouped(count))",
          site: site.map { $0 + ".hook_pre" }), way)
      append(
        operation(
          mlp.isGated ? "\(mlp.activation)(gate) · input" : mlp.activation, .mlp, layers: layers,
          "\(many)\(grouped(count)) neurons", width: false, site: site.map { $0 + ".hook_post" }), way)
      append(
        products(
          [prefix + "W_out"], titled: name.isEmpty ? "neurons' output" : "\(name), out", .mlp, layers: layers,
          shape: "\(many)\(grouped(count)) → \(grouped(width))", site: site == "mlp" ? "hook_mlp_out" : nil), way)
    }
    if denseLayers > 0 { neurons(.dense, "", "", layers: denseLayers, mlp.neurons, site: "mlp") }
    guard let experts, !experts.layers.isEmpty else { return all }
    let layers = experts.layers.count
    append(
      products(
        ["W_router"], titled: "router", .mlp, layers: layers,
        shape: "\(grouped(width)) → \(experts.count), wakes \(experts.active)", site: "mlp.hook_expert_weights"),
      .experts)
    neurons(
      .experts, "experts.", "experts", layers: layers, experts.neurons, copies: experts.active, site: "mlp.experts.{e}")
    if experts.sharedNeurons > 0 {
      neurons(.shared, "shared.", "shared expert", layers: layers, experts.sharedNeurons, site: "mlp.shared_experts")
    }
    return all
  }

  private var headOperations: [PassStep] {
    var all: [PassStep] = []
    if head.kind == .maskedToken {
      all.append(
        operation(
          "dense layer", .stream, block: false, "\(grouped(width)) → \(grouped(width))", "2·D·D",
          2 * Double(width) * Double(width),
          width: true))
      all.append(operation("norm", .stream, block: false, "\(grouped(width))", "D", width: true))
    }
    if norms.final {
      all.append(
        operation(
          "final norm", .stream, block: false, "\(grouped(width))", "D", width: true, site: "ln_final.hook_normalized"))
    }
    if head.pooler {
      all.append(
        operation(
          "pooler", .stream, block: false, "\(grouped(width)) → \(grouped(width))", "2·D·D",
          2 * Double(width) * Double(width),
          width: true))
    }
    guard head.kind != .none else { return all }
    all.append(
      operation(
        "unembed", .stream, block: false, "\(grouped(width)) → \(grouped(vocabularySize))", "2·D·V",
        2 * Double(width) * Double(vocabularySize), width: true, site: "unembed.hook_out"))
    if let cap = head.logitCap {
      all.append(operation("cap logits", .stream, block: false, "\(Int(cap))·tanh(l / \(Int(cap)))", width: false))
    }
    all.append(operation("softmax", .stream, block: false, "over \(grouped(vocabularySize)) tokens", width: false))
    return all
  }
}
