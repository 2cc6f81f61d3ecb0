/// Llama 1 to 3 and models of its shape: rotary positions, RMSNorm before attention and MLP, gated neurons,
/// grouped-query attention, no biases unless the configuration says so.
enum Llama: Family {
  static let modelTypes = ["llama"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    return try config.decoder(
      .init(queryKeyValueBias: bias, outputBias: bias, mlpBias: try config.bool("mlp_bias", default: false)))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}

/// Mistral 7B and models of its shape: Llama with a sliding window.
enum Mistral: Family {
  static let modelTypes = ["mistral"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder()
    let window = try config.window(default: 4096)
    architecture.changeBlocks { $1.attention.window = window }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
