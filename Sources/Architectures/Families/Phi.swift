/// Phi 1, 1.5 and 2: attention and MLP side by side behind one norm, half of each head rotated, biases everywhere.
enum Phi: Family {
  static let modelTypes = ["phi"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(
      .init(
        norm: .layer, epsilon: ("layer_norm_eps", 1e-5), activation: ("hidden_act", "gelu_new"),
        queryKeyValueBias: true, outputBias: true, mlpBias: true, isGated: false, rotatedShare: 0.5))
    let isNormed = try config.bool("qk_layernorm", default: false)
    architecture.changeBlocks { _, block in
      block.isParallel = true
      block.norm2 = nil
      if isNormed { block.attention.queryKeyNorm = .init(block.norm1, rows: .head) }
    }
    architecture.head.bias = true
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    .decoder([
      .attentionOutput: "layers.{i}.self_attn.dense",
      .queryNorm: "layers.{i}.self_attn.q_layernorm", .keyNorm: "layers.{i}.self_attn.k_layernorm",
      .mlpInput: "layers.{i}.mlp.fc1", .mlpOutput: "layers.{i}.mlp.fc2",
      .finalNorm: "final_layernorm",
    ])
  }
}

/// Phi 3 and 4: Llama with fused projections and, for long documents, a factor for each wavelength.
enum Phi3: Family {
  static let modelTypes = ["phi3"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try config.decoder(.init(epsilon: ("rms_norm_eps", 1e-5), context: 4096, yarnIsLongRoPE: true))
    let window = try config.window()
    architecture.changeBlocks { $1.attention.window = window }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    let joined = StoredTensor("layers.{i}.self_attn.qkv_proj", rows: .joined([.query, .key, .value]))
    let gates = StoredTensor("layers.{i}.mlp.gate_up_proj", rows: .joined([.gate, .mlpInput]))
    return .decoder([.query: joined, .key: joined, .value: joined, .gate: gates, .mlpInput: gates])
  }
}
