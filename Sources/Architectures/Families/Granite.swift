/// Granite: Llama with multipliers of embeddings, scores, branches and logits.
enum Granite: Family {
  static let modelTypes = ["granite"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    var architecture = try Llama.architecture(config)
    let residual = try config.positive("residual_multiplier", default: 1)
    let scale = try config.positive("attention_multiplier", default: 1)
    architecture.changeBlocks { _, block in
      block.residualScale = residual == 1 ? nil : residual
      block.attention.scale = scale
    }
    architecture.embedding.scale = try config.positive("embedding_multiplier", default: 1)
    architecture.head.logitScale = 1 / (try config.positive("logits_scaling", default: 1))
    return architecture
  }

  static func tensors(_ architecture: Architecture) -> TensorNames { .decoder() }
}
