/// How many neurons and heads a model has.
public struct NeuronCounts: Sendable, Equatable, Codable {
  /// The dimensions of an embedding, which are those of the residual stream.
  public var embeddingDimensions: Int
  /// The MLP neurons of one layer without experts; 0 where every layer has experts.
  public var perDenseLayer: Int
  /// The MLP neurons of one layer with experts, those of all experts together; 0 where there are none.
  public var perExpertLayer: Int
  /// The neurons that a token passes through in a layer with experts.
  public var awakePerExpertLayer: Int
  /// The MLP neurons of all layers.
  public var total: Int
  /// The MLP neurons that one token passes through in all layers.
  public var awake: Int
  /// The query heads of one layer.
  public var headsPerLayer: Int
  /// The query heads of all layers.
  public var heads: Int
  /// The key and value heads of one layer.
  public var keyValueHeadsPerLayer: Int
}

extension Architecture {
  public var neurons: NeuronCounts {
    let all = experts.map { $0.count * $0.neurons + $0.sharedNeurons } ?? 0
    let awake = experts.map { $0.active * $0.neurons + $0.sharedNeurons } ?? 0
    let expertLayers = experts?.layers.count ?? 0
    let dense = denseLayers > 0 ? mlp.neurons : 0
    return NeuronCounts(
      embeddingDimensions: width, perDenseLayer: dense, perExpertLayer: all, awakePerExpertLayer: awake,
      total: dense * denseLayers + all * expertLayers, awake: dense * denseLayers + awake * expertLayers,
      headsPerLayer: attention.heads, heads: attention.heads * layers,
      keyValueHeadsPerLayer: attention.keyValueHeads)
  }
}
