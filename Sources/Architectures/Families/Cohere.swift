/// Command R: attention and MLP side by side behind one norm, neighbouring dimensions rotated together, scaled logits;
/// the second generation slides a window in three of four layers and rotates in those alone.
enum Cohere: Family {
  static let modelTypes = ["cohere", "cohere2"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(
        norm: .layer, epsilon: ("layer_norm_eps", 1e-5), context: 8192, queryKeyValueBias: bias, outputBias: bias,
        isTied: true,
        ropeBase: config.modelType() == "cohere" ? 500_000 : 10_000, pairs: .neighbours))
    let norm = Norm(.layer, epsilon: architecture.blocks[0].norm1.epsilon, hasBias: false)
    let isNormed = try config.bool("use_qk_norm", default: false)
    architecture.changeBlocks { _, block in
      block.isParallel = true
      block.norm1 = norm
      block.norm2 = nil
      if isNormed { block.attention.queryKeyNorm = .init(norm, rows: .headWithOwnWeights) }
    }
    architecture.head.norm = norm
    architecture.head.logitScale = try config.positive("logit_scale", default: 0.0625)
    guard architecture.modelType == "cohere2" else { return architecture }
    let period = try config.dimension(config.name("sliding_window_pattern", "_sliding_window_pattern"), default: 4)
    let windows = try config.windows(layers: architecture.layers, window: config.window(default: 4096)) {
      ($0 + 1) % period != 0
    }
    architecture.changeBlocks { layer, block in
      block.attention.window = windows[layer]
      if windows[layer] == nil { block.attention.rotary = nil }
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
