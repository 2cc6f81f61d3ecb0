/// Presets of models whose training is open, and of further families.
extension Preset {
  /// A preset of a family whose keys are its own; `facts` are the members of its config.json.
  private static func own(_ name: String, _ title: String, _ type: String, _ facts: String, source: String) -> Preset {
    Preset(name: name, title: title, configuration: "{\"model_type\": \"\(type)\", \(facts)}", source: source)
  }

  static let pythia: [Preset] = [
    ("70m", 512, 6, 8, 50_304), ("160m", 768, 12, 12, 50_304), ("410m", 1024, 24, 16, 50_304),
    ("1b", 2048, 16, 8, 50_304), ("1.4b", 2048, 24, 16, 50_304), ("2.8b", 2560, 32, 32, 50_304),
    ("6.9b", 4096, 32, 32, 50_432), ("12b", 5120, 36, 40, 50_688),
  ].map { size, width, layers, heads, vocabulary in
    own(
      "pythia-\(size)", "Pythia \(size.uppercased())", "gpt_neox",
      """
      "vocab_size": \(vocabulary), "hidden_size": \(width), "intermediate_size": \(4 * width),
      "num_hidden_layers": \(layers), "num_attention_heads": \(heads), "max_position_embeddings": 2048,
      "rotary_pct": 0.25
      """, source: "arXiv 2304.01373, and config.json")
  }

  static let olmo: [Preset] = [
    rotary(
      "olmo-1b", "OLMo 1B", "olmo", vocabulary: 50_304, width: 2048, neurons: 8192, layers: 16, heads: 16,
      keyValueHeads: 16, context: 2048, more: "\"tie_word_embeddings\": true",
      source: "arXiv 2402.00838, and config.json"),
    rotary(
      "olmo-7b", "OLMo 7B", "olmo", vocabulary: 50_304, width: 4096, neurons: 11008, layers: 32, heads: 32,
      keyValueHeads: 32, context: 2048, source: "arXiv 2402.00838, and config.json"),
    rotary(
      "olmo-2-7b", "OLMo 2 7B", "olmo2", vocabulary: 100_352, width: 4096, neurons: 11008, layers: 32, heads: 32,
      keyValueHeads: 32, context: 4096, source: "arXiv 2501.00656, and config.json"),
    rotary(
      "olmo-3-7b", "OLMo 3 7B", "olmo3", vocabulary: 100_278, width: 4096, neurons: 11008, layers: 32, heads: 32,
      keyValueHeads: 32, context: 65_536, more: "\"sliding_window\": 4096",
      source: "config.json of allenai/Olmo-3-1025-7B"),
    rotary(
      "olmoe-1b-7b", "OLMoE 1B-7B", "olmoe", vocabulary: 50_304, width: 2048, neurons: 1024, layers: 16, heads: 16,
      keyValueHeads: 16, context: 4096, more: "\"num_experts\": 64, \"num_experts_per_tok\": 8",
      source: "arXiv 2409.02060, and config.json"),
  ]

  static let gptOSS: [Preset] = [("20b", 24, 32), ("120b", 36, 128)].map { size, layers, experts in
    rotary(
      "gpt-oss-\(size)", "gpt-oss \(size)", "gpt_oss", vocabulary: 201_088, width: 2880, neurons: 2880, layers: layers,
      heads: 64, keyValueHeads: 8, context: 131_072,
      more: """
        "head_dim": 64, "num_local_experts": \(experts), "num_experts_per_tok": 4, "sliding_window": 128
        """, source: "arXiv 2508.10925, and config.json")
  }

  static let openDecoders: [Preset] =
    [
      own(
        "gpt-neo-125m", "GPT-Neo 125M", "gpt_neo",
        """
        "vocab_size": 50257, "hidden_size": 768, "num_layers": 12, "num_heads": 12, "max_position_embeddings": 2048,
        "window_size": 256, "attention_types": [[["global", "local"], 6]]
        """, source: "config.json of EleutherAI/gpt-neo-125m"),
      own(
        "gpt-j-6b", "GPT-J 6B", "gptj",
        """
        "vocab_size": 50400, "n_embd": 4096, "n_layer": 28, "n_head": 16, "n_positions": 2048, "rotary_dim": 64
        """, source: "config.json of EleutherAI/gpt-j-6b"),
    ]
    + [
      ("125m", 768, 12, 12, ""),
      ("350m", 1024, 24, 16, ", \"word_embed_proj_dim\": 512, \"do_layer_norm_before\": false"),
      ("6.7b", 4096, 32, 32, ""),
    ].map { size, width, layers, heads, more in
      own(
        "opt-\(size)", "OPT \(size.uppercased())", "opt",
        """
        "vocab_size": 50272, "hidden_size": \(width), "ffn_dim": \(4 * width), "num_hidden_layers": \(layers),
        "num_attention_heads": \(heads), "max_position_embeddings": 2048\(more)
        """, source: "arXiv 2205.01068, and config.json")
    }
    + [
      own(
        "bloom-560m", "BLOOM 560M", "bloom",
        "\"vocab_size\": 250880, \"hidden_size\": 1024, \"n_layer\": 24, \"n_head\": 16",
        source: "arXiv 2211.05100, and config.json"),
      own(
        "falcon-7b", "Falcon 7B", "falcon",
        "\"vocab_size\": 65024, \"hidden_size\": 4544, \"num_hidden_layers\": 32, \"num_attention_heads\": 71",
        source: "arXiv 2311.16867, and config.json"),
      own(
        "falcon-40b", "Falcon 40B", "falcon",
        """
        "vocab_size": 65024, "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128,
        "num_kv_heads": 8, "new_decoder_architecture": true
        """, source: "arXiv 2311.16867, and config.json"),
      own(
        "falcon-rw-1b", "Falcon RefinedWeb 1B", "falcon",
        """
        "vocab_size": 50304, "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "alibi": true,
        "bias": true, "multi_query": false, "parallel_attn": false
        """, source: "arXiv 2306.01116, and config.json"),
    ]
    + [
      ("phi-1.5", "Phi 1.5", 2048, 8192, 24, 0.5, "arXiv 2309.05463, and config.json"),
      ("phi-2", "Phi 2", 2560, 10240, 32, 0.4, "config.json of microsoft/phi-2"),
    ].map { name, title, width, neurons, layers, rotated, source in
      rotary(
        name, title, "phi", vocabulary: 51_200, width: width, neurons: neurons, layers: layers, heads: 32,
        keyValueHeads: 32, context: 2048, more: "\"partial_rotary_factor\": \(rotated)", source: source)
    }
    + [
      rotary(
        "phi-3-mini-4k", "Phi 3 mini", "phi3", vocabulary: 32_064, width: 3072, neurons: 8192, layers: 32, heads: 32,
        keyValueHeads: 32, context: 4096, more: "\"sliding_window\": 2047", source: "arXiv 2404.14219, and config.json"),
      rotary(
        "stablelm-3b-4e1t", "StableLM 3B 4E1T", "stablelm", vocabulary: 50_304, width: 2560, neurons: 6912, layers: 32,
        heads: 32, keyValueHeads: 32, context: 4096, more: "\"partial_rotary_factor\": 0.25",
        source: "config.json of stabilityai/stablelm-3b-4e1t"),
      rotary(
        "stablelm-2-12b", "StableLM 2 12B", "stablelm", vocabulary: 100_352, width: 5120, neurons: 13824, layers: 40,
        heads: 32, keyValueHeads: 8, context: 4096,
        more: "\"partial_rotary_factor\": 0.25, \"qk_layernorm\": true, \"use_parallel_residual\": true",
        source: "config.json of stabilityai/stablelm-2-12b"),
      rotary(
        "glm-4-9b-0414", "GLM-4 9B (0414)", "glm4", vocabulary: 151_552, width: 4096, neurons: 13696, layers: 40,
        heads: 32, keyValueHeads: 2, context: 32_768, more: "\"head_dim\": 128, \"attention_bias\": true",
        source: "config.json of zai-org/GLM-4-9B-0414"),
      rotary(
        "command-r", "Command R 35B", "cohere", vocabulary: 256_000, width: 8192, neurons: 22528, layers: 40, heads: 64,
        keyValueHeads: 64, context: 131_072, more: "\"logit_scale\": 0.0625",
        source: "config.json of CohereForAI/c4ai-command-r-v01"),
      rotary(
        "command-r7b", "Command R7B", "cohere2", vocabulary: 256_000, width: 4096, neurons: 14336, layers: 32,
        heads: 32, keyValueHeads: 8, context: 132_096, more: "\"logit_scale\": 0.25, \"sliding_window\": 4096",
        source: "config.json of CohereForAI/c4ai-command-r7b-12-2024"),
      rotary(
        "granite-3.0-2b", "Granite 3.0 2B", "granite", vocabulary: 49_155, width: 2048, neurons: 8192, layers: 40,
        heads: 32, keyValueHeads: 8, context: 4096,
        more: """
          "tie_word_embeddings": true, "embedding_multiplier": 12, "attention_multiplier": 0.015625,
          "residual_multiplier": 0.22, "logits_scaling": 8
          """, source: "config.json of ibm-granite/granite-3.0-2b-base"),
      rotary(
        "smollm3-3b", "SmolLM 3 3B", "smollm3", vocabulary: 128_256, width: 2048, neurons: 11008, layers: 36, heads: 16,
        keyValueHeads: 4, context: 65_536, source: "config.json of HuggingFaceTB/SmolLM3-3B"),
      rotary(
        "starcoder2-3b", "StarCoder 2 3B", "starcoder2", vocabulary: 49_152, width: 3072, neurons: 12288, layers: 30,
        heads: 24, keyValueHeads: 2, context: 16_384, more: "\"sliding_window\": 4096",
        source: "arXiv 2402.19173, and config.json"),
    ]

  static let encoders: [Preset] = [
    masked("roberta-base", "RoBERTa base", "roberta", vocabulary: 50_265, source: "arXiv 1907.11692, and config.json"),
    masked(
      "xlm-roberta-base", "XLM-R base", "xlm-roberta", vocabulary: 250_002, source: "arXiv 1911.02116, and config.json"),
    own(
      "distilbert-base", "DistilBERT base", "distilbert",
      """
      "architectures": ["DistilBertForMaskedLM"], "vocab_size": 30522, "dim": 768, "hidden_dim": 3072, "n_layers": 6,
      "n_heads": 12, "max_position_embeddings": 512
      """, source: "arXiv 1910.01108, and config.json"),
  ]

  private static func masked(_ name: String, _ title: String, _ type: String, vocabulary: Int, source: String) -> Preset
  {
    own(
      name, title, type,
      """
      "vocab_size": \(vocabulary), "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
      "num_attention_heads": 12, "max_position_embeddings": 514, "type_vocab_size": 1
      """, source: source)
  }
}
