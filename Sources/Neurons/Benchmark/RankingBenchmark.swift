import Activations
import LinearAlgebra
import Probes

/// Judges the measures on neurons whose meanings are known.
///
/// In every condition the chance that a planted neuron of several concepts is ranked above another one (one concept, a
/// single token, noise) is measured: the AUROC of each measure for "polysemantic".
public struct RankingBenchmark: Sendable {
  /// A way to generate, and a name for it.
  public struct Condition: Codable, Sendable, Equatable {
    public var name: String
    public var noise: Double
    public var labelled: Bool
    public var settings: PlantedNeurons.Settings
  }

  public struct Row: Encodable, Sendable, Equatable {
    public var condition: Condition
    /// By measure, the mean over the seeds; absent where the condition does not give the measure.
    public var aurocs: [String: Double]
    /// The same, the share of one single token taken out of the ranks.
    public var controlled: [String: Double]
    /// The same as the first against neurons of one concept alone: what the measure says of a neuron that has a meaning.
    public var againstOneConcept: [String: Double]
    /// The best measure but the consensus.
    public var best: String
    public var bestAUROC: Double
    public var consensus: Double
  }

  public struct Result: Encodable, Sendable, Equatable {
    public var rows: [Row]
    public var seeds: [UInt64]
    /// The consensus's mean over the conditions.
    public var meanConsensus: Double
    /// The largest distance by which the consensus falls short of the best single measure.
    public var largestShortfall: Double
  }

  /// Generators that differ in what is hard.
  public enum Variant: String, Codable, Sendable, CaseIterable {
    /// Equal concepts, short documents.
    case plain
    /// Frequent and rare concepts, strong and weak meanings, longer documents, more concepts.
    case uneven
    /// Concepts in families of related ones, contexts with much noise.
    case related
    /// Many concepts, neurons that fire seldom, contexts ruled by the words: held out while the consensus was settled.
    case sparse

    /// What the generator does, but for noise and labels.
    var settings: PlantedNeurons.Settings {
      switch self {
      case .plain: .init()
      case .uneven:
        .init(
          concepts: 16, documents: 480, tokens: 32, width: 64, vocabulary: 600, weakest: 0.4, firingShare: 0.2,
          imbalance: 4)
      case .related: .init(contextNoise: 1.5, formStrength: 1.2, firingShare: 0.4, relatedness: 0.4)
      case .sparse:
        .init(
          concepts: 20, documents: 600, tokens: 40, width: 80, vocabulary: 1000, formStrength: 1.5, weakest: 0.5,
          firingShare: 0.12, imbalance: 2, relatedness: 0.2)
      }
    }
  }

  public var noises: [Double]
  public var variants: [Variant]
  public var seeds: [UInt64]

  /// - Parameter seeds: of the corpora and neurons. The consensus was settled on seeds below 100; published figures use
  ///   others.
  public init(
    noises: [Double] = [0.2, 0.5, 0.8], variants: [Variant] = Variant.allCases, seeds: [UInt64] = [1001, 1002, 1003]
  ) {
    self.noises = noises
    self.variants = variants
    self.seeds = seeds
  }

  public var conditions: [Condition] {
    variants.flatMap { variant in
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
  /// - Parameter each: told each planted neuron's condition, kind and measures, and those without its most frequent token.
  public func run(
    progress: ((Int, Int) -> Void)? = nil,
    each: ((Condition, PlantedNeurons.Kind, NeuronMeasures, NeuronMeasures) -> Void)? = nil
  ) throws -> Result {
    let conditions = conditions
    var rows: [Row] = []
    for (number, condition) in conditions.enumerated() {
      var sums: [NeuronMeasure: Sums] = [:]
      for seed in seeds {
        var settings = condition.settings
        settings.seed = seed
        let planted = PlantedNeurons(settings)
        let measured = try NeuronRanking(seed: seed).measure(planted)
        let truth = planted.kinds.map(\.isPolysemantic)
        if let each {
          for (index, kind) in planted.kinds.enumerated() {
            each(condition, kind, measured.neurons[index], measured.controlled[index])
          }
        }
        for measure in NeuronMeasure.allCases {
          guard measured.neurons.contains(where: { $0[measure] != nil }) else { continue }
          // A neuron for which a measure is not defined (it never fires) speaks for neither side.
          let defined = measured.neurons.compactMap { $0[measure] }.sorted()
          let keys = measured.neurons.map { measure.sign * ($0[measure] ?? defined[defined.count / 2]) }
          let meaningful = planted.kinds.indices.filter { planted.kinds[$0] == .oneConcept || truth[$0] }
          guard let plain = AUROC.area(scores: keys, positive: truth),
            let without = measured.withoutLexical(measure, sign: measure.sign, of: Array(keys.indices)),
            let controlled = AUROC.area(scores: without, positive: truth),
            let againstOne = AUROC.area(
              scores: meaningful.map { keys[$0] }, positive: meaningful.map { truth[$0] })
          else { continue }
          sums[measure, default: Sums()].add(plain, controlled, againstOne)
        }
        progress?(number * seeds.count + 1, conditions.count * seeds.count)
      }
      func means(_ part: KeyPath<Sums, Double>) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: sums.map { ($0.key.rawValue, $0.value[keyPath: part] / $0.value.count) })
      }
      let aurocs = means(\.plain)
      let single = aurocs.filter { $0.key != NeuronMeasure.consensus.rawValue }
      let best = single.max { $0.value != $1.value ? $0.value < $1.value : $0.key > $1.key }
      rows.append(
        Row(
          condition: condition, aurocs: aurocs,
          controlled: means(\.controlled), againstOneConcept: means(\.againstOne),
          best: best?.key ?? "", bestAUROC: best?.value ?? 0.5,
          consensus: aurocs[NeuronMeasure.consensus.rawValue] ?? 0.5))
    }
    return Result(
      rows: rows, seeds: seeds,
      meanConsensus: rows.reduce(0) { $0 + $1.consensus } / Double(max(rows.count, 1)),
      largestShortfall: rows.map { $0.bestAUROC - $0.consensus }.max() ?? 0)
  }

  /// Sums over seeds.
  private struct Sums {
    var plain = 0.0
    var controlled = 0.0
    var againstOne = 0.0
    var count = 0.0

    mutating func add(_ plain: Double, _ controlled: Double, _ againstOne: Double) {
      self.plain += plain
      self.controlled += controlled
      self.againstOne += againstOne
      count += 1
    }
  }
}
