import Architectures

extension Block {
  /// What one layer holds, in the order of the pass.
  func components(width: Int) -> [ParameterComponent] {
    var all = attention.components(width: width)
    switch feedForward {
    case .dense(let mlp): all += mlp.components(width: width, letter: "M")
    case .experts(let experts): all += experts.components(width: width)
    }
    return all + norms(width: width) + attention.norms
  }

  /// The norms of the stream and of the branches; those that are alike stand together.
  private func norms(width: Int) -> [ParameterComponent] {
    var all: [ParameterComponent] = []
    for norm in [norm1, norm2, postNorm, postNorm].compactMap({ $0 }) {
      let component = ParameterComponent(norm: norm, "ln", "norms of a block", length: width, "D", layers: 1)
      guard let component else { continue }
      if let place = all.firstIndex(where: { $0.bias == component.bias }) {
        all[place].copies += 1
        all[place].activeCopies += 1
      } else {
        all.append(component)
      }
    }
    return all
  }
}

extension Attention {
  func components(width: Int) -> [ParameterComponent] {
    let biased = queryKeyValueBias
    func matrix(_ name: String, _ title: String, _ shape: [Int], _ letters: String, bias: Bool) -> ParameterComponent {
      .init(name, title, .attention, layers: 1, shape: shape, letters, bias: bias ? shape[1] : 0)
    }
    var all: [ParameterComponent] = []
    if let latent {
      if let rank = latent.queryRank {
        all.append(matrix("W_DQ", "query, down to its latent", [width, rank], "D × r_q", bias: biased))
        all.append(matrix("W_UQ", "queries, up from it", [rank, queryWidth], "r_q × H·d_head", bias: false))
      } else {
        all.append(matrix("W_Q", "queries", [width, queryWidth], "D × H·d_head", bias: false))
      }
      all.append(
        matrix(
          "W_DKV", "keys and values, down to their latent", [width, latent.keyValueRank + latent.rotaryWidth],
          "D × (r_kv + d_rope)", bias: biased))
      all.append(
        matrix(
          "W_UKV", "keys and values, up from it",
          [latent.keyValueRank, heads * (headWidth - latent.rotaryWidth + valueWidth)], "r_kv × H·(d_nope + d_v)",
          bias: false))
    } else {
      let keys = keyValueHeads == heads ? "H" : "H_kv"
      all.append(matrix("W_Q", "queries", [width, queryWidth], "D × H·d_head", bias: biased))
      all.append(matrix("W_K", "keys", [width, keyWidth], "D × \(keys)·d_head", bias: biased))
      all.append(matrix("W_V", "values", [width, valuesWidth], "D × \(keys)·d_head", bias: biased))
    }
    all.append(
      matrix(
        "W_O", "attention output", [mixedWidth, width], latent == nil ? "H·d_head × D" : "H·d_v × D", bias: outputBias))
    if hasSinks {
      all.append(
        .init("sinks", "a score a head that leads nowhere", .attention, .elementwise, layers: 1, shape: [heads], "H"))
    }
    return all
  }

  /// The norms of queries, keys and latents.
  var norms: [ParameterComponent] {
    var all: [ParameterComponent?] = []
    if let norm = queryKeyNorm {
      let lengths = [heads, keyValueHeads].map { norm.weights(heads: $0, headWidth: headWidth) }
      if lengths[0] == lengths[1] {
        var both = ParameterComponent(
          norm: norm.norm, "q_norm, k_norm", "norms of queries and keys", length: lengths[0],
          norm.rows == .head ? "d_head" : "H·d_head", layers: 1)
        both?.copies = 2
        both?.activeCopies = 2
        all.append(both)
      } else {
        all.append(.init(norm: norm.norm, "q_norm", "norm of queries", length: lengths[0], "H·d_head", layers: 1))
        all.append(.init(norm: norm.norm, "k_norm", "norm of keys", length: lengths[1], "H_kv·d_head", layers: 1))
      }
    }
    if let latent {
      if let rank = latent.queryRank {
        all.append(.init(norm: latent.norm, "q_norm", "norm of the query's latent", length: rank, "r_q", layers: 1))
      }
      all.append(
        .init(norm: latent.norm, "kv_norm", "norm of the keys' latent", length: latent.keyValueRank, "r_kv", layers: 1))
    }
    return all.compactMap { $0 }
  }
}

extension MLP {
  /// The projections of one MLP, or of `copies` experts of which a token uses `active`.
  func components(
    width: Int, letter: String, prefix: String = "", title: String = "", copies: Int = 1, active: Int = 1
  ) -> [ParameterComponent] {
    func projection(_ name: String, _ words: String, _ shape: [Int], _ letters: String) -> ParameterComponent {
      .init(
        prefix + name, title + words, .mlp, layers: 1, shape: shape, letters, bias: bias ? shape[1] : 0,
        copies: copies, activeCopies: active)
    }
    let input = projection(
      "W_in", isGated ? "neurons, up" : "neurons in", [width, neurons], "D × \(letter)")
    let output = projection("W_out", "neurons out", [neurons, width], "\(letter) × D")
    guard isGated else { return [input, output] }
    return [projection("W_gate", "neurons' gates", [width, neurons], "D × \(letter)"), input, output]
  }
}

extension Experts {
  func components(width: Int) -> [ParameterComponent] {
    // What is added to the scores for the choice alone is state that training keeps, no parameter: it is not counted.
    var all = [
      ParameterComponent(
        "W_router", "router", .mlp, layers: 1, shape: [width, count], "D × E", bias: router.bias ? count : 0)
    ]
    all += expert.components(
      width: width, letter: "M_e", prefix: "experts.", title: "experts' ", copies: count, active: active)
    if let shared {
      all += shared.components(width: width, letter: "M_s", prefix: "shared.", title: "shared experts' ")
      if gatesShared {
        all.append(.init("shared.W_gate_out", "shared experts' gate", .mlp, layers: 1, shape: [width, 1], "D × 1"))
      }
    }
    return all
  }
}
