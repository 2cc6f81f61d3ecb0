import StrictJSON

/// Qwen 2 and 2.5: Llama with biases of queries, keys and values, and a window in the upper layers where it is switched
/// on.
enum Qwen2: Family {
  static let modelTypes = ["qwen2"]

  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration {
    var window: Int?
    if try config.bool("use_sliding_window", default: false) {
      window = config.mentions("sliding_window") ? try config.optionalDimension("sliding_window") : 4096
    }
    let first = try config.reader.optional("max_window_layers")?.integer() ?? 28
    let types = try config.reader.optional("layer_types")?.array().map { try $0.string() }
    return try Llama.configuration(
      config, tensors: tensors, queryKeyValueBias: true, outputBias: false, mlpBias: false
    ) { layer in
      let slides = types.map { layer < $0.count && $0[layer] == "sliding_attention" } ?? (layer >= first)
      return slides ? window : nil
    }
  }

  static func map(_ configuration: Configuration) -> TensorMap { Llama.map(configuration) }
}
