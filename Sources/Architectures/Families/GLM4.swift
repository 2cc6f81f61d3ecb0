/// GLM-4: norms on both sides of each branch, half of each head rotated in neighbouring pairs, gate and up fused.
enum GLM4: Family {
  static let modelTypes = ["glm4"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(
      .init(
        epsilon: ("rms_norm_eps", 1.5625e-7), context: 131_072, headWidth: 128, keyValueHeads: 2,
        queryKeyValueBias: try config.bool("attention_bias", default: true), rotatedShare: 0.5, pairs: .neighbours))
    architecture.changeBlocks { $1.postNorm = $1.norm1 }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let gates = StoredTensor("layers.{i}.mlp.gate_up_proj", rows: .joined([.gate, .mlpInput]))
    return .decoder([
      .norm1Post: "layers.{i}.post_self_attn_layernorm", .norm2Post: "layers.{i}.post_mlp_layernorm",
      .gate: gates, .mlpInput: gates,
    ])
  }
}
