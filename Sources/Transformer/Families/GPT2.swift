/// GPT-2 and models of its shape: learned positions, LayerNorm before attention and MLP, plain neurons, biases
/// everywhere, tied embeddings.
enum GPT2: Family {
  static let modelTypes = ["gpt2"]

  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration {
    try config.require("add_cross_attention", is: false)
    let width = try config.dimension("n_embd")
    let layers = try config.dimension("n_layer")
    let heads = try config.dimension("n_head")
    let headWidth = try config.evenly("n_embd", width, into: "n_head", heads)
    let scaled = try config.bool("scale_attn_weights", default: true)
    return Configuration(
      modelType: try config.modelType(), layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("n_positions"),
      positions: .learned,
      norm: .init(kind: .layer, epsilon: try config.positive("layer_norm_epsilon", default: 1e-5), bias: true),
      attention: .init(
        heads: heads, keyValueHeads: heads, headWidth: headWidth, causal: true,
        scale: scaled ? 1 / Double(headWidth).squareRoot() : 1,
        scaledByLayer: try config.bool("scale_attn_by_inverse_layer_idx", default: false),
        windows: Array(repeating: nil, count: layers), queryKeyValueBias: true, outputBias: true),
      mlp: .init(
        width: try config.dimension("n_inner", default: 4 * width),
        activation: try config.activation("activation_function", default: "gelu_new"), gated: false, bias: true),
      head: .init(kind: .nextToken, tied: try config.bool("tie_word_embeddings", default: true)))
  }

  static func map(_ configuration: Configuration) -> TensorMap {
    // Conv1D keeps its weights as [inputs, outputs]; c_attn holds queries, keys and values side by side.
    let joined: [Weight] = [.query, .key, .value]
    return TensorMap(
      prefixes: ["transformer."],
      tensors: [
        .tokenEmbedding: "wte",
        .positionEmbedding: "wpe",
        .norm1: "h.{i}.ln_1",
        .query: .init("h.{i}.attn.c_attn", transposed: true, joined: joined),
        .key: .init("h.{i}.attn.c_attn", transposed: true, joined: joined),
        .value: .init("h.{i}.attn.c_attn", transposed: true, joined: joined),
        .attentionOutput: .init("h.{i}.attn.c_proj", transposed: true),
        .norm2: "h.{i}.ln_2",
        .mlpInput: .init("h.{i}.mlp.c_fc", transposed: true),
        .mlpOutput: .init("h.{i}.mlp.c_proj", transposed: true),
        .finalNorm: "ln_f",
        .unembedding: "lm_head",
      ],
      // The causal mask, and a copy of the embedding.
      ignored: ["h.*.attn.bias", "h.*.attn.masked_bias"] + (configuration.head.tied ? ["lm_head.weight"] : []))
  }
}
