extension Preset {
  static let gemma: [Preset] = gemma1 + gemma2 + gemma3

  private static let gemma1: [Preset] = [("2b", 2048, 16384, 18, 8, 1), ("7b", 3072, 24576, 28, 16, 16)].map {
    size, width, neurons, layers, heads, keyValueHeads in
    rotary(
      "gemma-\(size)", "Gemma \(size.uppercased())", "gemma", vocabulary: 256_000, width: width, neurons: neurons,
      layers: layers, heads: heads, keyValueHeads: keyValueHeads, context: 8192, more: "\"head_dim\": 256",
      source: "arXiv 2403.08295, and config.json")
  }

  private static let gemma2: [Preset] = [
    ("2b", 2304, 9216, 26, 8, 4, 256), ("9b", 3584, 14336, 42, 16, 8, 256), ("27b", 4608, 36864, 46, 32, 16, 128),
  ].map { size, width, neurons, layers, heads, keyValueHeads, headWidth in
    rotary(
      "gemma-2-\(size)", "Gemma 2 \(size.uppercased())", "gemma2", vocabulary: 256_000, width: width,
      neurons: neurons, layers: layers, heads: heads, keyValueHeads: keyValueHeads, context: 8192,
      more: "\"head_dim\": \(headWidth), \"sliding_window\": 4096", source: "arXiv 2408.00118, table 1")
  }

  /// Of those that see, the text part.
  private static let gemma3: [Preset] = [
    ("270m", 640, 2048, 18, 4, 1, 256, 32_768, 512, 262_144, 256),
    ("1b", 1152, 6912, 26, 4, 1, 256, 32_768, 512, 262_144, 256),
    ("4b", 2560, 10240, 34, 8, 4, 256, 131_072, 1024, 262_208, 256),
    ("12b", 3840, 15360, 48, 16, 8, 256, 131_072, 1024, 262_208, 256),
    ("27b", 5376, 21504, 62, 32, 16, 128, 131_072, 1024, 262_208, 168),
  ].map {
    size, width, neurons, layers, heads, keyValueHeads, headWidth, context, window, vocabulary, scale in
    let sees = context > 32_768
    let text = rotary(
      "gemma-3-\(size)", "Gemma 3 \(size.uppercased())", "gemma3_text", vocabulary: vocabulary, width: width,
      neurons: neurons, layers: layers, heads: heads, keyValueHeads: keyValueHeads, context: context,
      more: """
        "head_dim": \(headWidth), "sliding_window": \(window), "query_pre_attn_scalar": \(scale)
        """, source: "arXiv 2503.19786, and config.json")
    guard sees else { return text }
    return Preset(
      name: text.name, title: text.title,
      configuration: "{\"model_type\": \"gemma3\", \"text_config\": \(text.configuration)}", source: text.source)
  }
}
