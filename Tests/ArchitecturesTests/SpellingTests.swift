import Architectures
import Foundation
import StrictJSON
import Testing

/// Where spellings of config.json meet, what holds is what transformers makes of them.
@Suite struct SpellingTests {
  private static let usual = """
    "vocab_size": 24, "hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 64
    """

  private func read(_ type: String, _ more: String, usual: String = SpellingTests.usual) throws -> Architecture {
    let text = "{\"model_type\": \"\(type)\", \(usual)\(more.isEmpty ? "" : ", ")\(more)}"
    return try Architecture(
      configuration: JSONValue(parsing: Array(text.utf8), file: "config.json"), file: "config.json")
  }

  @Test func dynamicScalingGrowsBeyondTheModelsOwnContext() throws {
    let scaling = try read(
      "llama",
      """
      "rope_scaling": {"rope_type": "dynamic", "factor": 4, "original_max_position_embeddings": 16}
      """
    ).blocks[0].attention.rotary?.scaling
    #expect(scaling == .dynamic(factor: 4, context: 64))
  }

  @Test func ropeScalingHoldsBesideRopeParameters() throws {
    let rotary = try read(
      "llama",
      """
      "rope_parameters": {"rope_type": "default", "rope_theta": 500}, "rope_scaling": {"type": "linear", "factor": 2}
      """
    ).blocks[0].attention.rotary
    #expect(rotary?.scaling == .linear(factor: 2))
    #expect(rotary?.base == 500)
  }

  @Test(arguments: ["su", "yarn", "longrope"]) func phi3KnowsOneScalingByThreeNames(_ name: String) throws {
    let factors = "[1, 1.1, 1.2, 1.3]"
    let scaling = try read(
      "phi3",
      """
      "original_max_position_embeddings": 16,
      "rope_scaling": {"type": "\(name)", "short_factor": \(factors), "long_factor": \(factors)}
      """
    ).blocks[0].attention.rotary?.scaling
    guard case .longRoPE(_, _, let original, _) = scaling else {
      return #expect(Bool(false), "\(String(describing: scaling))")
    }
    #expect(original == 16)
  }

  @Test func theSlopeOfClampedGates() throws {
    let experts = "\"num_local_experts\": 4, \"num_experts_per_tok\": 2, \"head_dim\": 8, \"num_key_value_heads\": 2"
    let usual = try read("gpt_oss", experts).blocks[0].experts?.expert
    #expect(usual?.slope == nil && usual?.limit == 7)
    #expect(try read("gpt_oss", experts + ", \"swiglu_alpha\": 1").blocks[0].experts?.expert.slope == 1)
  }

  @Test func gemmaSaysGELUAndMeansItsApproximation() throws {
    func activation(_ type: String, _ more: String) throws -> Activation? {
      try read(type, "\"num_key_value_heads\": 4, \"head_dim\": 8, " + more).blocks[0].mlp?.activation
    }
    #expect(try activation("gemma", "\"hidden_act\": \"gelu\"") == .geluTanh)
    #expect(try activation("gemma", "\"hidden_act\": \"gelu_python\"") == .gelu)
    #expect(try activation("gemma", "\"hidden_act\": \"silu\", \"hidden_activation\": \"gelu\"") == .silu)
    #expect(try activation("gemma2", "\"hidden_act\": \"silu\"") == .geluTanh)
  }

  @Test func slidingWindowsOfSmolLM3AndQwen3MoE() throws {
    let types = "\"sliding_window\": 4, \"layer_types\": [\"sliding_attention\", \"full_attention\"]"
    let smol = try read("smollm3", "\"use_sliding_window\": false, " + types)
    #expect(smol.blocks.map(\.attention.window) == [4, nil])
    let qwen = try read(
      "qwen3_moe", "\"num_experts\": 4, \"num_experts_per_tok\": 2, \"use_sliding_window\": true, " + types)
    #expect(qwen.blocks.map(\.attention.window) == [4, 4])
    #expect(try read("qwen3_moe", "\"num_experts\": 0").blocks.allSatisfy { $0.mlp != nil })
  }

  /// Nested files of older transformers leave out what equals the class's defaults.
  @Test func wrappersFillInTheTextClass() throws {
    let llava = try read("llava", "\"text_config\": {\"model_type\": \"llama\"}", usual: "\"image_token_index\": 32000")
    #expect(llava.width == 4096 && llava.layers == 32 && llava.vocabularySize == 32_000)
    let gemma = try read(
      "gemma3",
      "\"text_config\": {\"model_type\": \"gemma3_text\", \"final_logit_softcapping\": 30, \(Self.usual)}",
      usual: "\"image_token_index\": 1")
    #expect(gemma.head.isTied && gemma.head.logitCap == nil && gemma.isTextPart)
  }
}
