/// OLMoE: OLMo with experts, queries and keys normalized over their whole width.
enum OLMoE: Family {
  static let modelTypes = ["olmoe"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(epsilon: ("rms_norm_eps", 1e-5), context: 4096, queryKeyValueBias: bias, outputBias: bias))
    let clip = try config.cap("clip_qkv")
    let normalizes = try config.bool("norm_topk_prob", default: false)
    let count = try config.dimension("num_experts", default: 64)
    try architecture.changeBlocks { _, block in
      block.attention.queryKeyNorm = .init(block.norm1, rows: .width)
      block.attention.clip = clip
      guard let expert = block.mlp else { return }
      block.feedForward = .experts(
        try config.experts(
          count: count, active: 8, expert: expert, router: .init(score: .softmax, normalizes: normalizes)))
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
