import Activations
import Diagnostics
import Foundation
import LinearAlgebra

/// Everything known about one neuron.
public struct NeuronCard: Encodable, Sendable, Equatable {
  /// How its activations are distributed over the corpus.
  public struct Statistics: Codable, Sendable, Equatable {
    /// Rows that were counted.
    public var count: Int
    public var mean: Double
    public var standardDeviation: Double
    /// The mean of z³.
    public var skewness: Double
    /// The mean of z⁴; 3 for a normal distribution.
    public var kurtosis: Double
    public var minimum: Float
    public var maximum: Float
    /// The share of rows where it fires.
    public var firing: Double
  }

  /// Examples from one stretch of the neuron's range.
  public struct Quantile: Codable, Sendable, Equatable {
    /// The share of sampled rows below the stretch and up to its end.
    public var from: Double
    public var to: Double
    public var examples: [NeuronExample]
  }

  public var neuron: NeuronReference
  /// The layer's place in the depth, 0 the first and 1 the last; nil where the number of layers is not known.
  public var depth: Double?
  public var statistics: Statistics?
  public var histogram: ValueHistogram?
  public var examples: NeuronExamples
  /// Random examples over the neuron's range, lowest first, beside the top ones, which alone flatter an explanation.
  public var quantiles: [Quantile]
  /// How many of the top examples are one single token form, 0 to 1: near 1 the neuron may know a word, not a meaning.
  public var lexicalShare: Double?
  /// What its weights say; nil where no model was given.
  public var weights: NeuronWeightSummary?
  /// What the ranking measures of it.
  public var measures: NeuronMeasures?
  /// The top examples by what they mean: labels, or clusters of contexts.
  public var meanings: [NeuronMeaning] = []
  public var neighbours: NeuronNeighbours?
  /// The features of a dictionary that load most on it.
  public var features: [FeatureLoads.Load] = []
  /// How its weights lie to known concepts, first the concept that it reads most.
  public var concepts: [ConceptAlignment] = []
  public var ablation: AblatedNeuron?
}

extension NeuronCard {
  /// Gathers a neuron's card from a source and, where given, the model's weights.
  ///
  /// - Parameters:
  ///   - statistics: those of the neuron's site; the source's own unless given. Without any, the site is read.
  ///   - weights: what the neuron reads and writes.
  /// - Throws: what `NeuronsTop.examples` throws.
  public init(
    of neuron: NeuronReference, in source: some ActivationSource, statistics: SiteStatistics? = nil,
    weights: NeuronWeightSummary? = nil, layers: Int? = nil, count: Int = 20, quantiles: Int = 5,
    piece: (@Sendable (Int32) -> String)? = nil
  ) throws {
    let gathered = try statistics ?? source.statistics(of: neuron.site)
    self.neuron = neuron
    depth = neuron.layer.flatMap { layer in layers.map { $0 > 1 ? Double(layer) / Double($0 - 1) : 0 } }
    examples = try NeuronsTop.examples(of: neuron, in: source, statistics: gathered, count: count, piece: piece)
    lexicalShare = Self.lexicalShare(of: examples.top)
    self.weights = weights
    let column = neuron.index
    if let gathered, gathered.count == 0 {
      // An expert that no token woke.
      (self.statistics, histogram, self.quantiles) = (nil, nil, [])
    } else if let gathered {
      self.statistics = Statistics(
        count: gathered.count, mean: gathered.mean[column],
        standardDeviation: gathered.variance[column].squareRoot(), skewness: gathered.skewness[column],
        kurtosis: gathered.kurtosis[column], minimum: gathered.minimum[column], maximum: gathered.maximum[column],
        firing: gathered.firing[column])
      histogram = gathered.histogram.map { ValueHistogram(column: column, of: $0) }
      self.quantiles = try Self.quantiles(gathered, column: column, parts: quantiles, source: source, piece: piece)
    } else {
      let values = try Self.allValues(of: neuron, in: source)
      self.statistics = Self.statistics(of: values)
      histogram = values.isEmpty ? nil : ValueHistogram(of: values, bins: 40)
      self.quantiles = []
    }
  }

  /// The share of examples whose marked token has the most frequent form, without regard to case and white space.
  static func lexicalShare(of examples: [NeuronExample]) -> Double? {
    let forms = examples.compactMap { $0.token.map { tokenForm($0.text) } }
    guard !forms.isEmpty else { return nil }
    var counts: [String: Int] = [:]
    for form in forms { counts[form, default: 0] += 1 }
    return Double(counts.values.max() ?? 0) / Double(forms.count)
  }

  /// Two examples from each of `parts` equal shares of the sampled rows, by the neuron's activation.
  private static func quantiles(
    _ statistics: SiteStatistics, column: Int, parts: Int, source: some ActivationSource,
    piece: (@Sendable (Int32) -> String)?
  ) throws -> [Quantile] {
    guard let sample = statistics.sample, sample.count >= parts, parts > 0, source.rowKind == .token else { return [] }
    var reader = try ContextReader(source: source, piece: piece)
    func value(_ index: Int) -> Float { sample.values[index * statistics.width + column] }
    let order = (0..<sample.count).sorted {
      value($0) != value($1) ? value($0) < value($1) : sample.rows[$0] < sample.rows[$1]
    }
    return try (0..<parts).map { part in
      let range = order.count * part / parts..<order.count * (part + 1) / parts
      // The places a third and two thirds in: neither edge of the stretch.
      let chosen = Set([range.lowerBound + range.count / 3, range.lowerBound + range.count * 2 / 3]).sorted()
      return Quantile(
        from: Double(part) / Double(parts), to: Double(part + 1) / Double(parts),
        examples: try chosen.filter { range.contains($0) }.map {
          try reader.example(row: Int(sample.rows[order[$0]]), value: value(order[$0]))
        })
    }
  }

  private static func allValues(of neuron: NeuronReference, in source: some ActivationSource) throws -> [Float] {
    var values: [Float] = []
    try source.stream(neuron, specialTokens: false) { _, _, value in values.append(value) }
    return values
  }

  private static func statistics(of values: [Float]) -> Statistics? {
    guard let minimum = values.min(), let maximum = values.max() else { return nil }
    let moments = ColumnMoments(of: values)
    return Statistics(
      count: values.count, mean: moments.mean[0], standardDeviation: moments.variance[0].squareRoot(),
      skewness: moments.skewness[0], kurtosis: moments.kurtosis[0], minimum: minimum, maximum: maximum,
      firing: Double(values.count { $0 > 0 }) / Double(values.count))
  }
}
