extension ConfigReader {
  /// Multi-head latent attention in DeepSeek's keys, in the place of a decoder's usual attention.
  func latentAttention(_ architecture: Architecture, pairs: Rotary.Pairs, scale: Double) throws -> Attention {
    let usual = architecture.blocks[0].attention
    let plain = try dimension("qk_nope_head_dim", default: 128)
    let rotated = try dimension("qk_rope_head_dim", default: 64)
    guard usual.keyValueHeads == usual.heads else {
      throw contradiction(
        "num_key_value_heads", "latent attention rebuilds a key for every head",
        expected: "\(usual.heads), as many as heads", found: "\(usual.keyValueHeads)")
    }
    if let whole = try optionalDimension("qk_head_dim"), whole != plain + rotated {
      throw contradiction(
        "qk_head_dim", "a head is not the sum of its parts",
        expected: "qk_nope_head_dim + qk_rope_head_dim = \(plain + rotated)", found: "\(whole)")
    }
    var rotary = try rotary(width: rotated, context: architecture.context, pairs: pairs)
    rotary.first = plain
    return Attention(
      heads: usual.heads, headWidth: plain + rotated, valueWidth: try dimension("v_head_dim", default: 128),
      scale: scale / Double(plain + rotated).squareRoot(), queryKeyValueBias: usual.queryKeyValueBias,
      outputBias: usual.outputBias, rotary: rotary,
      latent: .init(
        queryRank: mentions("q_lora_rank") ? try optionalDimension("q_lora_rank") : 1536,
        keyValueRank: try dimension("kv_lora_rank", default: 512), rotaryWidth: rotated,
        // The latents' norms keep the class's own epsilon, whatever rms_norm_eps says.
        norm: Norm(.rms, epsilon: 1e-6)))
  }
}
