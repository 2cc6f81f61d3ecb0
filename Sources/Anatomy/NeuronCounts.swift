import Architectures

/// How many neurons and heads a model has.
public struct NeuronCounts: Sendable, Equatable, Codable {
  /// The dimensions of an embedding, which are those of the residual stream.
  public var embeddingDimensions: Int
  /// The MLP neurons of the first layer without experts; 0 where every layer has experts.
  public var perDenseLayer: Int
  /// The MLP neurons of the first layer with experts, those of all experts together; 0 where there are none.
  public var perExpertLayer: Int
  /// The neurons that a token passes through in the first layer with experts.
  public var awakePerExpertLayer: Int
  /// The MLP neurons of all layers.
  public var total: Int
  /// The MLP neurons that one token passes through in all layers.
  public var awake: Int
  /// The query heads of the first layer.
  public var headsPerLayer: Int
  /// The query heads of all layers.
  public var heads: Int
  /// The key and value heads of the first layer.
  public var keyValueHeadsPerLayer: Int
}

extension Architecture {
  public var neurons: NeuronCounts {
    let kinds = blockKinds
    let experts = kinds.lazy.compactMap(\.block.experts).first
    let attention = blocks.first?.attention
    return NeuronCounts(
      embeddingDimensions: width, perDenseLayer: kinds.lazy.compactMap(\.block.mlp).first?.neurons ?? 0,
      perExpertLayer: experts?.allNeurons ?? 0, awakePerExpertLayer: experts?.awakeNeurons ?? 0,
      total: kinds.reduce(0) { $0 + $1.count * $1.block.neurons },
      awake: kinds.reduce(0) { $0 + $1.count * $1.block.awakeNeurons },
      headsPerLayer: attention?.heads ?? 0, heads: kinds.reduce(0) { $0 + $1.count * $1.block.attention.heads },
      keyValueHeadsPerLayer: attention?.keyValueHeads ?? 0)
  }
}

extension Block {
  /// The neurons of this layer, those of all experts together.
  var neurons: Int { mlp?.neurons ?? experts?.allNeurons ?? 0 }
  /// The neurons that a token passes through.
  var awakeNeurons: Int { mlp?.neurons ?? experts?.awakeNeurons ?? 0 }
}
