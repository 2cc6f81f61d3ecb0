import Checkpoints
import Diagnostics
import StrictJSON

/// The config.json that a GGUF file's metadata and tensors amount to, so that one reader judges both.
struct GGUFConfiguration {
  let checkpoint: GGUFCheckpoint
  let family: GGUFFamily
  /// The names of the blocks' tensors without the blocks' numbers, such as `attn_q.bias`.
  let inBlocks: Set<String>
  private var members: [(key: String, value: JSONValue)] = []

  init(_ checkpoint: GGUFCheckpoint, _ family: GGUFFamily) throws {
    self.checkpoint = checkpoint
    self.family = family
    inBlocks = Set(
      checkpoint.names.lazy.filter { $0.hasPrefix("blk.") }
        .compactMap { $0.split(separator: ".", maxSplits: 2).last.map(String.init) })
    try fill()
  }

  var json: JSONValue { .object(JSONObject(members)) }

  // MARK: What the file says

  func field(_ key: String) -> GGUFField? { checkpoint.metadata.optional("\(family.name).\(key)") }

  func holds(_ tensor: String) -> Bool { checkpoint.tensor(named: tensor) != nil }

  /// An integer, where it is there and is not 0; of a list with an entry a layer, what all agree on.
  func whole(_ key: String) throws -> Int? {
    guard let field = field(key) else { return nil }
    guard case .integer(let value) = try value(of: field) else { throw field.unexpected("an integer") }
    return value == 0 ? nil : value
  }

  /// A number, where it is there and is not 0.
  func number(_ key: String) throws -> Double? {
    guard let value = try field(key)?.number() else { return nil }
    return value == 0 ? nil : value
  }

  /// A number greater than 0, where it is there and is not 0.
  func positive(_ key: String) throws -> Double? {
    guard let field = field(key), let value = try number(key) else { return nil }
    guard value > 0, value.isFinite else { throw field.unexpected("a number greater than 0") }
    return value
  }

  private func required(_ key: String) throws -> Int {
    try checkpoint.metadata.required("\(family.name).\(key)").integer()
  }

  private func value(of field: GGUFField) throws -> JSONValue {
    switch field.value {
    case .integer(let value): return .integer(value)
    case .large, .number: return .number(try field.number())
    case .bool(let flag): return .bool(flag)
    case .string: return .string(try field.string())
    case .array(let array):
      let numbers = try field.numbers()
      guard let first = numbers.first, numbers.allSatisfy({ $0 == first }) else {
        throw field.unexpected(
          "one number for all layers", found: "\(array.count) numbers that differ",
          advice: "models whose layers differ in size are not supported")
      }
      return Int(exactly: first).map { .integer($0) } ?? .number(first)
    }
  }

  // MARK: What config.json would say

  private mutating func set(_ key: String, _ value: JSONValue?) {
    members.removeAll { $0.key == key }
    if let value { members.append((key, value)) }
  }

  private mutating func fill() throws {
    for key in ["embedding_length", "block_count", "context_length", "attention.head_count"] { _ = try required(key) }
    let blocks = try checkpoint.metadata.required("\(family.name).block_count")
    // A number beyond any model's is refused with the others.
    if try Architecture.maximumLayers >= blocks.integer(), try blocks.integer() > checkpoint.names.count {
      throw blocks.unexpected("no more blocks than there are tensors, \(checkpoint.names.count)")
    }
    set("model_type", .string(try modelType()))
    for (key, value) in family.constants { set(key, value) }
    for (stored, config) in GGUFFamily.usualKeys + family.keys {
      guard let field = field(stored) else { continue }
      let value = try value(of: field)
      // An option that is not used may be written as 0.
      let isOff = Self.offAtZero.contains(stored) && [.integer(0), .number(0)].contains(value)
      set(config, isOff ? .null : value)
    }
    guard let embedding = checkpoint.tensor(named: "token_embd.weight"), embedding.shape.count == 2 else {
      throw fault(
        "tensor token_embd.weight", "The file lacks the embedding of its tokens", expected: "a tensor of two axes",
        found: checkpoint.tensor(named: "token_embd.weight").map { "\($0.shape)" } ?? "no such tensor")
    }
    if field("rope.freq_base") == nil { set("rope_theta", .number(10_000)) }
    set("vocab_size", .integer(embedding.shape[0]))
    set("tie_word_embeddings", .bool(!holds("output.weight")))
    try setHeads()
    try setLayerTypes()
    try setExperts()
    set("rope_scaling", try rotaryScaling())
    try setPeculiarities()
  }

  private static let offAtZero: Set<String> = [
    "attention.sliding_window", "attention.clamp_kqv", "attn_logit_softcapping", "final_logit_softcapping",
    "attention.q_lora_rank", "expert_group_count", "expert_group_used_count", "expert_weights_scale", "expert_count",
  ]

  /// llama.cpp has one architecture where Hugging Face has several.
  private func modelType() throws -> String {
    switch family.name {
    case "llama":
      try whole("expert_count") != nil ? "mixtral" : try whole("attention.sliding_window") != nil ? "mistral" : "llama"
    case "olmo2": try whole("attention.sliding_window") == nil ? "olmo2" : "olmo3"
    case "deepseek2": try whole("expert_gating_func") == 2 ? "deepseek_v3" : "deepseek_v2"
    default: family.modelType
    }
  }

  private mutating func setHeads() throws {
    let (width, heads) = (try required("embedding_length"), try whole("attention.head_count") ?? 0)
    if family.name == "deepseek2" { return try setLatentHeads(heads) }
    let head = try whole("attention.key_length") ?? (heads > 0 && width.isMultiple(of: heads) ? width / heads : nil)
    guard let head, head > 0 else { return }
    set("head_dim", .integer(head))
    if let values = field("attention.value_length"), try values.integer() != head {
      throw values.unexpected("\(head), as wide as keys", advice: "values of another width are not supported here")
    }
    // Half a dimension more, so that rounding down the product gives the number itself.
    let rotated = try whole("rope.dimension_count") ?? head
    set("partial_rotary_factor", .number(rotated == head ? 1 : (Double(rotated) + 0.5) / Double(head)))
  }

  /// Latent attention, whose widths old files keep under the usual keys.
  private mutating func setLatentHeads(_ heads: Int) throws {
    let rotated = try whole("rope.dimension_count") ?? 64
    let possible = 1...Architecture.maximumDimension
    guard possible ~= rotated else { return }
    set("num_key_value_heads", .integer(heads))
    for key in ["head_dim", "partial_rotary_factor"] { set(key, nil) }
    if !inBlocks.contains("attn_q_a.weight") { set("q_lora_rank", .null) }
    let isNew = field("attention.key_length_mla") != nil
    if let field = field(isNew ? "attention.key_length_mla" : "attention.key_length") {
      let whole = try field.integer()
      guard whole > rotated, possible ~= whole else {
        throw field.unexpected("a width greater than that of the \(rotated) rotated dimensions")
      }
      set("qk_nope_head_dim", .integer(whole - rotated))
    }
    if !isNew, let values = try whole("attention.value_length") { set("v_head_dim", .integer(values)) }
  }

  private mutating func setLayerTypes() throws {
    let layers = try required("block_count")
    guard let period = family.period, 1...Architecture.maximumLayers ~= layers else { return }
    let window = field("attention.sliding_window") == nil ? family.window : try whole("attention.sliding_window")
    var slides = (0..<layers).map { $0 % period < period - 1 }
    if let field = field("attention.sliding_window_pattern") {
      if case .array(let array) = field.value {
        slides = array.elementType == .bool ? try field.bools() : try field.integers().map { $0 != 0 }
      } else {
        let period = try field.integer()
        guard period >= 0 else { throw field.unexpected("a number of layers") }
        slides = (0..<layers).map { period == 0 || $0 % period < period - 1 }
      }
      guard slides.count == layers else {
        throw field.unexpected("\(layers) entries, one for each block", found: "\(slides.count)")
      }
    }
    set("sliding_window", window.map { .integer($0) } ?? .null)
    set(
      "layer_types",
      .array(slides.map { .string($0 && window != nil ? "sliding_attention" : "full_attention") }))
  }

  private mutating func setExperts() throws {
    guard let count = try whole("expert_count") else {
      if family.hasExperts { _ = try required("expert_count") }
      for key in ["num_experts", "n_routed_experts"] { set(key, nil) }
      return
    }
    let layers = try required("block_count")
    guard 1...Architecture.maximumLayers ~= layers else { return }
    _ = try required("expert_used_count")
    let routers = (0..<layers).map { checkpoint.tensor(named: "blk.\($0).ffn_gate_inp.weight") }
    guard let router = routers.lazy.compactMap({ $0 }).first, router.shape.first == count else {
      throw fault(
        "key \(family.name).expert_count", "The file speaks of experts that it does not hold",
        expected: "a tensor blk.*.ffn_gate_inp.weight of as many rows, or 0",
        found: "\(count) experts and "
          + (routers.lazy.compactMap { $0 }.first.map { "rows of \($0.shape)" } ?? "no such tensor"))
    }
    if family.name == "llama" { set("num_local_experts", .integer(count)) }
    if field("expert_feed_forward_length") == nil, family.name == "qwen2moe" || family.name == "qwen3moe",
      let all = try whole("feed_forward_length"), let used = try whole("expert_used_count"), used > 0
    {
      set("moe_intermediate_size", .integer(all / used))
    }
    if family.name == "qwen2moe", field("expert_shared_feed_forward_length") == nil,
      let all = try whole("feed_forward_length")
    {
      set("shared_expert_intermediate_size", .integer(all))
    }
    let dense = routers.indices.filter { routers[$0] == nil }
    set("mlp_only_layers", .array(dense.map { .integer($0) }))
  }

  /// What only the tensors, or llama.cpp's code, tell of an architecture.
  private mutating func setPeculiarities() throws {
    switch family.name {
    case "falcon": set("num_ln_in_parallel_attn", .integer(inBlocks.contains("attn_norm_2.weight") ? 2 : 1))
    case "stablelm":
      set("qk_layernorm", .bool(inBlocks.contains("attn_q_norm.weight")))
      set("use_parallel_residual", .bool(!inBlocks.contains("ffn_norm.weight")))
    case "command-r": set("use_qk_norm", .bool(inBlocks.contains("attn_q_norm.weight")))
    case "gemma2", "gemma3":
      // The largest of each generation scales by the width of a head that it does not have.
      let isLargest = try required("block_count") == (family.name == "gemma2" ? 46 : 62)
      if isLargest, let heads = try whole("attention.head_count") {
        set("query_pre_attn_scalar", .number(Double(try required("embedding_length")) / Double(heads)))
      } else {
        set("query_pre_attn_scalar", members.first { $0.key == "head_dim" }?.value)
      }
    case "bert":
      for (tensor, key) in [
        ("token_types.weight", "type_vocab_size"), ("position_embd.weight", "max_position_embeddings"),
      ] {
        if let rows = checkpoint.tensor(named: tensor)?.shape.first { set(key, .integer(rows)) }
      }
    case "deepseek2":
      let groups = try whole("expert_group_count") ?? 1
      set("topk_method", .string(groups > 1 ? "group_limited_greedy" : "greedy"))
      if groups == 1 { set("n_group", .null) }
      if try number("expert_weights_scale") == nil { set("routed_scaling_factor", .number(1)) }
      if field("leading_dense_block_count") == nil { set("first_k_dense_replace", .integer(0)) }
      if field("expert_weights_norm") == nil { set("norm_topk_prob", .bool(false)) }
    default: break
    }
  }

  func fault(_ place: String, _ problem: String, expected: String, found: String) -> Fault {
    Fault(
      .badData, "architectures.contradiction", problem, file: checkpoint.metadata.file, place: place,
      expected: expected, found: found, advice: "convert or download the model again")
  }
}
