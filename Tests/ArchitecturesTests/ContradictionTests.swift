import Architectures
import Diagnostics
import Testing

@Suite("Configurations that cannot be")
struct ContradictionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let base: Fields
    let changes: Fields
    /// The key that the fault names.
    let place: String
    let name: String
    var testDescription: String { "\(base["model_type"] ?? ""): \(changes)" }

    init(_ base: Fields, _ changes: Fields, at place: String, _ name: String = "architectures.contradiction") {
      self.base = base
      self.changes = changes
      self.place = place
      self.name = name
    }
  }

  @Test("the bases are sound", arguments: [Fields.llama, .deepSeek, .gpt2, .gptNeo, .bert, .mixtral])
  func bases(fields: Fields) throws { #expect(try read(fields).layers > 1) }

  static let contradictions: [Case] = [
    Case(.llama, ["num_attention_heads": "5"], at: "num_key_value_heads"),
    Case(.llama.without("num_key_value_heads"), ["num_attention_heads": "5"], at: "num_attention_heads"),
    Case(.llama, ["num_key_value_heads": "3"], at: "num_key_value_heads"),
    Case(.llama, ["head_dim": "7"], at: "partial_rotary_factor"),
    Case(.llama, ["partial_rotary_factor": "0.01"], at: "partial_rotary_factor"),
    Case(.llama, ["partial_rotary_factor": "1.5"], at: "partial_rotary_factor"),
    Case(.gpt2, ["n_head": "3"], at: "n_head"),
    Case(.bert, ["num_attention_heads": "5"], at: "num_attention_heads"),
    Case(.decoder("gemma2"), ["layer_types": "[\"full_attention\"]"], at: "layer_types"),
    Case(
      .decoder("gemma2"),
      [
        "sliding_window": "null",
        "layer_types": "[\"full_attention\", \"full_attention\", \"full_attention\", \"sliding_attention\"]",
      ],
      at: "layer_types[3]"),
    Case(
      .decoder("gemma2"),
      ["layer_types": "[\"full_attention\", \"full_attention\", \"full_attention\", \"other\"]"], at: "layer_types[3]",
      "json.unexpected"),
    Case(.deepSeek, ["num_experts_per_tok": "9"], at: "num_experts_per_tok"),
    Case(.deepSeek, ["first_k_dense_replace": "5"], at: "first_k_dense_replace"),
    Case(.deepSeek, ["num_key_value_heads": "2"], at: "num_key_value_heads"),
    Case(.deepSeek, ["qk_head_dim": "9"], at: "qk_head_dim"),
    Case(.deepSeek, ["n_group": "3"], at: "n_group"),
    Case(.deepSeek, ["topk_group": "5"], at: "topk_group"),
    // A group's score is the sum of its two best experts.
    Case(.deepSeek, ["n_group": "8", "topk_group": "8"], at: "num_experts_per_tok"),
    Case(.deepSeek, ["topk_group": "1", "num_experts_per_tok": "3"], at: "num_experts_per_tok"),
    Case(.mixtral, ["num_local_experts": "2", "num_experts_per_tok": "3"], at: "num_experts_per_tok"),
    Case(.mixtral, ["num_local_experts": "4", "num_experts": "8"], at: "num_experts"),
    Case(.decoder("qwen3_moe"), ["num_experts": "8", "num_local_experts": "4"], at: "num_local_experts"),
    Case(.decoder("qwen3_moe"), ["mlp_only_layers": "[0, 4]"], at: "mlp_only_layers[1]"),
    Case(.decoder("qwen3_moe"), ["mlp_only_layers": "[-1]"], at: "mlp_only_layers[0]"),
    Case(.gptNeo, ["attention_types": "[[[\"global\", \"local\"], 1]]"], at: "attention_types"),
    Case(.gptNeo, ["attention_types": "[[[\"global\", \"local\"], 3]]"], at: "attention_types"),
    Case(.gptNeo, ["attention_layers": "[\"global\", \"local\", \"loca\", \"global\"]"], at: "attention_layers"),
    Case(.decoder("smollm3"), ["no_rope_layers": "[1, 1, 0]"], at: "no_rope_layers"),
    Case(
      [
        "model_type": "\"gptj\"", "vocab_size": "100", "n_embd": "32", "n_layer": "2", "n_head": "4",
        "rotary_dim": "10",
      ], [:], at: "rotary_dim"),
    Case(.decoder("falcon"), ["new_decoder_architecture": "true", "num_kv_heads": "3"], at: "num_kv_heads"),
    Case(.decoder("roberta"), ["max_position_embeddings": "8", "pad_token_id": "7"], at: "pad_token_id"),
  ]

  @Test("two keys that cannot both be true: the fault names one, and what it should be", arguments: contradictions)
  func contradiction(test: Case) throws {
    let fault = try #require(throws: Fault.self) { try read(test.base.with(test.changes)) }
    #expect(fault.name == test.name && fault.kind == .badData)
    #expect(fault.place == test.place)
    #expect(fault.expected?.isEmpty == false && fault.found?.isEmpty == false && fault.file == "config.json")
  }

  @Test("in a part of the file, the place is the whole path")
  func nested() throws {
    let text = """
      {"model_type": "gemma3_text", "vocab_size": 9, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
      "layer_types": ["sliding_attention"], "sliding_window": null}
      """
    let fault = try #require(throws: Fault.self) { try read(["model_type": "\"gemma3\"", "text_config": text]) }
    #expect(fault.place == "text_config.layer_types[0]")
  }

  @Test(
    "values that no model has",
    arguments: [
      ("hidden_size", "0", "architectures.dimension"), ("hidden_size", "-4", "architectures.dimension"),
      ("hidden_size", "1e30", "json.unexpected"), ("hidden_size", "null", "json.missing"),
      ("hidden_size", "\"32\"", "json.unexpected"), ("hidden_size", "16777217", "architectures.dimension"),
      ("num_hidden_layers", "0", "architectures.dimension"), ("num_hidden_layers", "16385", "architectures.dimension"),
      ("num_hidden_layers", "1.5", "json.unexpected"), ("vocab_size", "16777217", "architectures.dimension"),
      ("rms_norm_eps", "-1e-6", "architectures.dimension"), ("rms_norm_eps", "1", "architectures.dimension"),
      ("rope_theta", "0", "architectures.dimension"), ("rope_theta", "-10000", "architectures.dimension"),
      ("hidden_act", "\"gelu_mystery\"", "json.unexpected"), ("hidden_act", "3", "json.unexpected"),
      ("attention_bias", "\"yes\"", "json.unexpected"), ("tie_word_embeddings", "1", "json.unexpected"),
      ("model_type", "7", "json.unexpected"), ("model_type", "null", "json.missing"),
      ("rope_scaling", "\"yarn\"", "json.unexpected"), ("rope_scaling", "[]", "json.unexpected"),
    ])
  func values(key: String, value: String, name: String) throws {
    let fault = try #require(throws: Fault.self) { try read(.llama.with([key: value])) }
    #expect(fault.name == name && fault.kind == .badData)
    #expect(name == "json.missing" ? fault.expected?.contains(key) == true : fault.place == key)
  }

  @Test(
    "options that are not supported are refused, not passed over",
    arguments: [
      (Fields.bert, "is_decoder", "true"), (.bert, "position_embedding_type", "\"relative_key\""),
      (.gpt2, "add_cross_attention", "true"),
      (.decoder("gemma3_text"), "use_bidirectional_attention", "true"),
      (.decoder("bloom").with(["n_head": "4"]), "apply_residual_connection_post_layernorm", "true"),
    ])
  func unsupported(base: Fields, key: String, value: String) throws {
    let fault = try #require(throws: Fault.self) { try read(base.with([key: value])) }
    #expect(fault.place == key && fault.kind == .badData)
  }

  @Test("a norm may divide by nothing but the row itself")
  func epsilon() throws {
    #expect(try read(.llama.with(["rms_norm_eps": "0"])).blocks[0].norm1.epsilon == 0)
    #expect(try read(.gpt2.with(["layer_norm_epsilon": "0.0"])).head.norm?.epsilon == 0)
  }

  /// The name of the fault that reading throws.
  func refusal(_ fields: Fields) -> String? {
    do {
      _ = try read(fields)
      return nil
    } catch {
      return (error as? Fault)?.name
    }
  }

  @Test("a model beyond counting is refused, not overflowed, and at once")
  func tooLarge() throws {
    let largest = "16777216"
    let duration = try ContinuousClock().measure {
      let layers = try #require(throws: Fault.self) { try read(.llama.with(["num_hidden_layers": "100000"])) }
      #expect(layers.name == "architectures.dimension" && layers.place == "num_hidden_layers")
      let huge = Fields.llama.with([
        "vocab_size": largest, "hidden_size": largest, "intermediate_size": largest, "num_hidden_layers": "16384",
      ])
      #expect(refusal(huge) == "architectures.tooLarge")
      let experts = Fields.deepSeek.with([
        "n_routed_experts": largest, "n_shared_experts": largest, "moe_intermediate_size": largest,
        "num_hidden_layers": "16384",
      ])
      #expect(refusal(experts) == "architectures.tooLarge")
      let context = Fields.llama.with([
        "max_position_embeddings": largest, "num_hidden_layers": "16384", "head_dim": "4096",
        "num_attention_heads": "4096", "num_key_value_heads": "1", "hidden_size": "1",
      ])
      #expect(refusal(context) == "architectures.tooLarge")
      // Runs of layers that would fill the memory if they were written out.
      let run = "[[" + Array(repeating: "\"global\"", count: 2000).joined(separator: ", ") + "], 16384]"
      let runs = "[" + Array(repeating: run, count: 20).joined(separator: ", ") + "]"
      let neo = Fields.gptNeo.with(["num_layers": "16384", "attention_types": runs])
      #expect(refusal(neo) == "architectures.contradiction")
    }
    #expect(duration < .seconds(5))
  }

  @Test("a model at the limit is read")
  func limit() throws {
    let deep = try read(.llama.with(["num_hidden_layers": "16384"]))
    #expect(deep.layers == 16_384)
  }
}
