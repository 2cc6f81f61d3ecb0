/// GPT-J: attention and MLP side by side behind one norm, neighbouring dimensions rotated together.
enum GPTJ: Family {
  static let modelTypes = ["gptj"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let width = try config.dimension("n_embd")
    let heads = try config.dimension("n_head")
    let headWidth = try config.evenly("n_embd", width, into: "n_head", heads)
    let rotated = try config.dimension("rotary_dim", default: headWidth)
    guard rotated <= headWidth, rotated.isMultiple(of: 2) else {
      throw config.contradiction(
        "rotary_dim", "more is rotated than a head has", expected: "an even number up to \(headWidth)",
        found: "\(rotated)")
    }
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_epsilon", default: 1e-5))
    let block = Block(
      norm1: norm, norm2: nil, isParallel: true,
      attention: Attention(
        heads: heads, headWidth: headWidth, queryKeyValueBias: false, outputBias: false,
        rotary: Rotary(base: 10_000, rotated: rotated, pairs: .neighbours)),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("n_inner", default: 4 * width),
          activation: try config.activation("activation_function", default: "gelu_new"), isGated: false, bias: true)))
    return Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("n_positions", default: 2048),
      blocks: Array(repeating: block, count: try config.layers("n_layer")),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: false), bias: true, norm: norm))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    TensorNames(
      prefixes: ["transformer."],
      [
        .tokenEmbedding: "wte",
        .norm1: "h.{i}.ln_1",
        .query: "h.{i}.attn.q_proj", .key: "h.{i}.attn.k_proj", .value: "h.{i}.attn.v_proj",
        .attentionOutput: "h.{i}.attn.out_proj",
        .mlpInput: "h.{i}.mlp.fc_in", .mlpOutput: "h.{i}.mlp.fc_out",
        .finalNorm: "ln_f", .unembedding: "lm_head",
      ],
      ignored: ["h.*.attn.bias", "h.*.attn.masked_bias", "h.*.attn.embed_positions"])
  }
}
