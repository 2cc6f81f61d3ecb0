import Activations
import Diagnostics
import Neurons
import Probes
import Transformer

/// What a model predicts worse without one neuron, by kind of document: `Ablation` of neurons, with the tokens that suffer.
public struct NeuronAblation: Sendable {
  /// What the neuron's activation is replaced by; see `AblationReplacements` for special tokens.
  public var replacement: AblationReplacement
  /// The column of document labels that names the domains.
  public var column: String
  /// A seeded choice of so many documents of each domain.
  public var documentsPerDomain: Int
  public var seed: UInt64

  public init(
    replacement: AblationReplacement = .mean, column: String = DocumentTable.defaultLabels,
    documentsPerDomain: Int = 16, seed: UInt64 = 0
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
  ///   - source: Whose token table and labels are used; its activations are not.
  ///   - worst: How many tokens are listed whose loss grows most.
  /// - Throws: `neurons.noLabels`, `neurons.noSuchNeuron`, and those of `Ablation.run`.
  public func run(
    _ neurons: [NeuronReference], model: Model, source: any ActivationSource, worst: Int = 6,
    piece: (@Sendable (Int32) -> String)? = nil, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [AblatedNeuron] {
    let ablation = Ablation(
      replacement: replacement, column: column, needsLabels: true, documentsPerLabel: documentsPerDomain, seed: seed,
      worst: worst)
    let result = try ablation.run(
      neurons.map { try .neuron($0, in: model) }, model: model, source: source, progress: progress)
    var reader = try ContextReader(source: source, piece: piece)
    return try zip(neurons, result.items).map { neuron, item in
      AblatedNeuron(
        neuron: neuron, replacement: replacement, value: item.value,
        domains: item.labels.map { .init(domain: $0.label, $0.effect.loss) }.sorted {
          $0.change != $1.change ? $0.change > $1.change : $0.domain < $1.domain
        }, all: .init(domain: "all", item.all.loss),
        worst: try item.worst.map { token in
          .init(
            domain: token.label ?? "", change: Float(token.change),
            example: try reader.example(row: token.row, value: Float(token.change)))
        })
    }
  }
}

/// One domain that an ablated neuron is said to fire for, put to the test.
public struct VerifiedMeaning: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  public var domain: String
  /// The chance of so large a growth of the loss where the neuron does nothing for the domain.
  public var chance: Double
  /// The same, corrected for all domains of all neurons that were tried.
  public var corrected: Double
  /// Whether the corrected chance is 5 % at most.
  public var isVerified: Bool { corrected <= HolmCorrection.level }

  /// Tests each ablated neuron in the domains that it is said to fire for, all together.
  public static func test(_ effects: [AblatedNeuron], domains: (NeuronReference) -> [String]) -> [Self] {
    let tried = effects.flatMap { effect in
      let own = domains(effect.neuron)
      return effect.domains.filter { own.contains($0.domain) }.map { (effect.neuron, $0) }
    }
    let chances = tried.map(\.1.chance)
    return zip(zip(tried, chances), HolmCorrection.corrected(chances)).map { pair, corrected in
      Self(neuron: pair.0.0, domain: pair.0.1.domain, chance: pair.1, corrected: corrected)
    }
  }
}
