import Activations

/// One of the things that a neuron fires for, in words.
public struct NeuronMeaning: Codable, Sendable, Equatable {
  /// The documents' labels, several where related ones are one meaning; none where the meaning is a region of contexts.
  public var labels: [String]
  /// The chance that such a document's highest activation exceeds that of a document of none of the neuron's meanings, of
  /// several labels the smallest; nil where top examples are all that is known.
  public var separation: Double?
  /// The share of the neuron's top examples that belong to it.
  public var topShare: Double
  /// The mean activation of the examples.
  public var activation: Double
  /// The forms of the tokens where it fires, first the most frequent.
  public var tokens: [String]
  /// The share of the most frequent of them.
  public var lexicalShare: Double
  /// Forms that stand before or at those tokens much oftener than elsewhere, first the most telling.
  public var context: [String]
  public var examples: [NeuronExample]

  /// The meaning in a few words: the labels, or the characteristic tokens.
  public var words: String {
    if !labels.isEmpty { return labels.joined(separator: ", ") }
    return (context.isEmpty ? tokens : context).prefix(4).joined(separator: " ")
  }
}

/// A neuron with its place in a ranking.
public struct RankedNeuron: Encodable, Sendable, Equatable {
  public var neuron: NeuronReference
  /// The place by the measure asked for, from 1.
  public var rank: Int
  /// The place with the share of one single token taken out (`docs/neurons.md`); nil where no tokens are known.
  public var rankWithoutLexical: Int?
  public var measures: NeuronMeasures
  /// The share of its layer's random directions of the residual stream that reach its value of the measure, and that of
  /// rotated axes of its layer's neurons; nil where none were measured.
  public var directionsReaching: Double?
  public var rotationsReaching: Double?
  /// Whether at most 1 % of both do, the neuron itself counted.
  public var isAboveNull: Bool?
  /// One to three of the things that it fires for, first the one with the highest activations.
  public var meanings: [NeuronMeaning]
  /// The AUROC of each concept against the rest; empty without labels.
  public var aurocs: [String: Double]
}
