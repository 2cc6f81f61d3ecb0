import StrictJSON

/// DeepSeek V2, V3 and R1: latent attention; experts in groups beside shared ones, after some dense layers.
enum DeepSeek: Family {
  static let modelTypes = ["deepseek_v2", "deepseek_v3"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let isV3 = try config.modelType() == "deepseek_v3"
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try config.decoder(
      .init(
        context: 4096, headWidth: config.dimension("qk_rope_head_dim", default: 64), queryKeyValueBias: bias,
        outputBias: bias))
    let layers = architecture.layers
    let interleaves = try isV3 && config.bool("rope_interleave", default: true)
    let attention = try config.latentAttention(
      architecture, pairs: !isV3 ? .neighbours : interleaves ? .neighboursIntoHalves : .halves,
      scale: config.yarnScale())
    let dense = try config.count("first_k_dense_replace", default: isV3 ? 3 : 0)
    guard dense <= layers else {
      throw config.contradiction(
        "first_k_dense_replace", "more layers are dense than there are", expected: "at most \(layers)",
        found: "\(dense)")
    }
    let experts = try config.has("n_routed_experts") ? experts(config, architecture.blocks[0], isV3: isV3) : nil
    architecture.changeBlocks { layer, block in
      block.attention = attention
      if let experts, layer >= dense { block.feedForward = .experts(experts) }
    }
    if try config.count("num_nextn_predict_layers", default: 0) > 0 {
      architecture.notes.append(
        "The layer that predicts a second token ahead in training is left out: the running model has none.")
    }
    return architecture
  }

  private static func experts(_ config: ConfigReader, _ block: Block, isV3: Bool) throws -> Experts? {
    guard var expert = block.mlp else { return nil }
    expert.neurons = try config.dimension("moe_intermediate_size", default: isV3 ? 2048 : 1407)
    let shared = try config.count("n_shared_experts", default: isV3 ? 1 : 2)
    var whole = expert
    whole.neurons *= shared
    let isGrouped = try isV3 || config.string("topk_method", default: "greedy") == "group_limited_greedy"
    let silent = isV3 && !config.mentions("n_group") ? 8 : nil
    let groups = try isGrouped ? config.optionalDimension("n_group") ?? silent : nil
    return try config.experts(
      count: config.dimension("n_routed_experts"), active: isV3 ? 8 : 6, expert: expert,
      shared: shared > 0 ? whole : nil,
      router: .init(
        score: isV3 ? .sigmoid : .softmax, normalizes: isV3 && config.bool("norm_topk_prob", default: true),
        scale: config.positive("routed_scaling_factor", default: isV3 ? 2.5 : 1), correctsChoice: isV3,
        groups: groups.map {
          .init(count: $0, chosen: try config.dimension("topk_group", default: isV3 ? 4 : $0), scored: isV3 ? 2 : 1)
        }))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder(
      [
        .queryDown: "layers.{i}.self_attn.q_a_proj", .queryDownNorm: "layers.{i}.self_attn.q_a_layernorm",
        .query: .init("layers.{i}.self_attn." + (hasLatentQuery(architecture) ? "q_b_proj" : "q_proj")),
        .keyValueDown: "layers.{i}.self_attn.kv_a_proj_with_mqa",
        .keyValueDownNorm: "layers.{i}.self_attn.kv_a_layernorm", .keyValueUp: "layers.{i}.self_attn.kv_b_proj",
        .routerCorrection: .init("layers.{i}.mlp.gate.e_score_correction_bias", exact: true),
        .sharedGate: "layers.{i}.mlp.shared_experts.gate_proj", .sharedInput: "layers.{i}.mlp.shared_experts.up_proj",
        .sharedOutput: "layers.{i}.mlp.shared_experts.down_proj",
      ],
      // The layer that predicts a second token ahead stands behind the last.
      ignored: ["layers.\(architecture.layers).*"])
  }

  private static func hasLatentQuery(_ architecture: Architecture) -> Bool {
    architecture.blocks[0].attention.latent?.queryRank != nil
  }
}
