import Activations
import LinearAlgebra
import Probes

/// Judges the measures on neurons whose meanings are known.
///
/// In every condition the chance that a planted neuron of several concepts is ranked above one that is not (one concept, one
/// broad meaning, a single token, noise) is measured: the AUROC of each measure for "polysemantic", over all of these and
/// against each kind alone.
public struct RankingBenchmark: Sendable {
  /// A way to generate, and a name for it.
  public struct Condition: Codable, Sendable, Equatable {
    public var name: String
    public var noise: Double
    public var labelled: Bool
    public var settings: PlantedNeurons.Settings
  }

  /// A mean over seeds and the standard deviation between them.
  public struct Spread: Codable, Sendable, Equatable {
    public var mean: Double
    public var deviation: Double

    init(_ values: [Double]) {
      let count = Double(max(values.count, 1))
      let mean = values.reduce(0, +) / count
      self.mean = mean
      deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)).squareRoot()
    }
  }

  public struct Row: Encodable, Sendable, Equatable {
    public var condition: Condition
    /// By measure; absent where the condition does not give the measure.
    public var aurocs: [String: Spread]
    /// By measure, and by what the polysemantic neurons are told from.
    public var against: [String: [String: Spread]]

    public func auroc(_ measure: NeuronMeasure, against kind: PlantedKind? = nil) -> Spread? {
      kind.map { against[measure.rawValue]?[$0.rawValue] } ?? aurocs[measure.rawValue]
    }
  }

  public struct Result: Encodable, Sendable, Equatable {
    public var rows: [Row]
    public var seeds: [UInt64]

    /// A measure's mean over conditions.
    ///
    /// - Parameters:
    ///   - kind: against neurons of this kind alone.
    ///   - labelled: conditions with labels, or without; all unless given.
    ///   - variant: of one name.
    public func mean(
      _ measure: NeuronMeasure, against kind: PlantedKind? = nil, labelled: Bool? = nil, variant: String? = nil
    ) -> Double? {
      let values = rows.filter {
        (labelled == nil || $0.condition.labelled == labelled) && (variant == nil || $0.condition.name == variant)
      }
      .compactMap { $0.auroc(measure, against: kind)?.mean }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
  }

  /// Generators that differ in what is hard.
  public enum Variant: String, Codable, Sendable, CaseIterable {
    /// Equal concepts, short documents.
    case plain
    /// Frequent and rare concepts, strong and weak meanings, longer documents, more concepts.
    case uneven
    /// Contexts with much noise and much of their words.
    case related
    /// Many concepts, neurons that fire seldom, contexts ruled by the words.
    case sparse
    /// A model's own activations on real text, with neurons planted beside its own.
    case text

    /// What the generator does, but for noise and labels.
    var settings: PlantedNeurons.Settings {
      switch self {
      case .plain: .init()
      case .uneven:
        .init(
          concepts: 15, documents: 480, tokens: 32, width: 64, vocabulary: 600, weakest: 0.4, rate: 0.05, imbalance: 4)
      case .related: .init(contextNoise: 1.5, formStrength: 1.2, rate: 0.08)
      case .sparse:
        .init(
          concepts: 21, documents: 600, tokens: 40, width: 80, vocabulary: 1000, formStrength: 1.5, weakest: 0.5,
          rate: 0.03, imbalance: 2)
      case .text: .init(rate: 0.05)
      }
    }
  }

  public var noises: [Double]
  public var variants: [Variant]
  public var seeds: [UInt64]
  /// What `Variant.text` is planted on; without it the variant is left out.
  public var text: TextActivations?
  /// Labels of the text that are one broad meaning.
  public var families: [[String]]

  /// What people would call related among the shipped corpus's domains: languages, what machines write and read, and prose.
  public static let demoFamilies = [
    ["french", "german", "korean", "russian"], ["code", "http", "json"],
    ["letters", "news", "poems", "questions", "reviews", "tales"],
  ]

  /// - Parameter seeds: of the corpora and neurons. The measures were settled on seeds below 100; published figures use
  ///   others.
  public init(
    noises: [Double] = [0.2, 0.5, 0.8], variants: [Variant] = Variant.allCases, seeds: [UInt64] = [1001, 1002, 1003],
    text: TextActivations? = nil, families: [[String]] = RankingBenchmark.demoFamilies
  ) {
    self.noises = noises
    self.variants = variants
    self.seeds = seeds
    self.text = text
    self.families = families
  }

  public var conditions: [Condition] {
    variants.filter { $0 != .text || text != nil }.flatMap { variant in
      noises.flatMap { noise in
        [true, false].map { labelled in
          var settings = variant.settings
          settings.noise = noise
          settings.labelled = labelled
          return Condition(name: variant.rawValue, noise: noise, labelled: labelled, settings: settings)
        }
      }
    }
  }

  /// Runs every condition with every seed.
  ///
  /// - Parameter each: told each planted neuron's condition, kind and measures.
  public func run(
    progress: ((Int, Int) -> Void)? = nil, each: ((Condition, PlantedKind, NeuronMeasures) -> Void)? = nil
  ) throws -> Result {
    let conditions = conditions
    var rows: [Row] = []
    for (number, condition) in conditions.enumerated() {
      var plain: [NeuronMeasure: [Double]] = [:]
      var against: [NeuronMeasure: [PlantedKind: [Double]]] = [:]
      for (place, seed) in seeds.enumerated() {
        progress?(number * seeds.count + place + 1, conditions.count * seeds.count)
        var condition = condition
        condition.settings.seed = seed
        let (neurons, kinds) = try measured(condition)
        for (neuron, kind) in zip(neurons, kinds) { each?(condition, kind, neuron) }
        for measure in NeuronMeasure.allCases {
          // A neuron for which a measure is not defined (it never fires) speaks for neither side.
          let defined = neurons.compactMap { $0[measure] }.sorted()
          guard !defined.isEmpty else { continue }
          let keys = neurons.map { measure.sign * ($0[measure] ?? defined[defined.count / 2]) }
          func auroc(_ some: [Int]) -> Double? {
            AUROC.area(scores: some.map { keys[$0] }, positive: some.map { kinds[$0].isPolysemantic })
          }
          if let area = auroc(Array(keys.indices)) { plain[measure, default: []].append(area) }
          for kind in PlantedKind.negatives {
            let some = kinds.indices.filter { kinds[$0] == kind || kinds[$0].isPolysemantic }
            if let area = auroc(some) { against[measure, default: [:]][kind, default: []].append(area) }
          }
        }
      }
      rows.append(
        Row(
          condition: condition,
          aurocs: Dictionary(uniqueKeysWithValues: plain.map { ($0.key.rawValue, Spread($0.value)) }),
          against: Dictionary(
            uniqueKeysWithValues: against.map { measure, kinds in
              (
                measure.rawValue,
                Dictionary(uniqueKeysWithValues: kinds.map { ($0.key.rawValue, Spread($0.value)) })
              )
            })))
    }
    return Result(rows: rows, seeds: seeds)
  }

  /// The planted neurons' measures, and what each was planted to do.
  private func measured(_ condition: Condition) throws -> ([NeuronMeasures], [PlantedKind]) {
    let ranking = NeuronRanking(seed: condition.settings.seed, nullDirections: 0)
    if let text, condition.name == Variant.text.rawValue {
      let planted = try PlantedOnText(text, families: families, settings: condition.settings)
      return (Array(try ranking.measure(planted).neurons.dropFirst(planted.firstPlanted)), planted.kinds)
    }
    let planted = PlantedNeurons(condition.settings)
    return (try ranking.measure(planted).neurons, planted.kinds)
  }
}
