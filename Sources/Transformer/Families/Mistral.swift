/// Mistral 7B and models of its shape: Llama with a sliding window.
enum Mistral: Family {
  static let modelTypes = ["mistral"]

  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration {
    // null switches the window off; where the key is absent, the family's first window holds.
    let window = config.mentions("sliding_window") ? try config.optionalDimension("sliding_window") : 4096
    return try Llama.configuration(
      config, tensors: tensors, queryKeyValueBias: false, outputBias: false, mlpBias: false
    ) { _ in window }
  }

  static func map(_ configuration: Configuration) -> TensorMap { Llama.map(configuration) }
}
