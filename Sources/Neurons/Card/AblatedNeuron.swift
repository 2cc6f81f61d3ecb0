import Activations
import Probes

/// What is put in the place of what is taken out of a model.
public enum AblationReplacement: String, Codable, Sendable, CaseIterable {
  /// Its mean over the documents looked at.
  case mean
  case zero
  /// What it is at a token of another document, drawn anew for each token.
  case resample
}

/// What a model predicts worse without one neuron, by kind of document.
public struct AblatedNeuron: Codable, Sendable, Equatable {
  /// The change of the loss in the documents of one label.
  public struct DomainEffect: Codable, Sendable, Equatable {
    public var domain: String
    public var documents: Int
    /// Tokens that were predicted.
    public var predictions: Int
    /// Nats a token, of the model as it is.
    public var loss: Double
    /// Nats a token that the loss grows by without the neuron.
    public var change: Double
    /// The standard error of `change` over documents.
    public var standardError: Double
    /// The chance of so large a growth where there is none; see `PairedChange`.
    public var chance: Double {
      PairedChange.chance(of: change, standardError: standardError, documents: documents)
    }

    public init(domain: String, _ change: PairedChange) {
      self.domain = domain
      documents = change.documents
      predictions = change.predictions
      loss = change.before
      self.change = change.change
      standardError = change.standardError
    }
  }

  /// A token whose loss grows much.
  public struct WorseToken: Codable, Sendable, Equatable {
    public var domain: String
    /// Nats that this token's loss grows by.
    public var change: Float
    /// The predicted token marked, in its context.
    public var example: NeuronExample

    public init(domain: String, change: Float, example: NeuronExample) {
      self.domain = domain
      self.change = change
      self.example = example
    }
  }

  public var neuron: NeuronReference
  public var replacement: AblationReplacement
  /// What the activation was replaced by; nil where it was another at every token.
  public var value: Float?
  /// First the domain that suffers most.
  public var domains: [DomainEffect]
  /// All documents together.
  public var all: DomainEffect
  /// The tokens whose loss grows most, at most one a document, first the worst.
  public var worst: [WorseToken]

  public init(
    neuron: NeuronReference, replacement: AblationReplacement, value: Float?, domains: [DomainEffect],
    all: DomainEffect, worst: [WorseToken]
  ) {
    self.neuron = neuron
    self.replacement = replacement
    self.value = value
    self.domains = domains
    self.all = all
    self.worst = worst
  }
}
