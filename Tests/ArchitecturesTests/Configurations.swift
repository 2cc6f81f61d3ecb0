import Architectures
import Diagnostics
import Foundation
import StrictJSON

/// A config.json as a table that tests change key by key; values are JSON.
typealias Fields = [String: String]

/// The architecture of a config.json with these members.
func read(_ fields: Fields) throws -> Architecture {
  let text = "{" + fields.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
  return try Architecture(configuration: JSONValue(parsing: text, file: "config.json"), file: "config.json", name: "x")
}

extension Fields {
  func with(_ changes: Fields) -> Fields { merging(changes) { $1 } }
  func without(_ keys: String...) -> Fields { filter { !keys.contains($0.key) } }

  /// What decoders since Llama must say, and nothing else.
  static func decoder(_ modelType: String) -> Fields {
    [
      "model_type": "\"\(modelType)\"", "vocab_size": "100", "hidden_size": "32", "intermediate_size": "64",
      "num_hidden_layers": "4", "num_attention_heads": "4",
    ]
  }
  static let llama = decoder("llama").with(["num_key_value_heads": "2"])
  static let deepSeek = decoder("deepseek_v3").with([
    "num_key_value_heads": "4", "moe_intermediate_size": "8", "n_routed_experts": "8", "num_experts_per_tok": "2",
    "first_k_dense_replace": "1", "kv_lora_rank": "8", "qk_rope_head_dim": "4", "qk_nope_head_dim": "4",
    "v_head_dim": "4", "n_group": "4", "topk_group": "2",
  ])
  static let gpt2: Fields = [
    "model_type": "\"gpt2\"", "vocab_size": "100", "n_positions": "16", "n_embd": "32", "n_layer": "2", "n_head": "4",
  ]
  static let gptNeo: Fields = [
    "model_type": "\"gpt_neo\"", "vocab_size": "100", "hidden_size": "32", "num_layers": "4", "num_heads": "4",
  ]
  static let bert = decoder("bert")
  static let mixtral = decoder("mixtral")

  /// The least that a config.json of this family can say.
  static func least(_ modelType: String) -> Fields { leastOfEach[modelType] ?? [:] }

  static let leastOfEach: [String: Fields] = {
    var all: [String: Fields] = [:]
    for type in [
      "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2", "gemma3_text",
      "olmo", "olmo2", "olmo3", "olmoe", "phi", "phi3", "stablelm", "starcoder2", "glm4", "cohere", "cohere2",
      "granite", "smollm3", "gpt_oss", "bert", "roberta", "xlm-roberta", "gpt_neox", "bloom", "falcon",
    ] { all[type] = decoder(type) }
    for type in ["deepseek_v2", "deepseek_v3"] { all[type] = decoder(type).with(["n_routed_experts": "64"]) }
    for type in ["gemma3", "mistral3", "llava"] {
      let text = type == "gemma3" ? "gemma3_text" : type == "mistral3" ? "mistral" : "llama"
      let members = decoder(text).map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")
      all[type] = ["model_type": "\"\(type)\"", "text_config": "{\(members)}"]
    }
    all["gpt2"] = gpt2
    all["gpt_neo"] = gptNeo
    all["gptj"] = [
      "model_type": "\"gptj\"", "vocab_size": "100", "n_embd": "32", "n_layer": "2", "n_head": "4",
    ]
    all["opt"] = decoder("opt").without("intermediate_size").with(["ffn_dim": "64"])
    all["bloom"] = decoder("bloom").without("num_attention_heads").with(["n_head": "4"])
    all["glm4"] = decoder("glm4").with(["num_key_value_heads": "2"])
    all["tracr"] = decoder("tracr").with(["max_position_embeddings": "16", "head_dim": "8"])
    all["distilbert"] = ["model_type": "\"distilbert\"", "vocab_size": "100", "n_layers": "2"]
    return all
  }()
}
