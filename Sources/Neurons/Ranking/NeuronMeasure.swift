import Foundation

/// What neurons can be ranked by.
///
/// Each is described, with formula and source, in `docs/neurons.md`.
public enum NeuronMeasure: String, Codable, Sendable, CaseIterable {
  /// What `Consensus` makes of the others.
  case consensus
  /// How clearly the neuron answers two or more unrelated kinds of documents; by labels, or by regions of contexts.
  case secondMeaning = "second-meaning"
  /// The same by regions of contexts, whether or not there are labels.
  case regionMeaning = "region-meaning"
  /// The monosemanticity score over all contexts.
  case monosemanticity
  /// The mean cosine of two of the top examples' contexts.
  case coherence
  /// The entropy of the top examples' labels, in nats.
  case conceptEntropy = "concept-entropy"
  /// e to that entropy.
  case effectiveConcepts = "effective-concepts"
  /// The share of the most frequent label among the top examples.
  case purity
  /// How many unrelated concepts the neuron separates from the rest.
  case conceptCount = "concept-count"
  /// The highest AUROC of a concept against the rest.
  case bestAUROC = "best-auroc"
  /// How many clusters the contexts of the top examples form.
  case contextClusters = "context-clusters"
  /// One less the mean cosine of the clusters' centres.
  case clusterSpread = "cluster-spread"
  /// The largest concept mean over the sum of them.
  case singleFeatureRatio = "single-feature-ratio"
  /// (μ_max − μ_rest) / (μ_max + μ_rest) over the concepts.
  case selectivity
  case skewness
  case kurtosis
  /// The share of contexts where the neuron fires.
  case firing
  /// The share of the top examples that are one single token form.
  case lexicalShare = "lexical-share"
  /// How many features of a dictionary load on the neuron.
  case features
  case vocabularySkewness = "vocabulary-skewness"
  case vocabularyKurtosis = "vocabulary-kurtosis"
  case inputNorm = "input-norm"
  case inputBias = "input-bias"
  /// −b_in · ‖w_in‖: large where a large norm meets a negative bias.
  case inputDrive = "input-drive"
  case outputNorm = "output-norm"
  case inputOutputCosine = "input-output-cosine"

  /// Which end of the measure speaks for several meanings: 1 the high one, −1 the low one.
  public var sign: Double {
    switch self {
    case .monosemanticity, .coherence, .purity, .bestAUROC, .singleFeatureRatio, .selectivity, .skewness, .kurtosis,
      .lexicalShare, .vocabularySkewness, .vocabularyKurtosis, .inputBias, .outputNorm, .inputOutputCosine:
      -1
    default: 1
    }
  }

  /// Whether there is no such measure without labels.
  public var needsLabels: Bool {
    switch self {
    case .conceptEntropy, .effectiveConcepts, .purity, .conceptCount, .bestAUROC, .singleFeatureRatio, .selectivity:
      true
    default: false
    }
  }

  /// A table's heading.
  public var title: String {
    switch self {
    case .consensus: "consensus"
    case .secondMeaning: "second meaning"
    case .regionMeaning: "second region"
    case .monosemanticity: "MS"
    case .coherence: "coherence"
    case .conceptEntropy: "entropy"
    case .effectiveConcepts: "concepts"
    case .purity: "purity"
    case .conceptCount: "separated"
    case .bestAUROC: "best AUROC"
    case .contextClusters: "clusters"
    case .clusterSpread: "spread"
    case .singleFeatureRatio: "one-feature ratio"
    case .selectivity: "selectivity"
    case .skewness: "skewness"
    case .kurtosis: "kurtosis"
    case .firing: "firing"
    case .lexicalShare: "one token"
    case .features: "features"
    case .vocabularySkewness: "vocabulary skewness"
    case .vocabularyKurtosis: "vocabulary kurtosis"
    case .inputNorm: "‖w_in‖"
    case .inputBias: "b_in"
    case .inputDrive: "−b_in·‖w_in‖"
    case .outputNorm: "‖w_out‖"
    case .inputOutputCosine: "cos(w_in, w_out)"
    }
  }

  /// What a source lacks where the measure is absent.
  var need: String {
    switch self {
    case .conceptEntropy, .effectiveConcepts, .purity: "a corpus of labelled documents"
    case .conceptCount, .bestAUROC, .singleFeatureRatio, .selectivity:
      "a corpus of labelled documents and the neurons' activations"
    case .regionMeaning, .monosemanticity, .coherence, .contextClusters, .clusterSpread:
      "the neurons' activations and the residual stream (capture with --sites resid_post,mlp_post)"
    case .consensus, .secondMeaning:
      "the neurons' activations and either labelled documents or the residual stream"
    case .features: "a dictionary (--dictionary)"
    case .vocabularySkewness, .vocabularyKurtosis, .inputNorm, .inputBias, .inputDrive, .outputNorm,
      .inputOutputCosine:
      "the model (--model)"
    case .lexicalShare: "token rows with top examples"
    case .skewness, .kurtosis, .firing: "activations or statistics"
    }
  }
}

/// One neuron's measures; a measure that the source cannot give is absent.
public struct NeuronMeasures: Sendable, Equatable {
  public var neuron: NeuronReference
  private var values: [NeuronMeasure: Double]

  public init(neuron: NeuronReference, values: [NeuronMeasure: Double] = [:]) {
    self.neuron = neuron
    self.values = values
  }

  public subscript(measure: NeuronMeasure) -> Double? {
    get { values[measure] }
    set { values[measure] = newValue }
  }

  /// The measures that are there, in the order of their declaration.
  public var present: [NeuronMeasure] { NeuronMeasure.allCases.filter { values[$0] != nil } }
}

extension NeuronMeasures: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(neuron.description, forKey: Key(stringValue: "neuron"))
    for (measure, value) in values { try container.encode(value, forKey: Key(stringValue: measure.rawValue)) }
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue.replacingOccurrences(of: "-", with: "_") }
    init?(intValue: Int) { nil }
  }
}
