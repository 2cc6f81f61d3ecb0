import Architectures

extension Architecture {
  /// All parameters, component by component in the order of the pass. Their sum is exact: it equals what the model's
  /// own implementation allocates.
  ///
  /// Layers whose matrices have the same shapes share a component; where layers differ, each shape has its own.
  public var components: [ParameterComponent] {
    let inBlocks = blockComponents
    func part(_ part: ParameterComponent.Part) -> [ParameterComponent] { inBlocks.filter { $0.part == part } }
    let norms = [
      ParameterComponent(norm: embedding.norm, "embed.ln", "norm of the embeddings", length: width, "D"),
      head.kind == .maskedToken
        ? nil : ParameterComponent(norm: head.norm, "ln_final", "final norm", length: width, "D"),
    ]
    return embeddingComponents + part(.attention) + part(.mlp) + [norms[0]].compactMap { $0 } + part(.norm)
      + [norms[1]].compactMap { $0 } + headComponents
  }

  /// The number of weights and biases.
  public var parameters: Int { components.reduce(0) { $0 + $1.parameters } }

  /// What the blocks hold: alike components of all layers as one.
  private var blockComponents: [ParameterComponent] {
    var places: [ParameterComponent: Int] = [:]
    var all: [ParameterComponent] = []
    for kind in blockKinds {
      for component in kind.block.components(width: width) {
        let place = places[component] ?? all.count
        if place == all.count {
          places[component] = place
          all.append(component)
          all[place].layers = 0
        }
        all[place].layers = (all[place].layers ?? 0) + kind.count
      }
    }
    return all
  }

  private var embeddingComponents: [ParameterComponent] {
    let tokens = embedding.tokenWidth ?? width
    var all = [
      ParameterComponent(
        "W_E", "token embedding", .embedding, .lookup, shape: [vocabularySize, tokens],
        embedding.tokenWidth == nil ? "V × D" : "V × D_e")
    ]
    if let narrow = embedding.tokenWidth {
      all.append(.init("W_proj_in", "embedding, up to the stream", .embedding, shape: [narrow, width], "D_e × D"))
    }
    if let positions = embedding.positions {
      all.append(.init("W_pos", "position embedding", .embedding, .lookup, shape: [positions.rows, width], "T × D"))
    }
    if embedding.tokenTypes > 0 {
      all.append(
        .init(
          "W_token_type", "token type embedding", .embedding, .lookup, shape: [embedding.tokenTypes, width], "types × D"
        ))
    }
    return all
  }

  private var headComponents: [ParameterComponent] {
    var all: [ParameterComponent] = []
    if head.hasPooler { all.append(.init("W_pool", "pooler", .head, shape: [width, width], "D × D", bias: width)) }
    if head.kind == .maskedToken {
      all.append(.init("W_dense", "head's dense layer", .head, shape: [width, width], "D × D", bias: width))
      if var norm = ParameterComponent(norm: head.norm, "mlm_head.ln", "head's norm", length: width, "D") {
        norm.part = .head
        all.append(norm)
      }
    }
    guard hasLogits else { return all }
    if let narrow = embedding.tokenWidth {
      all.append(.init("W_proj_out", "down to an embedding's width", .head, shape: [width, narrow], "D × D_e"))
    }
    all.append(
      .init(
        "W_U", head.isTied ? "unembedding (W_E again)" : "unembedding", .head,
        shape: [embedding.tokenWidth ?? width, vocabularySize], embedding.tokenWidth == nil ? "D × V" : "D_e × V",
        bias: head.bias ? vocabularySize : 0, isTied: head.isTied))
    return all
  }
}

extension ParameterComponent {
  /// The weights of a norm over rows of `length`; nil where there is none to learn.
  init?(norm: Norm?, _ name: String, _ title: String, length: Int, _ letters: String, layers: Int? = nil) {
    guard let norm, norm.hasWeight else { return nil }
    self.init(
      name, title, .norm, .elementwise, layers: layers, shape: [length], letters, bias: norm.hasBias ? length : 0)
  }
}
