import Anatomy
import Diagnostics
import Foundation
import StrictJSON
import TestFiles
import Testing

@Suite("Configurations that cannot be")
struct BadConfigurationTests {
  static let llama: [String: String] = [
    "model_type": "\"llama\"", "vocab_size": "100", "hidden_size": "32", "intermediate_size": "64",
    "num_hidden_layers": "2", "num_attention_heads": "4", "num_key_value_heads": "2",
  ]
  static let experts = llama.merging([
    "model_type": "\"deepseek_v3\"", "num_key_value_heads": "4", "moe_intermediate_size": "8",
    "n_routed_experts": "8", "num_experts_per_tok": "2", "first_k_dense_replace": "1", "kv_lora_rank": "8",
    "qk_rope_head_dim": "4", "qk_nope_head_dim": "4", "v_head_dim": "4",
  ]) { $1 }

  func read(_ fields: [String: String]) throws -> Architecture {
    let text = "{" + fields.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    return try Architecture(
      configuration: JSONValue(parsing: text, file: "config.json"), file: "config.json", name: "x")
  }

  @Test("the bases are sound")
  func bases() throws {
    #expect(try read(Self.llama).parameters > 0)
    #expect(try read(Self.experts).parameters > 0)
  }

  @Test(
    "a Llama that contradicts itself, or is no configuration",
    arguments: [
      ("num_attention_heads", "5", "anatomy.contradiction"), ("num_key_value_heads", "3", "anatomy.contradiction"),
      ("layer_types", "[\"full_attention\"]", "anatomy.contradiction"),
      ("layer_types", "[\"full_attention\", \"sliding_attention\"]", "anatomy.contradiction"),
      ("layer_types", "[\"full_attention\", \"other\"]", "json.unexpected"),
      ("hidden_size", "0", "anatomy.dimension"), ("hidden_size", "-4", "anatomy.dimension"),
      ("hidden_size", "1e30", "json.unexpected"), ("hidden_size", "null", "json.missing"),
      ("hidden_size", "\"32\"", "json.unexpected"), ("num_hidden_layers", "65537", "anatomy.dimension"),
      ("model_type", "\"lama\"", "anatomy.unknownModelType"), ("model_type", "7", "json.unexpected"),
      ("vocab_size", "16777217", "anatomy.dimension"),
    ])
  func llama(key: String, value: String, name: String) throws {
    let fault = try #require(throws: Fault.self) { try read(Self.llama.merging([key: value]) { $1 }) }
    #expect(fault.name == name)
    #expect(fault.kind == .badData)
  }

  @Test(
    "experts that contradict themselves",
    arguments: [
      ("num_experts_per_tok", "9"), ("first_k_dense_replace", "3"), ("num_key_value_heads", "2"),
      ("qk_head_dim", "9"), ("n_group", "3"),
    ])
  func experts(key: String, value: String) throws {
    let fault = try #require(throws: Fault.self) { try read(Self.experts.merging([key: value]) { $1 }) }
    #expect(fault.name == "anatomy.contradiction")
    #expect(fault.place?.isEmpty == false && fault.expected != nil && fault.found != nil)
  }

  @Test("groups of experts")
  func groups() throws {
    let more = ["n_group": "4", "topk_group": "5"]
    #expect(throws: Fault.self) { try read(Self.experts.merging(more) { $1 }) }
    let few = ["n_group": "8", "topk_group": "1"]
    #expect(throws: Fault.self) { try read(Self.experts.merging(few) { $1 }) }
  }

  @Test("two names of one number must agree; a layer must be there")
  func mixture() throws {
    let fields = Self.llama.merging([
      "model_type": "\"qwen3_moe\"", "moe_intermediate_size": "8", "num_experts": "8", "num_experts_per_tok": "2",
    ]) { $1 }
    #expect(try read(fields).experts?.layers == [0, 1])
    #expect(throws: Fault.self) { try read(fields.merging(["num_local_experts": "4"]) { $1 }) }
    #expect(throws: Fault.self) { try read(fields.merging(["mlp_only_layers": "[2]"]) { $1 }) }
    #expect(try read(fields.merging(["mlp_only_layers": "[1]"]) { $1 }).experts?.layers == [0])
  }

  @Test("a model beyond counting is refused, not overflowed")
  func tooLarge() throws {
    let huge = Dictionary(
      uniqueKeysWithValues: ["vocab_size", "hidden_size", "intermediate_size"].map { ($0, "16777216") })
    let fields = Self.llama.merging(huge) { $1 }.merging(["num_hidden_layers": "65536"]) { $1 }
    let fault = try #require(throws: Fault.self) { try read(fields) }
    #expect(fault.name == "anatomy.tooLarge")
  }

  @Test("a length that no text has", arguments: [0, -1, Int.max])
  func sequence(length: Int) throws {
    let architecture = try read(Self.llama)
    #expect(throws: Fault.self) { try ModelAnatomy(architecture, sequence: length) }
  }

  @Test("names that mean nothing, and files that are no configuration")
  func names() throws {
    let unknown = try #require(throws: Fault.self) { try AnatomySubject.named("gpt2-smal") }
    #expect(unknown.kind == .noInput)
    let near = try #require(throws: Fault.self) { try AnatomySubject.named("gpt2-mediun") }
    #expect(near.advice?.contains("gpt2-medium") == true)
    let folder = try TemporaryFolder()
    let empty = try #require(throws: Fault.self) { try AnatomySubject.named(folder.url.path) }
    #expect(empty.name == "anatomy.noConfiguration")
    let weights = try folder.write("GGUF", "model.gguf")
    let wrong = try #require(throws: Fault.self) { try AnatomySubject.named(weights.path) }
    #expect(wrong.name == "anatomy.noConfiguration" && wrong.kind == .badData)
    let broken = try folder.write("{\"model_type\": ", "config.json")
    let invalid = try #require(throws: Fault.self) { try AnatomySubject.named(broken.path) }
    #expect(invalid.name == "json.invalid")
  }
}
