import Diagnostics
import StrictJSON

extension Architecture {
  /// The families whose config.json can be read: values of `model_type`.
  public static var knownModelTypes: [String] { readers.map(\.0) }

  private typealias Reader = (ConfigurationReader, String) throws -> Architecture

  private static var readers: [(String, Reader)] {
    [
      ("gpt2", gpt2), ("gpt_neox", gptNeoX), ("llama", llama), ("mistral", mistral), ("mixtral", mixtral),
      ("qwen2", qwen2), ("qwen3", qwen3), ("qwen3_moe", qwen3MoE), ("gemma2", gemma2), ("deepseek_v3", deepSeekV3),
      ("bert", bert),
    ]
  }

  /// The architecture that a config.json describes.
  ///
  /// - Parameters:
  ///   - configuration: The file's content.
  ///   - file: What messages call it.
  ///   - name: What reports call the model.
  /// - Throws: `Fault`: `anatomy.unknownModelType`, `anatomy.contradiction` where two keys cannot both be true,
  ///   `anatomy.dimension`, `anatomy.tooLarge`, and those of StrictJSON.
  public init(configuration: JSONValue, file: String, name: String) throws {
    let config = ConfigurationReader(json: JSONReader(configuration, file: file))
    let member = try config.json.required("model_type")
    let type = try member.string()
    guard let reader = Self.readers.first(where: { $0.0 == type })?.1 else {
      let near = nearestNames(to: type, among: Self.knownModelTypes, limit: 1).first
      throw Fault(
        .badData, "anatomy.unknownModelType", "This family of models is not known", file: file, place: "model_type",
        expected: "one of: \(Self.knownModelTypes.joined(separator: ", "))", found: "\"\(type.prefix(80))\"",
        advice: near.map { "if this model has the shape of \($0), set model_type to \"\($0)\" in a copy" }
          ?? "set model_type to the family whose shape the model has, in a copy")
    }
    self = try reader(config, name)
    try checkSize(file: file)
  }

  /// Refuses what no machine could count or hold, so that no sum overflows.
  private func checkSize(file: String) throws {
    let matrices = components.map { component in
      component.shape.map(Double.init).reduce(1, *) * Double(component.copies) * Double(component.layers ?? 1)
    }
    let parameters = matrices.reduce(0, +)
    let attended = Double(context) * Double(layers) * Double(attention.queryWidth + attention.mixedWidth)
    guard parameters < 0x1p50, attended < 0x1p55 else {
      throw Fault(
        .badData, "anatomy.tooLarge", "The configuration describes a model beyond counting", file: file,
        expected: "fewer than 2⁵⁰ parameters", found: "about \(parameters)",
        advice: "compare the file with the one that the model's makers published")
    }
  }

  // MARK: Families

  private static func gpt2(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let width = try config.dimension("n_embd")
    let layers = try config.layers("n_layer")
    let heads = try config.dimension("n_head")
    let headWidth = try config.evenly("n_embd", width, into: "n_head", heads)
    let context = try config.dimension("n_positions")
    return Architecture(
      name: name, modelType: "gpt2", layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"), context: context, learnedPositions: context, tokenTypes: 0,
      norms: Norms(kind: .layer, perBlock: 2),
      attention: Attention(
        heads: heads, keyValueHeads: heads, headWidth: headWidth, valueWidth: headWidth, queryKeyValueBias: true,
        outputBias: true, windows: Array(repeating: nil, count: layers), isRotary: false),
      mlp: MLP(
        neurons: try config.dimension("n_inner", default: 4 * width), isGated: false, bias: true,
        activation: try config.string("activation_function", default: "gelu_new")),
      head: Head(kind: .nextToken, isTied: try config.bool("tie_word_embeddings", default: true)))
  }

  private static func gptNeoX(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let layers = try config.layers("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let headWidth = try config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let bias = try config.bool("attention_bias", default: true)
    return Architecture(
      name: name, modelType: "gpt_neox", layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("max_position_embeddings", default: 2048), learnedPositions: 0, tokenTypes: 0,
      norms: Norms(kind: .layer, perBlock: 2),
      attention: Attention(
        heads: heads, keyValueHeads: heads, headWidth: headWidth, valueWidth: headWidth, queryKeyValueBias: bias,
        outputBias: bias, windows: Array(repeating: nil, count: layers), isRotary: true),
      mlp: MLP(
        neurons: try config.dimension("intermediate_size"), isGated: false, bias: true,
        activation: try config.string("hidden_act", default: "gelu")),
      head: Head(kind: .nextToken, isTied: try config.bool("tie_word_embeddings", default: false)),
      isParallel: try config.bool("use_parallel_residual", default: true))
  }

  /// What Llama, Mistral, Qwen and Gemma share: rotary positions, RMSNorm, gated neurons, grouped-query attention.
  private static func rotary(
    _ config: ConfigurationReader, name: String, type: String, queryKeyValueBias: Bool, outputBias: Bool,
    mlpBias: Bool = false, tied: Bool = false, activation: String = "hidden_act",
    window: Int? = nil, slides: (Int) -> Bool = { _ in true }
  ) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let layers = try config.layers("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let keyValueHeads = try config.dimension("num_key_value_heads", default: heads)
    _ = try config.evenly("num_attention_heads", heads, into: "num_key_value_heads", keyValueHeads)
    let headWidth =
      try config.optionalDimension("head_dim")
      ?? config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    return Architecture(
      name: name, modelType: type, layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("max_position_embeddings", default: 2048), learnedPositions: 0, tokenTypes: 0,
      norms: Norms(kind: .rms, perBlock: 2),
      attention: Attention(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, valueWidth: headWidth,
        queryKeyValueBias: queryKeyValueBias, outputBias: outputBias,
        windows: try config.windows(layers: layers, window: window, slides: slides), isRotary: true),
      mlp: MLP(
        neurons: try config.dimension("intermediate_size"), isGated: true, bias: mlpBias,
        activation: try config.string(activation, default: "silu")),
      head: Head(kind: .nextToken, isTied: try config.bool("tie_word_embeddings", default: tied)))
  }

  private static func llama(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    return try rotary(
      config, name: name, type: "llama", queryKeyValueBias: bias, outputBias: bias,
      mlpBias: try config.bool("mlp_bias", default: false))
  }

  private static func mistral(_ config: ConfigurationReader, name: String) throws -> Architecture {
    // null switches the window off; where the key is absent, the family's first window holds.
    let window = config.mentions("sliding_window") ? try config.optionalDimension("sliding_window") : 4096
    return try rotary(
      config, name: name, type: "mistral", queryKeyValueBias: false, outputBias: false, window: window)
  }

  private static func mixtral(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let window = try config.optionalDimension("sliding_window")
    var architecture = try rotary(
      config, name: name, type: "mixtral", queryKeyValueBias: false, outputBias: false, window: window)
    architecture.experts = try experts(
      config, count: config.dimension("num_local_experts"), neurons: architecture.mlp.neurons,
      layers: Array(0..<architecture.layers))
    return architecture
  }

  private static func qwen2(_ config: ConfigurationReader, name: String) throws -> Architecture {
    try qwen(config, name: name, type: "qwen2", queryKeyValueBias: true, outputBias: false)
  }

  private static func qwen3(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var architecture = try qwen(config, name: name, type: "qwen3", queryKeyValueBias: bias, outputBias: bias)
    architecture.attention.normalizesQueryKey = true
    return architecture
  }

  private static func qwen(
    _ config: ConfigurationReader, name: String, type: String, queryKeyValueBias: Bool, outputBias: Bool
  ) throws -> Architecture {
    var window: Int?
    if try config.bool("use_sliding_window", default: false) {
      window = config.mentions("sliding_window") ? try config.optionalDimension("sliding_window") : 4096
    }
    let first = try config.count("max_window_layers", default: 28)
    return try rotary(
      config, name: name, type: type, queryKeyValueBias: queryKeyValueBias, outputBias: outputBias, window: window,
      slides: { $0 >= first })
  }

  private static func qwen3MoE(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    var window: Int?
    if try config.bool("use_sliding_window", default: false) { window = try config.optionalDimension("sliding_window") }
    var architecture = try rotary(
      config, name: name, type: "qwen3_moe", queryKeyValueBias: bias, outputBias: bias, window: window)
    architecture.attention.normalizesQueryKey = true
    let step = try config.dimension("decoder_sparse_step", default: 1)
    var dense = Set<Int>()
    for member in try config.json.optional("mlp_only_layers")?.array() ?? [] {
      let layer = try member.integer()
      guard (0..<architecture.layers).contains(layer) else {
        throw config.contradiction(
          member.path, "mlp_only_layers names a layer that is not there",
          expected: "a layer from 0 to \(architecture.layers - 1)", found: "\(layer)")
      }
      dense.insert(layer)
    }
    architecture.experts = try experts(
      config, count: config.dimension("num_experts", or: "num_local_experts"),
      neurons: config.dimension("moe_intermediate_size"),
      layers: (0..<architecture.layers).filter { !dense.contains($0) && ($0 + 1) % step == 0 })
    return architecture
  }

  private static func gemma2(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let bias = try config.bool("attention_bias", default: false)
    let window = config.mentions("sliding_window") ? try config.optionalDimension("sliding_window") : 4096
    var architecture = try rotary(
      config, name: name, type: "gemma2", queryKeyValueBias: bias, outputBias: bias, tied: true,
      activation: "hidden_activation", window: window, slides: { $0 % 2 == 0 })
    if try config.json.optional("hidden_activation") == nil { architecture.mlp.activation = "gelu_pytorch_tanh" }
    architecture.norms.perBlock = 4
    architecture.attention.scoreCap = try config.cap("attn_logit_softcapping", default: 50)
    architecture.head.logitCap = try config.cap("final_logit_softcapping", default: 30)
    return architecture
  }

  private static func deepSeekV3(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let layers = try config.layers("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let keyValueHeads = try config.dimension("num_key_value_heads", default: heads)
    guard keyValueHeads == heads else {
      throw config.contradiction(
        "num_key_value_heads", "latent attention rebuilds a key for every head", expected: "\(heads), as many as heads",
        found: "\(keyValueHeads)")
    }
    let plain = try config.dimension("qk_nope_head_dim")
    let rotary = try config.dimension("qk_rope_head_dim")
    if let whole = try config.optionalDimension("qk_head_dim"), whole != plain + rotary {
      throw config.contradiction(
        "qk_head_dim", "a head is not the sum of its parts",
        expected: "qk_nope_head_dim + qk_rope_head_dim = \(plain + rotary)", found: "\(whole)")
    }
    let bias = try config.bool("attention_bias", default: false)
    let dense = try config.count("first_k_dense_replace", default: 3)
    guard dense <= layers else {
      throw config.contradiction(
        "first_k_dense_replace", "more layers are dense than there are", expected: "at most \(layers)",
        found: "\(dense)")
    }
    let expertNeurons = try config.dimension("moe_intermediate_size")
    var architecture = Architecture(
      name: name, modelType: "deepseek_v3", layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("max_position_embeddings", default: 4096), learnedPositions: 0, tokenTypes: 0,
      norms: Norms(kind: .rms, perBlock: 2),
      attention: Attention(
        heads: heads, keyValueHeads: heads, headWidth: plain + rotary, valueWidth: try config.dimension("v_head_dim"),
        queryKeyValueBias: bias, outputBias: bias,
        latent: .init(
          queryRank: try config.optionalDimension("q_lora_rank"),
          keyValueRank: try config.dimension("kv_lora_rank"), rotaryWidth: rotary),
        windows: Array(repeating: nil, count: layers), isRotary: true),
      mlp: MLP(
        neurons: try config.dimension("intermediate_size"), isGated: true, bias: false,
        activation: try config.string("hidden_act", default: "silu")),
      head: Head(kind: .nextToken, isTied: try config.bool("tie_word_embeddings", default: false)))
    let count = try config.dimension("n_routed_experts")
    architecture.experts = try experts(
      config, count: count, neurons: expertNeurons,
      shared: config.count("n_shared_experts", default: 1) * expertNeurons, layers: Array(dense..<layers))
    try checkGroups(config, experts: count)
    if try config.count("num_nextn_predict_layers", default: 0) > 0 {
      architecture.notes.append(
        "The layer that predicts a second token ahead in training is not counted: the running model has none.")
    }
    architecture.notes.append(
      "The router's balancing bias (\(count) numbers a layer) is state, not a trained parameter, and is not counted.")
    return architecture
  }

  /// Experts stand in groups, of which a token may use a few.
  private static func checkGroups(_ config: ConfigurationReader, experts: Int) throws {
    guard let groups = try config.optionalDimension("n_group") else { return }
    let size = try config.evenly("n_routed_experts", experts, into: "n_group", groups)
    guard let chosen = try config.optionalDimension("topk_group") else { return }
    guard chosen <= groups else {
      throw config.contradiction(
        "topk_group", "more groups of experts are used than there are", expected: "at most n_group (\(groups))",
        found: "\(chosen)")
    }
    let active = try config.dimension("num_experts_per_tok")
    guard active <= chosen * size else {
      throw config.contradiction(
        "num_experts_per_tok", "the chosen groups hold too few experts", expected: "at most \(chosen * size)",
        found: "\(active)")
    }
  }

  private static func experts(
    _ config: ConfigurationReader, count: Int, neurons: Int, shared: Int = 0, layers: [Int]
  ) throws -> Experts {
    let active = try config.dimension("num_experts_per_tok")
    guard active <= count else {
      throw config.contradiction(
        "num_experts_per_tok", "more experts wake up than there are", expected: "at most \(count)", found: "\(active)")
    }
    return Experts(count: count, active: active, neurons: neurons, sharedNeurons: shared, layers: layers)
  }

  private static func bert(_ config: ConfigurationReader, name: String) throws -> Architecture {
    let width = try config.dimension("hidden_size")
    let layers = try config.layers("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let headWidth = try config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let context = try config.dimension("max_position_embeddings", default: 512)
    let classes = try config.json.optional("architectures")?.array().map { try $0.string() } ?? []
    let isMasked = classes.contains("BertForMaskedLM")
    return Architecture(
      name: name, modelType: "bert", layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"), context: context, learnedPositions: context,
      tokenTypes: try config.dimension("type_vocab_size", default: 2),
      norms: Norms(kind: .layer, perBlock: 2, afterEmbedding: true, final: false),
      attention: Attention(
        heads: heads, keyValueHeads: heads, headWidth: headWidth, valueWidth: headWidth, queryKeyValueBias: true,
        outputBias: true, isCausal: false, windows: Array(repeating: nil, count: layers), isRotary: false),
      mlp: MLP(
        neurons: try config.dimension("intermediate_size"), isGated: false, bias: true,
        activation: try config.string("hidden_act", default: "gelu")),
      head: Head(
        kind: isMasked ? .maskedToken : .none, isTied: try config.bool("tie_word_embeddings", default: true),
        bias: isMasked, pooler: !isMasked))
  }
}
