/// Qwen 2 and 2.5: Llama with biases of queries, keys and values, and a window in the upper layers where it is switched
/// on.
enum Qwen2: Family {
  static let modelTypes = ["qwen2"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(.init(queryKeyValueBias: true))
    try slide(&architecture, config)
    return architecture
  }

  /// The windows of Qwen's models: in the layers from `max_window_layers` on, where `use_sliding_window` says so.
  static func slide(
    _ architecture: inout Architecture, _ config: ConfigReader,
    slides: (_ layer: Int, _ first: Int) -> Bool = { $0 >= $1 }
  ) throws {
    guard try config.bool("use_sliding_window", default: false) else { return }
    let first = try config.count("max_window_layers", default: 28)
    let windows = try config.windows(layers: architecture.layers, window: config.window(default: 4096)) {
      slides($0, first)
    }
    architecture.changeBlocks { $1.attention.window = windows[$0] }
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}

/// Qwen 3: heads of a width of their own, whose queries and keys are normalized.
enum Qwen3: Family {
  static let modelTypes = ["qwen3"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(.init(headWidth: 128, queryKeyValueBias: bias, outputBias: bias))
    architecture.changeBlocks { $1.attention.queryKeyNorm = .init($1.norm1, rows: .head) }
    try Qwen2.slide(&architecture, config)
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
