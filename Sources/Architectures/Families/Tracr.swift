/// Programs compiled into transformers (Lindner et al. 2023, arXiv 2301.05062), as `Scripts/references/tracr_programs.py`
/// converts them: no norms, learned positions, plain ReLU neurons, biases everywhere, an unembedding that reads the output's
/// directions off the stream.
enum Tracr: Family {
  static let modelTypes = ["tracr"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let context = try config.dimension("max_position_embeddings")
    let block = Block(
      norm1: .identity, norm2: .identity,
      attention: Attention(
        heads: try config.dimension("num_attention_heads"), headWidth: try config.dimension("head_dim"),
        isCausal: try config.bool("is_causal", default: true), queryKeyValueBias: true, outputBias: true),
      feedForward: .dense(
        MLP(
          neurons: try config.dimension("intermediate_size"),
          activation: try config.activation("hidden_act", default: "relu"), isGated: false, bias: true)))
    return Architecture(
      modelType: try config.modelType(), width: try config.dimension("hidden_size"),
      vocabularySize: try config.dimension("vocab_size"), context: context,
      embedding: .init(positions: .init(rows: context)),
      blocks: Array(repeating: block, count: try config.layers("num_hidden_layers")),
      head: .init(isTied: false, norm: nil))
  }

  static func tensors(_ architecture: Architecture) -> TensorNames {
    TensorNames(
      [
        .tokenEmbedding: "embed_tokens", .positionEmbedding: "embed_positions",
        .query: "layers.{i}.attn.query", .key: "layers.{i}.attn.key", .value: "layers.{i}.attn.value",
        .attentionOutput: "layers.{i}.attn.output",
        .mlpInput: "layers.{i}.mlp.input", .mlpOutput: "layers.{i}.mlp.output",
        .unembedding: "unembed",
      ])
  }
}
