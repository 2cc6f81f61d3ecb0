import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// What a model predicts worse without one neuron, by kind of document.
public struct NeuronAblation: Sendable {
  /// What the neuron's activation is replaced by, at every token.
  public enum Replacement: String, Codable, Sendable, CaseIterable {
    /// Its mean over the documents looked at.
    case mean
    case zero
  }

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
    /// The chance of so large a growth, or a larger one, where there is none: Student's t of documents − 1 degrees of
    /// freedom, one-sided; 1 where there is no standard error.
    public var chance: Double {
      guard standardError > 0, documents > 1 else { return 1 }
      return StudentT.chance(above: change / standardError, degrees: Double(documents - 1))
    }
  }

  /// A token whose loss grows much.
  public struct WorseToken: Codable, Sendable, Equatable {
    public var domain: String
    /// Nats that this token's loss grows by.
    public var change: Float
    /// The predicted token marked, in its context.
    public var example: NeuronExample
  }

  public struct Effect: Codable, Sendable, Equatable {
    public var neuron: NeuronReference
    public var replacement: Replacement
    /// What the activation was replaced by.
    public var value: Float
    /// First the domain that suffers most.
    public var domains: [DomainEffect]
    /// All documents together.
    public var all: DomainEffect
    /// The tokens whose loss grows most, at most one a document, first the worst.
    public var worst: [WorseToken]
  }

  public var replacement: Replacement
  /// The column of document labels that names the domains.
  public var column: String
  /// A seeded choice of so many documents of each domain.
  public var documentsPerDomain: Int
  public var seed: UInt64

  public init(
    replacement: Replacement = .mean, column: String = DocumentTable.defaultLabels, documentsPerDomain: Int = 16,
    seed: UInt64 = 0
  ) {
    precondition(documentsPerDomain > 0, "\(documentsPerDomain) documents of a domain")
    self.replacement = replacement
    self.column = column
    self.documentsPerDomain = documentsPerDomain
    self.seed = seed
  }

  /// Runs the model over a source's own tokens, as it is and without each neuron.
  ///
  /// - Parameters:
  ///   - source: whose token table and labels are used; its activations are not.
  ///   - worst: how many tokens are listed whose loss grows most.
  /// - Throws: `neurons.noLabels`, `neurons.noSuchNeuron`, `neurons.noTokens`, `transformer.noNextToken`.
  /// - Complexity: a forward pass with logits for each neuron, and one more.
  public func run(
    _ neurons: [NeuronReference], model: Model, source: some ActivationSource, worst: Int = 6,
    piece: (@Sendable (Int32) -> String)? = nil, progress: ((Int, Int) -> Void)? = nil
  ) throws -> [Effect] {
    let sites = try neurons.map { try Self.site(of: $0, in: model) }
    let sample = try DomainSample(source, column: column, most: documentsPerDomain, seed: seed)
    // The model as it is, and the neurons' means on the way.
    var sums = [Double](repeating: 0, count: neurons.count)
    var counted = [Int](repeating: 0, count: neurons.count)
    var before: [[Double?]] = []
    for (batch, rows) in zip(sample.batches, sample.rows) {
      let special = sample.special(rows)
      let reads = zip(neurons.indices, sites).map { index, site in
        Hook(site) { value in
          for token in value.tokens ?? Array(value.rows) where !special[token] {
            sums[index] += Double(value[token, neurons[index].index])
            counted[index] += 1
          }
        }
      }
      before.append(try model.tokenLosses(batch, hooks: reads))
      progress?(before.count, sample.batches.count * (neurons.count + 1))
    }
    var reader = try ContextReader(source: source, piece: piece)
    return try neurons.indices.map { index in
      let neuron = neurons[index]
      let value = replacement == .zero ? 0 : Float(sums[index] / Double(max(counted[index], 1)))
      let edit = Hook(sites[index]) { hooked in
        for token in hooked.tokens ?? Array(hooked.rows) { hooked[token, neuron.index] = value }
      }
      var after: [[Double?]] = []
      for batch in sample.batches {
        after.append(try model.tokenLosses(batch, hooks: [edit]))
        progress?(
          sample.batches.count * (index + 1) + after.count, sample.batches.count * (neurons.count + 1))
      }
      let effects = sample.effects(before: before, after: after)
      return Effect(
        neuron: neuron, replacement: replacement, value: value,
        domains: effects.domains.sorted {
          $0.change != $1.change ? $0.change > $1.change : $0.domain < $1.domain
        }, all: effects.all,
        worst: try sample.worst(worst, before: before, after: after).map { found in
          WorseToken(
            domain: found.domain, change: found.change, example: try reader.example(row: found.row, value: found.change)
          )
        })
    }
  }

  private static func site(of neuron: NeuronReference, in model: Model) throws -> Site {
    let layer = try neuron.requireLayer(in: model)
    return neuron.expert.map { Site(.expertPost, layer: layer, expert: $0) } ?? Site(.mlpPost, layer: layer)
  }
}
