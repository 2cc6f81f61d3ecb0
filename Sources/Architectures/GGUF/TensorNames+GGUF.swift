extension TensorNames {
  /// What GGUF files call the weights: the same in all architectures, but for the places of norms and for what is fused.
  ///
  /// - Parameters:
  ///   - inBlocks: The names of the blocks' tensors that the file has, without the blocks' numbers.
  ///   - isPermuted: Whether neighbouring rows of queries and keys rotate together.
  init(gguf architecture: Architecture, inBlocks: Set<String>, isPermuted: Bool) {
    func block(_ name: String) -> StoredTensor { StoredTensor("blk.{i}." + name) }
    func fused(_ name: String, _ roles: [WeightRole], stacked: Bool = false) -> StoredTensor {
      StoredTensor("blk.{i}." + name, rows: .joined(roles), stacked: stacked)
    }
    func rotated(_ name: String) -> StoredTensor {
      StoredTensor(
        "blk.{i}." + name, neighboursInHeads: isPermuted ? architecture.blocks[0].attention.headWidth : nil)
    }
    func experts(_ part: String) -> [StoredTensor] {
      [StoredTensor("blk.{i}.ffn_\(part)_exps", stacked: true), StoredTensor("blk.{i}.ffn_\(part).{e}")]
    }
    let joined = fused("attn_qkv", [.query, .key, .value])
    let gates = fused("ffn_gate_up_exps", [.expertGate, .expertInput], stacked: true)
    let (norm1, norm2) = Self.norms(architecture.blocks[0], inBlocks)
    self.init(
      [:],
      alternatives: [
        .tokenEmbedding: ["token_embd"], .positionEmbedding: ["position_embd"], .tokenTypeEmbedding: ["token_types"],
        .embeddingNorm: ["token_embd_norm"], .finalNorm: ["output_norm"], .unembedding: ["output"],
        .norm1: norm1.map(block), .norm2: norm2.map(block),
        .norm1Post: [block("post_attention_norm")], .norm2Post: [block("post_ffw_norm")],
        .query: [rotated("attn_q"), block("attn_q_b"), joined], .key: [rotated("attn_k"), joined],
        .value: [block("attn_v"), joined], .attentionOutput: [block("attn_output")],
        .queryNorm: [block("attn_q_norm")], .keyNorm: [block("attn_k_norm")], .sinks: [block("attn_sinks")],
        .queryDown: [block("attn_q_a")], .queryDownNorm: [block("attn_q_a_norm")],
        .keyValueDown: [block("attn_kv_a_mqa")], .keyValueDownNorm: [block("attn_kv_a_norm")],
        .keyValueUp: [
          block("attn_kv_b"), StoredTensor("blk.{i}.attn_k_b", rows: .keysBesideValues("blk.{i}.attn_v_b")),
        ],
        .router: [block("ffn_gate_inp")],
        .routerCorrection: ["exp_probs_b.bias", "exp_probs_b"].map { StoredTensor("blk.{i}." + $0, exact: true) },
        .sharedRouter: [block("ffn_gate_inp_shexp")], .sharedGate: [block("ffn_gate_shexp")],
        .sharedInput: [block("ffn_up_shexp")], .sharedOutput: [block("ffn_down_shexp")],
        .expertGate: experts("gate") + [gates], .expertInput: experts("up") + [gates], .expertOutput: experts("down"),
        .gate: [block("ffn_gate")], .mlpInput: [block("ffn_up")], .mlpOutput: [block("ffn_down")],
      ],
      // Wavelengths: the first kind follows from the configuration, the others have been read with it.
      ignored: [
        "blk.*.attn_rot_embd*", "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
      ],
      taskHeads: ["cls.*"])
    if !inBlocks.contains("ffn_gate.weight") && architecture.blocks.contains(where: { $0.mlp?.isGated == true }) {
      let gates = fused("ffn_up", [.gate, .mlpInput])
      tensors[.gate] = [gates]
      tensors[.mlpInput] = [gates]
    }
  }

  /// The names of a block's two norms.
  private static func norms(_ block: Block, _ inBlocks: Set<String>) -> (first: [String], second: [String]) {
    switch block.normPlace {
    case .afterBranch: return (["post_attention_norm"], ["post_ffw_norm"])
    case .onStream: return (["attn_output_norm"], ["layer_output_norm"])
    case .before:
      // Falcon's larger models: the second of its two norms side by side is attention's.
      if inBlocks.contains("attn_norm_2.weight") { return (["attn_norm_2"], ["attn_norm"]) }
      // gpt-oss calls the norm before its experts by what it follows.
      return (["attn_norm"], block.postNorm == nil ? ["ffn_norm", "post_attention_norm"] : ["ffn_norm"])
    }
  }
}
