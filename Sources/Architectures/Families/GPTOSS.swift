import Foundation

/// gpt-oss: experts with clamped gates, learned sinks, a window in every other layer.
enum GPTOSS: Family {
  static let modelTypes = ["gpt_oss"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: true)
    var architecture = try config.decoder(
      .init(
        epsilon: ("rms_norm_eps", 1e-5), context: 131_072, headWidth: 64, queryKeyValueBias: bias, outputBias: bias,
        mlpBias: true, ropeBase: 150_000))
    if !config.has("rope_parameters"), !config.has("rope_scaling") {
      let scaling = Rotary.YaRN(
        factor: 32, fast: 32, slow: 1, originalContext: 4096, truncates: false, attention: 0.1 * log(32) + 1)
      architecture.changeBlocks { $1.attention.rotary?.scaling = .yarn(scaling) }
    }
    let windows = try config.windows(layers: architecture.layers, window: config.window(default: 128)) { $0 % 2 == 0 }
    let count = try config.dimension("num_local_experts", or: "num_experts", default: 128)
    let slope = try config.positive("swiglu_alpha", default: 1.702)
    let limit = try config.positive("swiglu_limit", default: 7)
    try architecture.changeBlocks { layer, block in
      block.attention.window = windows[layer]
      block.attention.hasSinks = true
      guard var expert = block.mlp else { return }
      expert.activation = .quickGELU
      expert.limit = limit
      // The usual slope is that of an activation.
      if slope != 1.702 { expert.slope = slope }
      block.feedForward = .experts(
        try config.experts(
          count: count, activeKey: config.name("num_experts_per_tok", "experts_per_token"), active: 4, expert: expert,
          router: .init(score: .softmaxOfChosen, bias: true)))
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    // Gates and ups take turns. Stored in MXFP4 a row is an output, else a column.
    func gates(_ first: Int) -> StoredTensor {
      StoredTensor(
        "layers.{i}.mlp.experts.gate_up_proj", bias: "layers.{i}.mlp.experts.gate_up_proj_bias", exact: true,
        transposed: true, rows: .alternating(first: first), stacked: true)
    }
    var names = TensorNames.decoder([
      .sinks: .init("layers.{i}.self_attn.sinks", exact: true),
      .router: "layers.{i}.mlp.router",
    ])
    names.tensors[.expertGate] = [gates(0)]
    names.tensors[.expertInput] = [gates(1)]
    names.tensors[.expertOutput] = [
      .init(
        "layers.{i}.mlp.experts.down_proj", bias: "layers.{i}.mlp.experts.down_proj_bias", exact: true,
        transposed: true, stacked: true)
    ]
    return names
  }
}
