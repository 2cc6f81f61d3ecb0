import StrictJSON

/// BERT and sentence encoders of its shape: learned positions and token types, attention both ways, LayerNorm after
/// attention and MLP; logits where the checkpoint has the masked-language head.
enum BERT: Family {
  static let modelTypes = ["bert"]

  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration {
    try config.require("is_decoder", is: false)
    try config.require("add_cross_attention", is: false)
    if let kind = try config.reader.optional("position_embedding_type"), try kind.string() != "absolute" {
      throw kind.unexpected("\"absolute\": other positions are not supported")
    }
    let width = try config.dimension("hidden_size")
    let layers = try config.dimension("num_hidden_layers")
    let heads = try config.dimension("num_attention_heads")
    let headWidth = try config.evenly("hidden_size", width, into: "num_attention_heads", heads)
    let hasHead = tensors.contains("cls.predictions.transform.dense.weight")
    return Configuration(
      modelType: try config.modelType(), layers: layers, width: width,
      vocabularySize: try config.dimension("vocab_size"),
      context: try config.dimension("max_position_embeddings", default: 512),
      embedding: .init(tokenTypes: try config.dimension("type_vocab_size", default: 2), normalized: true),
      positions: .learned,
      norm: .init(
        kind: .layer, place: .after, epsilon: try config.positive("layer_norm_eps", default: 1e-12), bias: true),
      attention: .init(
        heads: heads, keyValueHeads: heads, headWidth: headWidth, causal: false,
        scale: 1 / Double(headWidth).squareRoot(), windows: Array(repeating: nil, count: layers),
        queryKeyValueBias: true, outputBias: true),
      mlp: .init(
        width: try config.dimension("intermediate_size"),
        activation: try config.activation("hidden_act", default: "gelu"), gated: false, bias: true),
      head: .init(
        kind: hasHead ? .maskedToken : .none, tied: try config.bool("tie_word_embeddings", default: true),
        bias: hasHead))
  }

  static func map(_ configuration: Configuration) -> TensorMap {
    TensorMap(
      prefixes: ["bert."],
      tensors: [
        .tokenEmbedding: "embeddings.word_embeddings",
        .positionEmbedding: "embeddings.position_embeddings",
        .tokenTypeEmbedding: "embeddings.token_type_embeddings",
        .embeddingNorm: "embeddings.LayerNorm",
        .query: "encoder.layer.{i}.attention.self.query",
        .key: "encoder.layer.{i}.attention.self.key",
        .value: "encoder.layer.{i}.attention.self.value",
        .attentionOutput: "encoder.layer.{i}.attention.output.dense",
        .norm1: "encoder.layer.{i}.attention.output.LayerNorm",
        .mlpInput: "encoder.layer.{i}.intermediate.dense",
        .mlpOutput: "encoder.layer.{i}.output.dense",
        .norm2: "encoder.layer.{i}.output.LayerNorm",
        .headDense: "cls.predictions.transform.dense",
        .finalNorm: "cls.predictions.transform.LayerNorm",
        .unembedding: .init("cls.predictions.decoder", bias: "cls.predictions.bias"),
      ],
      // Position numbers; heads of other tasks that training used; copies of the embedding and of the head's bias.
      ignored: ["embeddings.position_ids", "pooler.dense.*", "cls.seq_relationship.*", "cls.predictions.decoder.bias"]
        + (configuration.head.tied ? ["cls.predictions.decoder.weight"] : []))
  }
}
