import Anatomy
import Architectures
import Diagnostics
import Foundation
import StrictJSON
import Testing

@Suite("Limits of counting")
struct LimitTests {
  func read(_ members: String) throws -> Architecture {
    try Architecture(configuration: JSONValue(parsing: "{\(members)}", file: "config.json"), file: "config.json")
  }

  @Test("a length that no text has", arguments: [0, -1, Int.max])
  func sequence(length: Int) throws {
    let architecture = try #require(Preset.named("gpt2")).architecture()
    let fault = try #require(throws: Fault.self) { try ModelAnatomy(architecture, sequence: length) }
    #expect(fault.name == "anatomy.sequence" && fault.kind == .usage)
  }

  @Test("the largest configuration that is read is counted without overflow; a longer text is refused")
  func largest() throws {
    // Many heads in many layers, one dimension each.
    let heads = try read(
      """
      "model_type": "llama", "vocab_size": 9, "hidden_size": 16, "intermediate_size": 1, "num_hidden_layers": 16384,
      "num_attention_heads": 16777216, "head_dim": 2, "max_position_embeddings": 100
      """)
    #expect(heads.parameters > 1 << 40)
    _ = try ModelAnatomy(heads)
    let fault = try #require(throws: Fault.self) { try ModelAnatomy(heads, sequence: 1 << 28) }
    #expect(fault.name == "anatomy.sequence")
    // A wide stream with almost nothing on its branches: the rule of thumb alone is large.
    let wide = """
      "model_type": "llama", "vocab_size": 9, "hidden_size": 16777216, "intermediate_size": 1,
      "num_attention_heads": 1, "head_dim": 2, "max_position_embeddings": 100
      """
    let counted = try ModelAnatomy(read(wide + ", \"num_hidden_layers\": 100"), sequence: 1 << 28)
    #expect(counted.ruleOfThumb == 12 * 100 << 48)
    #expect(!counted.architecture.derivation(sequence: counted.sequence).isEmpty)
    let refused = try #require(throws: Fault.self) { try read(wide + ", \"num_hidden_layers\": 16384") }
    #expect(refused.name == "architectures.tooLarge")
  }

  @Test("numbers far from usual are written, not trapped on")
  func extremes() throws {
    let architecture = try read(
      """
      "model_type": "gemma2", "vocab_size": 9, "hidden_size": 16, "intermediate_size": 1, "num_hidden_layers": 2,
      "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 2, "attn_logit_softcapping": 1e300,
      "final_logit_softcapping": 1e-300
      """)
    #expect(try ModelAnatomy(architecture).operations.contains { $0.shape.contains("1e+300") })
    let granite = try read(
      """
      "model_type": "granite", "vocab_size": 9, "hidden_size": 16, "intermediate_size": 1, "num_hidden_layers": 2,
      "num_attention_heads": 1, "embedding_multiplier": 1e300, "residual_multiplier": 1e-300, "logits_scaling": 1e300
      """)
    #expect(try ModelAnatomy(granite).operations.contains { $0.shape.contains("1e+300") })
  }

  @Test("every layer scaled by its own number: still quick")
  func kinds() throws {
    let architecture = try read(
      """
      "model_type": "gpt2", "vocab_size": 9, "n_positions": 8, "n_embd": 4, "n_layer": 16384, "n_head": 1,
      "scale_attn_by_inverse_layer_idx": true
      """)
    let duration = try ContinuousClock().measure { _ = try ModelAnatomy(architecture) }
    #expect(duration < .seconds(5))
    #expect(architecture.components.count < 20)
  }
}
