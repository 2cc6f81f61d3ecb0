/// GPT-2 and models of its shape: learned positions, LayerNorm before attention and MLP, plain neurons, biases
/// everywhere, tied embeddings.
enum GPT2: Family {
  static let modelTypes = ["gpt2"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    try config.require("add_cross_attention", is: false)
    let width = try config.dimension("n_embd")
    let heads = try config.dimension("n_head")
    let headWidth = try config.evenly("n_embd", width, into: "n_head", heads)
    let context = try config.dimension("n_positions")
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_epsilon", default: 1e-5))
    let scale = try config.bool("scale_attn_weights", default: true) ? 1 / Double(headWidth).squareRoot() : 1
    let block = Block(
      norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: headWidth, scale: scale, queryKeyValueBias: true, outputBias: true),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("n_inner", default: 4 * width),
          activation: try config.activation("activation_function", default: "gelu_new"), isGated: false, bias: true)))
    var architecture = Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: context, embedding: .init(positions: .init(rows: context)),
      blocks: Array(repeating: block, count: try config.layers("n_layer")),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: true), norm: norm))
    if try config.bool("scale_attn_by_inverse_layer_idx", default: false) {
      architecture.changeBlocks { $1.attention.scale = scale / Double($0 + 1) }
    }
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    // Conv1D keeps its weights as [inputs, outputs]; c_attn holds queries, keys and values side by side.
    let joined = StoredTensor("h.{i}.attn.c_attn", transposed: true, rows: .joined([.query, .key, .value]))
    return TensorNames(
      prefixes: ["transformer."],
      [
        .tokenEmbedding: "wte",
        .positionEmbedding: "wpe",
        .norm1: "h.{i}.ln_1",
        .query: joined, .key: joined, .value: joined,
        .attentionOutput: .init("h.{i}.attn.c_proj", transposed: true),
        .norm2: "h.{i}.ln_2",
        .mlpInput: .init("h.{i}.mlp.c_fc", transposed: true),
        .mlpOutput: .init("h.{i}.mlp.c_proj", transposed: true),
        .finalNorm: "ln_f",
        .unembedding: "lm_head",
      ],
      // The causal mask.
      ignored: ["h.*.attn.bias", "h.*.attn.masked_bias"])
  }
}
