/// Mixtral: Mistral with experts in the place of the MLP.
enum Mixtral: Family {
  static let modelTypes = ["mixtral"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(.init(epsilon: ("rms_norm_eps", 1e-5), context: 131_072, ropeBase: 1e6))
    let window = try config.window()
    let count = try config.dimension("num_local_experts", or: "num_experts", default: 8)
    try architecture.changeBlocks { _, block in
      block.attention.window = window
      guard let expert = block.mlp else { return }
      block.feedForward = .experts(
        try config.experts(count: count, active: 2, expert: expert, router: .init(score: .softmaxOfChosen)))
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    var names = TensorNames.decoder([
      .router: "layers.{i}.block_sparse_moe.gate",
      .expertGate: "layers.{i}.block_sparse_moe.experts.{e}.w1",
      .expertInput: "layers.{i}.block_sparse_moe.experts.{e}.w3",
      .expertOutput: "layers.{i}.block_sparse_moe.experts.{e}.w2",
    ])
    names.tensors[.router]?.append("layers.{i}.mlp.gate")
    return names
  }
}
