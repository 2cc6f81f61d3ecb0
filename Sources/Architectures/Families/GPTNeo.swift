import StrictJSON

/// GPT-Neo and TinyStories: GPT-2 with unscaled attention and a window in every other layer.
enum GPTNeo: Family {
  static let modelTypes = ["gpt_neo"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let layers = try config.layers("num_layers")
    let heads = try config.dimension("num_heads")
    let context = try config.dimension("max_position_embeddings", default: 2048)
    let norm = Norm(.layer, epsilon: try config.epsilon("layer_norm_epsilon", default: 1e-5))
    let block = Block(
      norm1: norm, norm2: norm,
      attention: Attention(
        heads: heads, headWidth: try config.evenly("hidden_size", width, into: "num_heads", heads), scale: 1,
        queryKeyValueBias: false, outputBias: true),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("intermediate_size", default: 4 * width),
          activation: try config.activation("activation_function", default: "gelu_new"), isGated: false, bias: true)))
    var architecture = Architecture(
      modelType: try config.modelType(), width: width, vocabularySize: try config.dimension("vocab_size"),
      context: context, embedding: .init(positions: .init(rows: context)),
      blocks: Array(repeating: block, count: layers),
      head: .init(isTied: try config.bool("tie_word_embeddings", default: true), norm: norm))
    let kinds = try kinds(config, layers: layers)
    let window = try config.dimension("window_size", default: 256)
    architecture.changeBlocks { if kinds[$0] == "local" { $1.attention.window = window } }
    return architecture
  }

  /// `global` or `local` for each layer: `attention_layers`, or `attention_types` as runs to be repeated.
  private static func kinds(_ config: ConfigReader, layers: Int) throws -> [String] {
    var kinds = try config.strings("attention_layers") ?? []
    if kinds.isEmpty, let runs = try config.reader.optional("attention_types")?.array() {
      // Never many more than there are layers, whatever the file says.
      for run in runs where kinds.count <= layers {
        let parts = try run.array()
        guard parts.count == 2 else { throw run.unexpected("a list of kinds, and how often it is repeated") }
        let times = try parts[1].integer()
        guard 1...layers ~= times else { throw parts[1].unexpected("from 1 to \(layers)") }
        let names = try parts[0].array().map { try $0.string() }
        kinds += Array(repeating: names, count: times).joined().prefix(layers + 1)
      }
    }
    if kinds.isEmpty { kinds = (0..<layers).map { $0 % 2 == 0 ? "global" : "local" } }
    guard kinds.allSatisfy({ ["global", "local"].contains($0) }), kinds.count == layers else {
      throw config.contradiction(
        config.name("attention_layers", "attention_types"), "the kinds of attention are not one for each layer",
        expected: "\(layers) kinds, global or local",
        found: "\(kinds.count): \(Set(kinds).sorted().joined(separator: ", ").prefix(80))")
    }
    return kinds
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    TensorNames(
      prefixes: ["transformer."],
      [
        .tokenEmbedding: "wte", .positionEmbedding: "wpe",
        .norm1: "h.{i}.ln_1",
        .query: "h.{i}.attn.attention.q_proj", .key: "h.{i}.attn.attention.k_proj",
        .value: "h.{i}.attn.attention.v_proj", .attentionOutput: "h.{i}.attn.attention.out_proj",
        .norm2: "h.{i}.ln_2", .mlpInput: "h.{i}.mlp.c_fc", .mlpOutput: "h.{i}.mlp.c_proj",
        .finalNorm: "ln_f", .unembedding: "lm_head",
      ],
      ignored: ["h.*.attn.attention.bias", "h.*.attn.attention.masked_bias"])
  }
}
