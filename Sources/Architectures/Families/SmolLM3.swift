import StrictJSON

/// SmolLM 3: Llama in which every fourth layer does not rotate.
enum SmolLM3: Family {
  static let modelTypes = ["smollm3"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(
        context: 32_768, keyValueHeads: 4, queryKeyValueBias: bias, outputBias: bias,
        mlpBias: try config.bool("mlp_bias", default: false),
        isTied: true, ropeBase: 2_000_000))
    let layers = architecture.layers
    let period = try config.dimension("no_rope_layer_interval", default: 4)
    let rotates =
      try config.reader.optional("no_rope_layers")?.array().map { try $0.integer() != 0 }
      ?? (0..<layers).map { ($0 + 1) % period != 0 }
    guard rotates.count == layers else {
      throw config.contradiction(
        "no_rope_layers", "no_rope_layers does not speak of every layer", expected: "\(layers) entries",
        found: "\(rotates.count)")
    }
    let slides = try config.bool("use_sliding_window", default: false)
    // Types of layers hold also where the switch is off.
    let windows = try config.windows(layers: layers, window: config.window()) { slides && !rotates[$0] }
    architecture.changeBlocks { layer, block in
      if !rotates[layer] { block.attention.rotary = nil }
      block.attention.window = windows[layer]
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
