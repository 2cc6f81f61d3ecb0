/// Gemma 1: embeddings scaled by √d_model, norms whose weights are counted from 1.
enum Gemma: Family {
  static let modelTypes = ["gemma"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try scaled(config, keys: .init(activation: ("hidden_act", "gelu_pytorch_tanh"), context: 8192))
    // The first configurations say "gelu" and mean its approximation.
    guard try config.string("hidden_act", default: "") == "gelu" else { return architecture }
    architecture.changeBlocks { _, block in
      guard var mlp = block.mlp else { return }
      mlp.activation = .geluTanh
      block.feedForward = .dense(mlp)
    }
    return architecture
  }

  /// What all generations of Gemma share; `keys` holds what differs where config.json is silent.
  static func scaled(_ config: ConfigReader, keys: ConfigReader.DecoderKeys) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var keys = keys
    keys.headWidth = 256
    keys.queryKeyValueBias = bias
    keys.outputBias = bias
    keys.isTied = true
    var architecture = try config.decoder(keys)
    architecture.embedding.scale = Double(architecture.width).squareRoot()
    architecture.embedding.roundsScale = true
    architecture.head.norm?.weightOffset = 1
    architecture.changeBlocks { _, block in
      block.norm1.weightOffset = 1
      block.norm2?.weightOffset = 1
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}

/// Gemma 2: norms before and after each branch, soft caps of scores and logits, a window in every other layer.
enum Gemma2: Family {
  static let modelTypes = ["gemma2"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try sandwich(config, keys: .init(context: 8192, heads: 8, keyValueHeads: 4))
    let cap = try config.cap("attn_logit_softcapping", default: 50)
    let windows = try config.windows(layers: architecture.layers, window: config.window(default: 4096)) { $0 % 2 == 0 }
    architecture.changeBlocks { layer, block in
      block.attention.window = windows[layer]
      block.attention.scoreCap = cap
    }
    architecture.head.logitCap = try config.cap("final_logit_softcapping", default: 30)
    return architecture
  }

  /// Gemma with norms on both sides of each branch and a scale of scores of its own.
  static func sandwich(_ config: ConfigReader, keys: ConfigReader.DecoderKeys) throws -> Architecture {
    var keys = keys
    keys.activation = ("hidden_activation", "gelu_pytorch_tanh")
    var architecture = try Gemma.scaled(config, keys: keys)
    let scale = 1 / (try config.positive("query_pre_attn_scalar", default: 256)).squareRoot()
    architecture.changeBlocks { _, block in
      block.attention.scale = scale
      block.postNorm = block.norm1
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([
      .norm1Post: "layers.{i}.post_attention_layernorm",
      .norm2: "layers.{i}.pre_feedforward_layernorm", .norm2Post: "layers.{i}.post_feedforward_layernorm",
    ])
  }
}
