import Architectures
import Diagnostics
import Testing

@Suite("What differs by layer")
struct LayerTests {
  func windows(_ modelType: String, _ changes: Fields = [:]) throws -> [Int?] {
    try read(.least(modelType).with(changes)).blocks.map(\.attention.window)
  }

  @Test("windows where config.json is silent")
  func windows() throws {
    #expect(try windows("llama") == [nil, nil, nil, nil])
    #expect(try windows("mistral") == Array(repeating: 4096, count: 4))
    #expect(try windows("mixtral") == [nil, nil, nil, nil])
    #expect(try windows("gemma2") == [4096, nil, 4096, nil])
    #expect(try windows("gpt_oss") == [128, nil, 128, nil])
    #expect(try windows("olmo3") == [4096, 4096, 4096, nil])
    #expect(try windows("cohere2") == [4096, 4096, 4096, nil])
    #expect(try windows("gpt_neo") == [nil, 256, nil, 256])
    #expect(try windows("qwen2") == [nil, nil, nil, nil])
    #expect(try windows("gemma3_text", ["num_hidden_layers": "7"]) == [4096, 4096, 4096, 4096, 4096, nil, 4096])
  }

  @Test("a window that is null is none")
  func null() throws {
    #expect(try windows("mistral", ["sliding_window": "null"]) == [nil, nil, nil, nil])
    #expect(try windows("gemma2", ["sliding_window": "null"]) == [nil, nil, nil, nil])
  }

  @Test("windows switched on")
  func switched() throws {
    let qwen = ["use_sliding_window": "true", "sliding_window": "16", "max_window_layers": "3"]
    #expect(try windows("qwen2", qwen) == [nil, nil, nil, 16])
    #expect(try windows("qwen3", qwen) == [nil, nil, nil, 16])
    #expect(try windows("qwen2_moe", qwen) == [16, nil, 16, nil])
    #expect(try windows("qwen2", qwen.with(["max_window_layers": "0"])) == [16, 16, 16, 16])
    #expect(try windows("qwen2", qwen.with(["use_sliding_window": "false"])) == [nil, nil, nil, nil])
    #expect(
      try windows("smollm3", ["use_sliding_window": "true", "sliding_window": "16", "no_rope_layers": "[1, 0, 1, 1]"])
        == [nil, 16, nil, nil])
    #expect(try windows("phi3", ["sliding_window": "2047"]) == Array(repeating: 2047, count: 4))
    #expect(try windows("gemma3_text", ["sliding_window_pattern": "2", "sliding_window": "8"]) == [8, nil, 8, nil])
    #expect(
      try windows("gpt_neo", ["attention_types": "[[[\"local\"], 3], [[\"global\"], 1]]"]) == [256, 256, 256, nil])
  }

  @Test("layer_types has the last word", arguments: ["gemma2", "gemma3_text", "gpt_oss", "olmo3", "cohere2"])
  func layerTypes(modelType: String) throws {
    let types = "[\"full_attention\", \"sliding_attention\", \"sliding_attention\", \"full_attention\"]"
    #expect(try windows(modelType, ["layer_types": types, "sliding_window": "8"]) == [nil, 8, 8, nil])
  }

  @Test("layers that do not rotate, or rotate by a base of their own")
  func rotary() throws {
    let smol = try read(.decoder("smollm3")).blocks.map { $0.attention.rotary?.base }
    #expect(smol == [2e6, 2e6, 2e6, nil])
    #expect(try read(.decoder("cohere2")).blocks.map { $0.attention.rotary != nil } == [true, true, true, false])
    let gemma = try read(.decoder("gemma3_text").with(["num_hidden_layers": "6"])).blocks
    #expect(gemma.map { $0.attention.rotary?.base } == [1e4, 1e4, 1e4, 1e4, 1e4, 1e6])
    #expect(try read(.gpt2).blocks[0].attention.rotary == nil)
  }

  @Test("scores scaled by the layer's number")
  func scale() throws {
    let blocks = try read(.gpt2.with(["scale_attn_by_inverse_layer_idx": "true"])).blocks
    #expect(blocks[1].attention.scale == blocks[0].attention.scale / 2)
    #expect(try read(.gpt2.with(["scale_attn_weights": "false"])).blocks[0].attention.scale == 1)
  }
}

@Suite("Rotary positions in three generations of spelling")
struct RotaryTests {
  func rotary(_ changes: Fields, _ base: Fields = .llama) throws -> Rotary {
    try #require(read(base.with(changes)).blocks[0].attention.rotary)
  }

  @Test("silent, or the base alone")
  func base() throws {
    #expect(try rotary([:]) == Rotary(base: 10_000, rotated: 8))
    #expect(try rotary(["rope_theta": "500000.0"]).base == 500_000)
    #expect(try rotary(["rope_scaling": "null"]).scaling == .none)
    #expect(try rotary(["rope_parameters": "{\"rope_theta\": 7.5, \"rope_type\": \"default\"}"]).base == 7.5)
    // Where both stand, what transformers 5 writes holds.
    #expect(try rotary(["rope_theta": "1.0", "rope_parameters": "{\"rope_theta\": 2.0}"]).base == 2)
  }

  @Test("the same scaling, spelt as three generations spell it", arguments: ["type", "rope_type", "rope_parameters"])
  func spellings(key: String) throws {
    func spelt(_ name: String, _ more: String) throws -> Rotary {
      let members = "\"\(key == "type" ? "type" : "rope_type")\": \"\(name)\"\(more.isEmpty ? "" : ", ")\(more)"
      return key == "rope_parameters"
        ? try rotary(["rope_parameters": "{\"rope_theta\": 5000.0, \(members)}"])
        : try rotary(["rope_theta": "5000.0", "rope_scaling": "{\(members)}"])
    }
    #expect(try spelt("linear", "\"factor\": 4.0") == Rotary(base: 5000, rotated: 8, scaling: .linear(factor: 4)))
    #expect(try spelt("default", "").scaling == .none)
    #expect(try spelt("dynamic", "\"factor\": 2.0").scaling == .dynamic(factor: 2, context: 2048))
    #expect(
      try spelt(
        "llama3",
        "\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64"
      ).scaling == .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 64))
    guard case .yarn(let yarn) = try spelt("yarn", "\"factor\": 4.0, \"original_max_position_embeddings\": 64").scaling
    else {
      Issue.record("yarn is yarn")
      return
    }
    #expect(yarn.factor == 4 && yarn.originalContext == 64 && yarn.fast == 32 && yarn.slow == 1 && yarn.truncates)
    #expect(abs(yarn.attention - 1.138629436) < 1e-9)
    let factors = "[1.0, 1.5, 2.0, 2.5]"
    guard
      case .longRoPE(let short, let long, let original, _) = try spelt(
        "longrope",
        "\"short_factor\": \(factors), \"long_factor\": \(factors), \"original_max_position_embeddings\": 64"
      ).scaling
    else {
      Issue.record("longrope is longrope")
      return
    }
    #expect(short == [1, 1.5, 2, 2.5] && long == short && original == 64)
  }

  @Test("one set of parameters for each type of layer")
  func byType() throws {
    let parameters = """
      {"full_attention": {"rope_theta": 3000.0, "rope_type": "linear", "factor": 8.0},
      "sliding_attention": {"rope_theta": 30.0, "rope_type": "default"}}
      """
    let blocks = try read(
      .decoder("gemma3_text").with([
        "rope_parameters": parameters,
        "layer_types": "[\"sliding_attention\", \"full_attention\", \"sliding_attention\", \"full_attention\"]",
      ])
    ).blocks
    #expect(blocks.map { $0.attention.rotary?.base } == [30, 3000, 30, 3000])
    #expect(blocks[1].attention.rotary?.scaling == .linear(factor: 8))
    #expect(blocks[0].attention.rotary?.scaling == Rotary.Scaling.none)
    // The older spelling scales the layers that see everything, and those alone.
    let older = try read(
      .decoder("gemma3_text").with([
        "rope_theta": "3000.0", "rope_local_base_freq": "30.0", "sliding_window_pattern": "2",
        "rope_scaling": "{\"rope_type\": \"linear\", \"factor\": 8.0}",
      ])
    ).blocks
    #expect(older.map(\.attention.rotary) == blocks.map(\.attention.rotary))
  }

  @Test("a part of each head, by its two names")
  func share() throws {
    #expect(try rotary(["partial_rotary_factor": "0.5"]).rotated == 4)
    #expect(try rotary(["rope_parameters": "{\"partial_rotary_factor\": 0.25}"]).rotated == 2)
    #expect(try rotary(["rotary_pct": "0.5", "rotary_emb_base": "77"], .decoder("gpt_neox")).rotated == 4)
    #expect(try rotary(["rotary_emb_base": "77"], .decoder("gpt_neox")).base == 77)
    // One dimension takes its neighbour with it.
    #expect(try rotary(["partial_rotary_factor": "0.125"]).rotated == 2)
    #expect(throws: Fault.self) { try rotary(["partial_rotary_factor": "0.4"]) }
  }

  @Test(
    "scalings that cannot be",
    arguments: [
      ("{\"type\": \"mystery\", \"factor\": 2}", "rope_scaling.type", "architectures.unknownRotaryScaling"),
      ("{\"rope_type\": 3}", "rope_scaling.rope_type", "json.unexpected"),
      ("{\"type\": \"linear\"}", "rope_scaling", "json.missing"),
      ("{\"type\": \"linear\", \"factor\": 0}", "rope_scaling.factor", "architectures.dimension"),
      ("{\"type\": \"linear\", \"factor\": -2}", "rope_scaling.factor", "architectures.dimension"),
      (
        "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}",
        "rope_scaling.high_freq_factor", "json.unexpected"
      ),
      (
        "{\"rope_type\": \"longrope\", \"short_factor\": [1, 1], \"long_factor\": [1, 1, 1, 1]}",
        "rope_scaling.short_factor", "json.unexpected"
      ),
    ])
  func faults(scaling: String, place: String, name: String) throws {
    let fault = try #require(throws: Fault.self) { try read(.llama.with(["rope_scaling": scaling])) }
    #expect(fault.name == name && fault.place == place && fault.kind == .badData)
  }
}
