import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// Every neuron of a source with its measures, ready to be ranked by any of them.
public struct MeasuredNeurons: Sendable {
  /// By layer and column.
  public private(set) var neurons: [NeuronMeasures]
  /// The labels; nil where there were none.
  public var concepts: [String]? { contexts.classes }
  /// How many regions of the residual stream stand in for labels; nil without a residual stream.
  public var regions: Int? { regionLabels.map { ($0.centres.rows) } }
  /// The site that contexts were embedded by.
  public var embeddingSite: String? { contexts.embeddingSite }
  public var documentCount: Int { contexts.documents.count }
  public var contextCount: Int { contexts.count }

  let source: any ActivationSource
  let settings: NeuronRanking
  let contexts: RankingContexts
  let responses: [NeuronResponses]
  private let regionLabels: ContextRegions?
  let piece: (@Sendable (Int32) -> String)?
  /// Relatedness of concepts, and of regions.
  let conceptRelatedness: [Double]
  private let regionRelatedness: [Double]
  let threshold: Double
  let siteNumbers: [String: Int]

  init(
    source: any ActivationSource, settings: NeuronRanking, contexts: RankingContexts, responses: [NeuronResponses],
    model: Model?, loads: [String: [Int]], piece: (@Sendable (Int32) -> String)?
  ) throws {
    self.source = source
    self.settings = settings
    self.contexts = contexts
    self.responses = responses
    self.piece = piece
    siteNumbers = Dictionary(uniqueKeysWithValues: responses.enumerated().map { ($1.site.name, $0) })
    regionLabels = contexts.documentEmbeddings().map {
      ContextRegions($0, count: ContextRegions.count(documents: $0.rows), seed: settings.seed)
    }
    threshold =
      contexts.embeddings.map {
        ContextClusters.threshold($0, documentOf: contexts.documentOf, seed: settings.seed)
      } ?? 0

    let byLabel = contexts.classes.map { Kinds(labels: contexts.labels, count: $0.count) }
    let byRegion = regionLabels.map { Kinds(labels: $0.labels, count: $0.centres.rows) }
    conceptRelatedness = byLabel.map { Self.relatedness($0, responses) } ?? []
    regionRelatedness = byRegion.map { Self.relatedness($0, responses) } ?? []

    neurons = []
    for site in responses {
      var own = (0..<site.width).map {
        NeuronMeasures(neuron: NeuronReference(site: site.site.name, layer: site.site.layer, index: $0))
      }
      own.withUnsafeMutableBufferPointer { own in
        nonisolated(unsafe) let own = own
        Threads.forRanges(0..<site.width, grain: 8) { columns in
          for column in columns { measure(site, column, byLabel, byRegion, into: &own[column]) }
        }
      }
      if let features = loads[site.site.name] {
        for column in own.indices where column < features.count { own[column][.features] = Double(features[column]) }
      }
      if let model, let layer = site.site.layer { try WeightMeasures.add(to: &own, model: model, layer: layer) }
      neurons += own
    }
    Consensus.add(to: &neurons)
  }

  /// Kinds of documents: labels or regions.
  struct Kinds {
    let labels: [Int32]
    let counts: [Double]

    init(labels: [Int32], count: Int) {
      self.labels = labels
      var counts = [Double](repeating: 0, count: count)
      for label in labels { counts[Int(label)] += 1 }
      self.counts = counts
    }
  }

  private static func relatedness(_ kinds: Kinds, _ responses: [NeuronResponses]) -> [Double] {
    let classes = kinds.counts.count
    var relatedness = ConceptRelatedness(classes: classes)
    for site in responses {
      var sums = [Double](repeating: 0, count: classes * site.width)
      for document in 0..<site.documentCount {
        let start = Int(kinds.labels[document]) * site.width
        for column in 0..<site.width { sums[start + column] += Double(site.highest[document * site.width + column]) }
      }
      for column in 0..<site.width {
        relatedness.add((0..<classes).map { sums[$0 * site.width + column] / max(kinds.counts[$0], 1) })
      }
    }
    return relatedness.matrix
  }

  private func measure(
    _ site: NeuronResponses, _ column: Int, _ byLabel: Kinds?, _ byRegion: Kinds?,
    into measures: inout NeuronMeasures
  ) {
    let values = site.values(column)
    let count = Double(max(site.moments.count, 1))
    let variance = site.moments.second[column] / count
    measures[.skewness] = variance > 0 ? site.moments.third[column] / count / pow(variance, 1.5) : 0
    measures[.kurtosis] = variance > 0 ? site.moments.fourth[column] / count / (variance * variance) : 0
    measures[.firing] = site.firing[column]
    measures[.monosemanticity] = site.monosemanticity[column]
    var order: [Int32] = []
    if let byRegion {
      let profile = ConceptProfile(values: values, labels: byRegion.labels, counts: byRegion.counts)
      order = profile.order
      measures[.regionMeaning] = profile.secondMeaning(relatedness: regionRelatedness).score
      measures[.secondMeaning] = measures[.regionMeaning]
    }
    if let byLabel {
      let profile = ConceptProfile(values: values, labels: byLabel.labels, counts: byLabel.counts)
      order = profile.order
      measures[.secondMeaning] = profile.secondMeaning(relatedness: conceptRelatedness).score
      addConcepts(profile, byLabel, into: &measures)
    }
    let top = order.prefix(settings.top).map { Int($0) }
    let places = top.map { Int(site.places[$0 * site.width + column]) }
    if let share = lexicalShare(places) { measures[.lexicalShare] = share }
    if let embeddings = contexts.embeddings, places.count > 1 {
      let clusters = ContextClusters(embeddings.selectingRows(places), threshold: threshold)
      measures[.coherence] = clusters.coherence
      measures[.contextClusters] = Double(clusters.members.count)
      measures[.clusterSpread] = clusters.centreCosine.map { 1 - $0 } ?? 0
    }
  }

  private func addConcepts(_ profile: ConceptProfile, _ kinds: Kinds, into measures: inout NeuronMeasures) {
    let mixture = ConceptMixture(order: profile.order, labels: kinds.labels, counts: kinds.counts, top: settings.top)
    measures[.conceptEntropy] = mixture.entropy
    measures[.effectiveConcepts] = exp(mixture.entropy)
    measures[.purity] = mixture.purity
    measures[.bestAUROC] = profile.auroc.max() ?? 0.5
    // Of related concepts the first stands for all.
    let classes = kinds.counts.count
    var unrelated: [Int] = []
    for concept in profile.separated(atLeast: Self.separationThreshold)
    where unrelated.allSatisfy({ conceptRelatedness[concept * classes + $0] < Self.relatedThreshold }) {
      unrelated.append(concept)
    }
    measures[.conceptCount] = Double(unrelated.count)
    let means = profile.means.map { max($0, 0) }
    let sum = means.reduce(0, +)
    let highest = means.max() ?? 0
    measures[.singleFeatureRatio] = sum > 0 ? highest / sum : 0
    let rest = (sum - highest) / Double(max(means.count - 1, 1))
    measures[.selectivity] = highest + rest > 0 ? (highest - rest) / (highest + rest) : 0
  }

  /// A concept counts as separated from this AUROC on.
  static let separationThreshold = 0.8
  /// Two concepts count as one from this relatedness on.
  static let relatedThreshold = 0.5

  private func lexicalShare(_ places: [Int]) -> Double? {
    guard !contexts.formOf.isEmpty, !places.isEmpty else { return nil }
    var counts: [Int32: Int] = [:]
    for place in places { counts[contexts.formOf[place], default: 0] += 1 }
    return Double(counts.values.max() ?? 0) / Double(places.count)
  }
}
