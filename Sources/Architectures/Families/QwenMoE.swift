import StrictJSON

/// Qwen 2 MoE: experts beside a shared one behind a gate.
enum Qwen2MoE: Family {
  static let modelTypes = ["qwen2_moe"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(.init(queryKeyValueBias: try config.bool("qkv_bias", default: true)))
    try Qwen2.slide(&architecture, config) { $0 % 2 == 0 && $0 < $1 }
    let shared = try config.dimension("shared_expert_intermediate_size", default: 5632)
    try Qwen3MoE.addExperts(
      &architecture, config, count: config.count("num_experts", default: 60), active: 4, neurons: 1408,
      shared: shared)
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([
      .sharedRouter: "layers.{i}.mlp.shared_expert_gate",
      .sharedGate: "layers.{i}.mlp.shared_expert.gate_proj",
      .sharedInput: "layers.{i}.mlp.shared_expert.up_proj",
      .sharedOutput: "layers.{i}.mlp.shared_expert.down_proj",
    ])
  }
}

/// Qwen 3 MoE: Qwen 3 with experts in the place of the MLP.
enum Qwen3MoE: Family {
  static let modelTypes = ["qwen3_moe"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(.init(queryKeyValueBias: bias, outputBias: bias))
    architecture.changeBlocks { $1.attention.queryKeyNorm = .init($1.norm1, rows: .head) }
    // A window holds in every layer, whatever layer_types says.
    if try config.bool("use_sliding_window", default: false) {
      let window = try config.window(default: 4096)
      architecture.changeBlocks { $1.attention.window = window }
    }
    let none = try ["num_experts", "num_local_experts"].contains { try config.count($0, default: 1) == 0 }
    let count = none ? 0 : try config.dimension("num_experts", or: "num_local_experts", default: 128)
    try addExperts(&architecture, config, count: count, active: 8, neurons: 768)
    return architecture
  }

  /// Puts experts in the place of the MLP in every `decoder_sparse_step`-th layer but those of `mlp_only_layers`.
  static func addExperts(
    _ architecture: inout Architecture, _ config: ConfigReader, count: Int, active: Int, neurons: Int,
    shared: Int? = nil
  ) throws {
    guard count > 0 else { return }
    let dense = Set(try config.layerNumbers("mlp_only_layers", of: architecture.layers))
    let step = try config.dimension("decoder_sparse_step", default: 1)
    let width = try config.dimension("moe_intermediate_size", default: neurons)
    let normalizes = try config.bool("norm_topk_prob", default: false)
    try architecture.changeBlocks { layer, block in
      guard !dense.contains(layer), (layer + 1) % step == 0, var expert = block.mlp else { return }
      expert.neurons = width
      var whole = expert
      whole.neurons = shared ?? 0
      block.feedForward = .experts(
        try config.experts(
          count: count, active: active, expert: expert, shared: shared == nil ? nil : whole, gatesShared: shared != nil,
          router: .init(score: .softmax, normalizes: normalizes)))
    }
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
