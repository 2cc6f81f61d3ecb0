/// Gemma 3: Gemma 2 without caps, with normalized queries and keys; five of six layers slide a window and rotate by a
/// base of their own.
enum Gemma3: Family {
  static let modelTypes = ["gemma3_text"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    try config.require("use_bidirectional_attention", is: false)
    var architecture = try Gemma2.sandwich(
      config, keys: .init(context: 131_072, heads: 8, keyValueHeads: 4, vocabulary: 262_208))
    let period = try config.dimension(config.name("sliding_window_pattern", "_sliding_window_pattern"), default: 6)
    let window = try config.window(default: 4096)
    let windows = try config.windows(layers: architecture.layers, window: window) { ($0 + 1) % period != 0 }
    let (width, context) = (architecture.blocks[0].attention.headWidth, architecture.context)
    let global = try config.rotary(width: width, context: context, base: 1e6, layerType: "full_attention")
    // The older form scales and bases only the global layers by rope_theta and rope_scaling.
    let local =
      config.has("rope_parameters")
      ? try config.rotary(width: width, context: context, layerType: "sliding_attention")
      : Rotary(base: try config.positive("rope_local_base_freq", default: 10_000), rotated: width)
    architecture.changeBlocks { layer, block in
      block.attention.window = windows[layer]
      block.attention.rotary = windows[layer] == nil ? global : local
      block.attention.queryKeyNorm = .init(block.norm1, rows: .head)
    }
    architecture.head.logitCap = try config.cap("final_logit_softcapping")
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { Gemma2.tensors(architecture) }
}
