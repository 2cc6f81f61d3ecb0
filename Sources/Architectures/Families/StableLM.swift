/// StableLM: Llama with LayerNorm and a quarter of each head rotated; some of its models normalize each head's query and
/// key by weights of its own, or put attention and MLP side by side.
enum StableLM: Family {
  static let modelTypes = ["stablelm"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("use_qkv_bias", default: false)
    var architecture = try config.decoder(
      .init(
        norm: .layer, epsilon: ("layer_norm_eps", 1e-5), context: 4096, queryKeyValueBias: bias, rotatedShare: 0.25))
    let isNormed = try config.bool("qk_layernorm", default: false)
    let isParallel = try config.bool("use_parallel_residual", default: false)
    architecture.changeBlocks { _, block in
      block.isParallel = isParallel
      if isParallel { block.norm2 = nil }
      guard isNormed else { return }
      var norm = block.norm1
      norm.hasBias = false
      block.attention.queryKeyNorm = .init(norm, rows: .headWithOwnWeights)
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([
      .queryNorm: "layers.{i}.self_attn.q_layernorm.norms.{h}",
      .keyNorm: "layers.{i}.self_attn.k_layernorm.norms.{h}",
    ])
  }
}

/// StarCoder 2: LayerNorm, plain neurons, biases, a sliding window.
enum StarCoder2: Family {
  static let modelTypes = ["starcoder2"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let bias = try config.bool("use_bias", default: true)
    var architecture = try config.decoder(
      .init(
        norm: .layer, epsilon: ("norm_epsilon", 1e-5), activation: ("hidden_act", "gelu_pytorch_tanh"), context: 4096,
        keyValueHeads: 2,
        queryKeyValueBias: bias, outputBias: bias, mlpBias: bias, isGated: false, isTied: true))
    let window = try config.window()
    architecture.changeBlocks { $1.attention.window = window }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([.mlpInput: "layers.{i}.mlp.c_fc", .mlpOutput: "layers.{i}.mlp.c_proj"])
  }
}
