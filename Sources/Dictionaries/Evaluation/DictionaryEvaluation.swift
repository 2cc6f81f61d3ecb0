import Activations
import Foundation

/// All that was measured of a dictionary, as `unfold sae evaluate` prints it.
public struct DictionaryEvaluation: Codable, Sendable, Equatable {
  /// How many latents are active how often.
  public struct DensityHistogram: Codable, Sendable, Equatable {
    /// log₁₀ of the share of rows; bin i reaches from edges[i] to edges[i + 1].
    public var edges: [Double]
    public var counts: [Int]
    /// Latents that were never active.
    public var never: Int
  }

  /// The part of the model's prediction that survives the dictionary, against two baselines.
  public struct Recovered: Codable, Sendable, Equatable {
    public var lossFromZero: Double
    public var lossFromMean: Double
    public var divergenceFromZero: Double
    public var divergenceFromMean: Double
  }

  public var architecture: String
  public var latents: Int
  public var k: Int?
  /// The site that is read, and the one that is rebuilt.
  public var site: String
  public var target: String
  /// Rows that were judged, and documents that they come from.
  public var rows: Int
  public var documents: Int
  public var l0: Double
  public var l1: Double
  public var fvu: Double
  public var explainedVariance: Double
  public var meanSquaredError: Double
  public var cosine: Double
  public var normRatio: Double
  /// 95 % intervals of L0 and FVU over documents.
  public var intervals: ReconstructionMeasures.Intervals?
  public var deadLatents: Int
  public var alwaysOnLatents: Int
  public var density: DensityHistogram
  /// The mean over latents of the largest cosine with another direction, and latents where it is above 0.9.
  public var meanNearestCosine: Double
  public var nearDuplicates: Int
  /// Nil where no model was given.
  public var splice: SpliceMeasures?
  public var recovered: Recovered?
  /// Empty where it was not asked for.
  public var probing: [SparseProbing]
  public var absorption: FeatureAbsorption?
  /// Of a crosscoder; the figures above are then those of all its sites together.
  public var crosscoder: CrosscoderEvaluation?

  public init(
    _ dictionary: SparseAutoencoder, site: String? = nil, reconstruction: ReconstructionMeasures,
    directions: DirectionMeasures, splice: SpliceMeasures? = nil, probing: [SparseProbing] = [],
    absorption: FeatureAbsorption? = nil, crosscoder: CrosscoderEvaluation? = nil
  ) {
    let configuration = dictionary.configuration
    architecture =
      configuration.architecture.rawValue
      + (dictionary.isTranscoder ? " transcoder" : dictionary.isCrosscoder ? " crosscoder" : "")
    latents = dictionary.latents
    k = configuration.k
    self.site = site ?? configuration.hookIn
    target = dictionary.isTranscoder ? configuration.hookOut : self.site
    rows = reconstruction.rows
    documents = reconstruction.documents
    intervals = reconstruction.intervals
    l0 = reconstruction.l0
    l1 = reconstruction.l1
    fvu = reconstruction.fvu
    explainedVariance = reconstruction.explainedVariance
    meanSquaredError = reconstruction.meanSquaredError
    cosine = reconstruction.cosine
    normRatio = reconstruction.normRatio
    deadLatents = reconstruction.deadLatents
    alwaysOnLatents = reconstruction.alwaysOnLatents
    density = DensityHistogram(reconstruction.density)
    meanNearestCosine = directions.meanNearestCosine
    nearDuplicates = directions.nearDuplicates
    self.splice = splice
    recovered = splice.map {
      Recovered(
        lossFromZero: $0.lossRecoveredFromZero, lossFromMean: $0.lossRecoveredFromMean,
        divergenceFromZero: $0.divergenceRecoveredFromZero, divergenceFromMean: $0.divergenceRecoveredFromMean)
    }
    self.probing = probing
    self.absorption = absorption
    self.crosscoder = crosscoder
  }
}

extension DictionaryEvaluation.DensityHistogram {
  /// Bins of half a decade from 10⁻⁶ to 1; what is rarer lies in the first.
  init(_ density: [Double]) {
    edges = stride(from: -6.0, through: 0, by: 0.5).map { $0 }
    counts = [Int](repeating: 0, count: edges.count - 1)
    never = 0
    for share in density {
      guard share > 0 else {
        never += 1
        continue
      }
      let bin = Int(((log10(share) + 6) * 2).rounded(.down))
      counts[min(max(bin, 0), counts.count - 1)] += 1
    }
  }
}
