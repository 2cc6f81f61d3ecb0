/// OLMo 1: norms without weights; queries, keys and values clipped.
enum OLMo: Family {
  static let modelTypes = ["olmo"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(norm: .layer, epsilon: ("layer_norm_eps", 1e-5), queryKeyValueBias: bias, outputBias: bias))
    let norm = Norm(.layer, epsilon: 1e-5, hasWeight: false)
    let clip = try config.cap("clip_qkv")
    architecture.changeBlocks { _, block in
      block.norm1 = norm
      block.norm2 = norm
      block.attention.clip = clip
    }
    architecture.head.norm = norm
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}

/// OLMo 2 and 3: norms after each branch, queries and keys normalized over their whole width; OLMo 3 slides a window in
/// three of four layers.
enum OLMo2: Family {
  static let modelTypes = ["olmo2", "olmo3"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let isThird = try config.modelType() == "olmo3"
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(
        epsilon: ("rms_norm_eps", 1e-5), queryKeyValueBias: bias, outputBias: bias, ropeBase: isThird ? 500_000 : 10_000
      ))
    architecture.changeBlocks { _, block in
      block.normPlace = .afterBranch
      block.attention.queryKeyNorm = .init(block.norm1, rows: .width)
    }
    guard isThird else { return architecture }
    let windows = try config.windows(layers: architecture.layers, window: config.window(default: 4096)) {
      ($0 + 1) % 4 != 0
    }
    let (width, context) = (architecture.blocks[0].attention.headWidth, architecture.context)
    func rotary(_ type: String) throws -> Rotary {
      try config.rotary(width: width, context: context, base: 500_000, layerType: type)
    }
    // The older form scales and bases only the layers that see everything.
    let local =
      config.has("rope_parameters") ? try rotary("sliding_attention") : Rotary(base: 500_000, rotated: width)
    let global = try rotary("full_attention")
    architecture.changeBlocks { layer, block in
      block.attention.window = windows[layer]
      block.attention.rotary = windows[layer] == nil ? global : local
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([
      .norm1: "layers.{i}.post_attention_layernorm", .norm2: "layers.{i}.post_feedforward_layernorm",
    ])
  }
}
