/// OpenAI's record of a neuron, with the names (in the file `snake_case`) and types of its `neuron_explainer` package.
public struct NeuronRecord: Codable, Sendable, Equatable {
  public struct NeuronID: Codable, Sendable, Equatable {
    public var dataclassName = "NeuronId"
    public var layerIndex: Int
    public var neuronIndex: Int
  }

  /// A stretch of text with the neuron's activation at each token.
  public struct ActivationRecord: Codable, Sendable, Equatable {
    public var dataclassName = "ActivationRecord"
    public var tokens: [String]
    public var activations: [Float]
  }

  public var dataclassName = "NeuronRecord"
  public var neuronId: NeuronID
  /// Stretches around tokens drawn at random, the same for every neuron.
  public var randomSample: [ActivationRecord]
  /// The same by the quantile that the highest activation of each lies in.
  public var randomSampleByQuantile: [[ActivationRecord]]
  /// The quantiles' boundaries.
  public var quantileBoundaries: [Float]
  public var mean: Double
  public var variance: Double
  public var skewness: Double
  /// The mean of z⁴, 3 for a normal distribution.
  public var kurtosis: Double
  /// Stretches around the strongest places, at most one a document, strongest first.
  public var mostPositiveActivationRecords: [ActivationRecord]
}
