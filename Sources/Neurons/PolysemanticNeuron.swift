import Activations

/// A neuron that fires for two unrelated kinds of documents.
public struct PolysemanticNeuron: Codable, Sendable, Equatable {
  /// One of the things that it fires for.
  public struct Meaning: Codable, Sendable, Equatable {
    /// The documents' label.
    public var label: String
    /// The chance that such a document's highest activation exceeds that of a document of neither meaning.
    public var separation: Double
    /// The share of such documents among those where the neuron is highest (as many as both meanings have documents,
    /// 100 at most).
    public var topShare: Double
    /// The mean activation of the examples.
    public var activation: Double
    /// The forms of the tokens where it fires, first the most frequent.
    public var tokens: [String]
    /// The share of the most frequent of them.
    public var lexicalShare: Double
    public var examples: [NeuronExample]
  }

  public var neuron: NeuronReference
  /// What the neurons are ordered by, 0 to 1; see `PolysemanticSearch`.
  public var score: Double
  /// Two, first the one with the higher activations.
  public var meanings: [Meaning]
  /// The correlation, over all neurons, of how the two labels' documents are answered: near 1, the model treats them
  /// alike; at or below 0, they are unrelated.
  public var relatedness: Double
  /// How much the tokens of the two meanings are the same, 0 to 1.
  public var tokenOverlap: Double
  /// The effective number of labels among its top documents, corrected for their frequency (e to the entropy).
  public var effectiveConcepts: Double
  /// The monosemanticity score over the documents (arXiv 2504.02821): the mean cosine of two documents weighted by the
  /// neuron's activations there; nil where the source holds no residual stream to embed them by.
  public var monosemanticity: Double?
}
