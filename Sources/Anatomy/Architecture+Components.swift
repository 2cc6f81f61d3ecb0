/// A named set of parameters: one matrix or vector of the model, over all layers that have it.
public struct ParameterComponent: Sendable, Equatable, Codable {
  /// The part of the model that it belongs to.
  public enum Part: String, Sendable, Codable, CaseIterable {
    case embedding, attention, mlp, norm, head
  }
  /// What a token does with it.
  public enum Use: String, Sendable, Codable {
    /// A row is looked up: no arithmetic.
    case lookup
    /// A matrix product: two operations a weight.
    case product
    /// A few operations an element, which counts of FLOPs leave out.
    case elementwise
  }

  /// TransformerLens's name where it has one, such as `W_Q`.
  public var name: String
  /// What it is, in words.
  public var title: String
  public var part: Part
  public var use: Use
  /// The number of layers that have it; nil: it stands outside the blocks.
  public var layers: Int?
  /// One copy's shape, inputs first; a vector has one number.
  public var shape: [Int]
  /// The shape in letters, such as `D × H·d_head`.
  public var letters: String
  /// The elements of one copy's bias; 0 for none.
  public var bias: Int
  /// Copies in a layer: experts, or the two norms of a block.
  public var copies: Int
  /// How many of the copies a token uses.
  public var activeCopies: Int
  /// Whether it is the token embedding once more and so adds no parameters.
  public var isTied: Bool

  /// The weights of all copies in all layers.
  public var weights: Int { isTied ? 0 : elements * copies * (layers ?? 1) }
  /// The biases of all copies in all layers.
  public var biases: Int { bias * copies * (layers ?? 1) }
  /// Weights and biases of all copies in all layers.
  public var parameters: Int { weights + biases }
  /// Those of `parameters` that a token uses: all but those of experts that stay asleep.
  public var activeParameters: Int { parameters / copies * activeCopies }
  /// Floating-point operations a token: 2 for each weight of a matrix product that the token uses.
  public var flops: Int { use == .product ? 2 * elements * activeCopies * (layers ?? 1) : 0 }

  /// The elements of one copy.
  public var elements: Int { shape.reduce(1, *) }

  init(
    _ name: String, _ title: String, _ part: Part, _ use: Use = .product, layers: Int? = nil, shape: [Int],
    _ letters: String, bias: Int = 0, copies: Int = 1, activeCopies: Int? = nil, isTied: Bool = false
  ) {
    self.name = name
    self.title = title
    self.part = part
    self.use = use
    self.layers = layers
    self.shape = shape
    self.letters = letters
    self.bias = bias
    self.copies = copies
    self.activeCopies = activeCopies ?? copies
    self.isTied = isTied
  }
}

extension Architecture {
  /// All parameters, component by component in the order of the pass. Their sum is exact: it equals what the model's
  /// own implementation allocates.
  public var components: [ParameterComponent] {
    embeddingComponents + attentionComponents + mlpComponents + normComponents + headComponents
  }

  /// The number of weights and biases.
  public var parameters: Int { components.reduce(0) { $0 + $1.parameters } }

  private var embeddingComponents: [ParameterComponent] {
    var all = [
      ParameterComponent(
        "W_E", "token embedding", .embedding, .lookup, shape: [vocabularySize, width], "V × D")
    ]
    if learnedPositions > 0 {
      all.append(.init("W_pos", "position embedding", .embedding, .lookup, shape: [learnedPositions, width], "T × D"))
    }
    if tokenTypes > 0 {
      all.append(
        .init("W_token_type", "token type embedding", .embedding, .lookup, shape: [tokenTypes, width], "types × D"))
    }
    return all
  }

  private var attentionComponents: [ParameterComponent] {
    guard let latent = attention.latent else {
      let bias = attention.queryKeyValueBias
      let keys = attention.keyValueHeads == attention.heads ? "H" : "H_kv"
      return [
        .init(
          "W_Q", "queries", .attention, layers: layers, shape: [width, attention.queryWidth], "D × H·d_head",
          bias: bias ? attention.queryWidth : 0),
        .init(
          "W_K", "keys", .attention, layers: layers, shape: [width, attention.keyWidth], "D × \(keys)·d_head",
          bias: bias ? attention.keyWidth : 0),
        .init(
          "W_V", "values", .attention, layers: layers, shape: [width, attention.valuesWidth], "D × \(keys)·d_head",
          bias: bias ? attention.valuesWidth : 0),
        attentionOutput(letters: "H·d_head × D"),
      ]
    }
    return latentComponents(latent) + [attentionOutput(letters: "H·d_v × D")]
  }

  private func attentionOutput(letters: String) -> ParameterComponent {
    .init(
      "W_O", "attention output", .attention, layers: layers, shape: [attention.mixedWidth, width], letters,
      bias: attention.outputBias ? width : 0)
  }

  private func latentComponents(_ latent: Attention.Latent) -> [ParameterComponent] {
    let bias = attention.queryKeyValueBias
    var all: [ParameterComponent] = []
    if let rank = latent.queryRank {
      all.append(
        .init(
          "W_DQ", "query, down to its latent", .attention, layers: layers, shape: [width, rank], "D × r_q",
          bias: bias ? rank : 0))
      all.append(
        .init(
          "W_UQ", "queries, up from it", .attention, layers: layers, shape: [rank, attention.queryWidth],
          "r_q × H·d_head"))
    } else {
      all.append(
        .init(
          "W_Q", "queries", .attention, layers: layers, shape: [width, attention.queryWidth], "D × H·d_head"))
    }
    let down = latent.keyValueRank + latent.rotaryWidth
    all.append(
      .init(
        "W_DKV", "keys and values, down to their latent", .attention, layers: layers, shape: [width, down],
        "D × (r_kv + d_rope)", bias: bias ? down : 0))
    let up = attention.heads * (attention.headWidth - latent.rotaryWidth + attention.valueWidth)
    all.append(
      .init(
        "W_UKV", "keys and values, up from it", .attention, layers: layers, shape: [latent.keyValueRank, up],
        "r_kv × H·(d_nope + d_v)"))
    return all
  }

  private var mlpComponents: [ParameterComponent] {
    var all: [ParameterComponent] = []
    if denseLayers > 0 {
      all += projections(neurons: mlp.neurons, layers: denseLayers, prefix: "", title: "", letter: "M")
    }
    guard let experts, !experts.layers.isEmpty else { return all }
    let layers = experts.layers.count
    all.append(
      .init("W_router", "router", .mlp, layers: layers, shape: [width, experts.count], "D × E"))
    all += projections(
      neurons: experts.neurons, layers: layers, prefix: "experts.", title: "experts' ", letter: "M_e",
      copies: experts.count, active: experts.active)
    if experts.sharedNeurons > 0 {
      all += projections(
        neurons: experts.sharedNeurons, layers: layers, prefix: "shared.", title: "shared experts' ", letter: "M_s")
    }
    return all
  }

  private func projections(
    neurons: Int, layers: Int, prefix: String, title: String, letter: String, copies: Int = 1, active: Int = 1
  ) -> [ParameterComponent] {
    func projection(_ name: String, _ words: String, _ shape: [Int], _ letters: String, bias: Int)
      -> ParameterComponent
    {
      .init(
        prefix + name, title + words, .mlp, layers: layers, shape: shape, letters, bias: mlp.bias ? bias : 0,
        copies: copies, activeCopies: active)
    }
    let input = projection(
      "W_in", mlp.isGated ? "neurons, up" : "neurons in", [width, neurons], "D × \(letter)", bias: neurons)
    let output = projection("W_out", "neurons out", [neurons, width], "\(letter) × D", bias: width)
    guard mlp.isGated else { return [input, output] }
    return [projection("W_gate", "neurons' gates", [width, neurons], "D × \(letter)", bias: neurons), input, output]
  }

  private var normComponents: [ParameterComponent] {
    func norm(_ name: String, _ title: String, _ length: Int, _ letter: String, layers: Int? = nil, copies: Int = 1)
      -> ParameterComponent
    {
      .init(
        name, title, .norm, .elementwise, layers: layers, shape: [norms.weights(length)], letter,
        bias: norms.biases(length), copies: copies)
    }
    var all: [ParameterComponent] = []
    if norms.afterEmbedding { all.append(norm("embed.ln", "norm of the embeddings", width, "D")) }
    all.append(norm("ln", "norms of a block", width, "D", layers: layers, copies: norms.perBlock))
    if attention.normalizesQueryKey {
      all.append(
        norm("q_norm, k_norm", "norms of queries and keys", attention.headWidth, "d_head", layers: layers, copies: 2))
    }
    if let latent = attention.latent {
      if let rank = latent.queryRank {
        all.append(norm("q_norm", "norm of the query's latent", rank, "r_q", layers: layers))
      }
      all.append(norm("kv_norm", "norm of the keys' latent", latent.keyValueRank, "r_kv", layers: layers))
    }
    if norms.final { all.append(norm("ln_final", "final norm", width, "D")) }
    return all
  }

  private var headComponents: [ParameterComponent] {
    var all: [ParameterComponent] = []
    if head.pooler { all.append(.init("W_pool", "pooler", .head, shape: [width, width], "D × D", bias: width)) }
    if head.kind == .maskedToken {
      all.append(.init("W_dense", "head's dense layer", .head, shape: [width, width], "D × D", bias: width))
      all.append(
        .init("mlm_head.ln", "head's norm", .head, .elementwise, shape: [width], "D", bias: norms.biases(width)))
    }
    if head.kind != .none {
      all.append(
        .init(
          "W_U", head.isTied ? "unembedding (W_E again)" : "unembedding", .head, shape: [width, vocabularySize],
          "D × V", bias: head.bias ? vocabularySize : 0, isTied: head.isTied))
    }
    return all
  }
}
