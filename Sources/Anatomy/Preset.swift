import Architectures
import Diagnostics
import StrictJSON

/// A published model by name, so that its anatomy needs no download.
public struct Preset: Sendable {
  /// What users type, such as `llama-3-8b`.
  public let name: String
  /// What people call it.
  public let title: String
  /// The facts of its config.json that its numbers follow from.
  let configuration: String
  /// Where the facts were published.
  public let source: String

  /// The architecture of this preset.
  public func architecture() throws -> Architecture {
    let value = try JSONValue(parsing: Array(configuration.utf8), file: "preset \(name)")
    return try Architecture(configuration: value, file: "preset \(name)", name: title)
  }

  /// The preset of a name, whatever its case; dots, dashes and underscores between its parts are the same.
  public static func named(_ name: String) -> Preset? {
    let wanted = normalized(name)
    return all.first { normalized($0.name) == wanted } ?? aliases.first { $0.0 == wanted }.flatMap { named($0.1) }
  }

  private static func normalized(_ name: String) -> String {
    String(name.lowercased().filter { $0.isLetter || $0.isNumber })
  }

  /// Other names that people use, normalized.
  private static let aliases = [
    ("gpt2small", "gpt2"), ("mixtral", "mixtral-8x7b"), ("mistral", "mistral-7b"), ("deepseekr1", "deepseek-v3"),
    ("llama318b", "llama-3-8b"), ("llama3170b", "llama-3-70b"), ("llama31405b", "llama-3-405b"),
  ]

  /// Every preset, by family and size.
  public static let all: [Preset] =
    gpt2 + llama + mistral + qwen + gemma + deepSeek + pythia + olmo + gptOSS + openDecoders + encoders

  private static let gpt2: [Preset] = [
    ("gpt2", "GPT-2 small", 768, 12, 12), ("gpt2-medium", "GPT-2 medium", 1024, 24, 16),
    ("gpt2-large", "GPT-2 large", 1280, 36, 20), ("gpt2-xl", "GPT-2 XL", 1600, 48, 25),
  ].map { name, title, width, layers, heads in
    Preset(
      name: name, title: title,
      configuration: """
        {"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_embd": \(width), "n_layer": \(layers),
        "n_head": \(heads)}
        """, source: "Radford et al. 2019, table 2")
  }

  /// A model of Llama's shape; `more` holds further members of its config.json.
  static func rotary(
    _ name: String, _ title: String, _ type: String, vocabulary: Int, width: Int, neurons: Int, layers: Int,
    heads: Int, keyValueHeads: Int, context: Int, more: String = "", source: String
  ) -> Preset {
    Preset(
      name: name, title: title,
      configuration: """
        {"model_type": "\(type)", "vocab_size": \(vocabulary), "hidden_size": \(width),
        "intermediate_size": \(neurons), "num_hidden_layers": \(layers), "num_attention_heads": \(heads),
        "num_key_value_heads": \(keyValueHeads), "max_position_embeddings": \(context)\(more.isEmpty ? "" : ", ")\(more)}
        """, source: source)
  }

  private static let llama: [Preset] =
    [
      ("llama-2-7b", "Llama 2 7B", 4096, 11008, 32, 32, 32), ("llama-2-13b", "Llama 2 13B", 5120, 13824, 40, 40, 40),
      ("llama-2-70b", "Llama 2 70B", 8192, 28672, 80, 64, 8),
    ].map { name, title, width, neurons, layers, heads, keyValueHeads in
      rotary(
        name, title, "llama", vocabulary: 32_000, width: width, neurons: neurons, layers: layers, heads: heads,
        keyValueHeads: keyValueHeads, context: 4096, source: "arXiv 2307.09288")
    }
    + [
      ("llama-3-8b", "Llama 3 8B", 4096, 14336, 32, 32, 8192),
      ("llama-3-70b", "Llama 3 70B", 8192, 28672, 80, 64, 8192),
      ("llama-3-405b", "Llama 3.1 405B", 16384, 53248, 126, 128, 131_072),
    ].map { name, title, width, neurons, layers, heads, context in
      rotary(
        name, title, "llama", vocabulary: 128_256, width: width, neurons: neurons, layers: layers, heads: heads,
        keyValueHeads: 8, context: context, source: "arXiv 2407.21783, table 3")
    }

  private static let mistral = [
    rotary(
      "mistral-7b", "Mistral 7B", "mistral", vocabulary: 32_000, width: 4096, neurons: 14336, layers: 32, heads: 32,
      keyValueHeads: 8, context: 32_768, more: "\"sliding_window\": 4096", source: "arXiv 2310.06825, table 1"),
    rotary(
      "mixtral-8x7b", "Mixtral 8×7B", "mixtral", vocabulary: 32_000, width: 4096, neurons: 14336, layers: 32,
      heads: 32, keyValueHeads: 8, context: 32_768, more: "\"num_local_experts\": 8, \"num_experts_per_tok\": 2",
      source: "arXiv 2401.04088, table 1"),
    Preset(
      name: "mistral-small-3.1-24b", title: "Mistral Small 3.1 24B",
      configuration: """
        {"model_type": "mistral3", "tie_word_embeddings": false, "text_config": {"model_type": "mistral",
        "vocab_size": 131072, "hidden_size": 5120, "intermediate_size": 32768, "num_hidden_layers": 40,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 131072,
        "sliding_window": null}}
        """, source: "config.json of mistralai/Mistral-Small-3.1-24B-Base-2503"),
  ]

  private static let qwen: [Preset] =
    [
      ("0.5b", 896, 4864, 24, 14, 2, 151_936, 32_768, true), ("1.5b", 1536, 8960, 28, 12, 2, 151_936, 131_072, true),
      ("3b", 2048, 11008, 36, 16, 2, 151_936, 32_768, true), ("7b", 3584, 18944, 28, 28, 4, 152_064, 131_072, false),
      ("14b", 5120, 13824, 48, 40, 8, 152_064, 131_072, false),
      ("32b", 5120, 27648, 64, 40, 8, 152_064, 131_072, false),
      ("72b", 8192, 29568, 80, 64, 8, 152_064, 131_072, false),
    ].map { size, width, neurons, layers, heads, keyValueHeads, vocabulary, context, tied in
      rotary(
        "qwen2.5-\(size)", "Qwen 2.5 \(size.uppercased())", "qwen2", vocabulary: vocabulary, width: width,
        neurons: neurons, layers: layers, heads: heads, keyValueHeads: keyValueHeads, context: context,
        more: "\"tie_word_embeddings\": \(tied)", source: "arXiv 2412.15115, table 1")
    }
    + [
      ("0.6b", 1024, 3072, 28, 16, 8, true), ("1.7b", 2048, 6144, 28, 16, 8, true),
      ("4b", 2560, 9728, 36, 32, 8, true), ("8b", 4096, 12288, 36, 32, 8, false),
      ("14b", 5120, 17408, 40, 40, 8, false), ("32b", 5120, 25600, 64, 64, 8, false),
    ].map { size, width, neurons, layers, heads, keyValueHeads, tied in
      rotary(
        "qwen3-\(size)", "Qwen 3 \(size.uppercased())", "qwen3", vocabulary: 151_936, width: width, neurons: neurons,
        layers: layers, heads: heads, keyValueHeads: keyValueHeads, context: 40_960,
        more: "\"head_dim\": 128, \"tie_word_embeddings\": \(tied)", source: "arXiv 2505.09388, table 1")
    }
    + [
      rotary(
        "qwen1.5-moe-a2.7b", "Qwen 1.5 MoE A2.7B", "qwen2_moe", vocabulary: 151_936, width: 2048, neurons: 5632,
        layers: 24, heads: 16, keyValueHeads: 16, context: 8192,
        more: """
          "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "num_experts": 60,
          "num_experts_per_tok": 4
          """, source: "config.json of Qwen/Qwen1.5-MoE-A2.7B")
    ]
    + [
      ("30b-a3b", "30B-A3B", 2048, 6144, 768, 48, 32), ("235b-a22b", "235B-A22B", 4096, 12288, 1536, 94, 64),
    ].map { size, title, width, neurons, expertNeurons, layers, heads in
      rotary(
        "qwen3-\(size)", "Qwen 3 \(title)", "qwen3_moe", vocabulary: 151_936, width: width, neurons: neurons,
        layers: layers, heads: heads, keyValueHeads: 4, context: 40_960,
        more: """
          "head_dim": 128, "moe_intermediate_size": \(expertNeurons), "num_experts": 128, "num_experts_per_tok": 8
          """, source: "arXiv 2505.09388, table 2")
    }
}
