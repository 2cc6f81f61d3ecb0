import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// Every neuron of a source with its measures, ready to be ranked by any of them.
public struct MeasuredNeurons: Sendable {
  /// By layer and column.
  public private(set) var neurons: [NeuronMeasures]
  /// The same without each neuron's most frequent token form: the documents where it is highest at that form are left
  /// out. Holds the measures that documents give; the others need no such control or cannot have it.
  public private(set) var controlled: [NeuronMeasures]
  /// The labels; nil where there were none.
  public var concepts: [String]? { contexts.classes }
  /// Why labels that are there were not used; nil where they were, or there are none.
  public var labelsLeftAside: String? { contexts.labelsLeftAside }
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
  package let threshold: Double
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
    controlled = []
    for site in responses {
      var own = (0..<site.width).map {
        NeuronMeasures(neuron: NeuronReference(site: site.site.name, layer: site.site.layer, index: $0))
      }
      var without = own
      own.withUnsafeMutableBufferPointer { own in
        without.withUnsafeMutableBufferPointer { without in
          nonisolated(unsafe) let (own, without) = (own, without)
          Threads.forRanges(0..<site.width, grain: 8) { columns in
            for column in columns {
              measure(site, column, byLabel, byRegion, into: &own[column], without: &without[column])
            }
          }
        }
      }
      if let features = loads[site.site.name] {
        for column in own.indices where column < features.count { own[column][.features] = Double(features[column]) }
      }
      if let model, let layer = site.site.layer {
        try WeightMeasures.add(to: &own, model: model, layer: layer, expert: site.site.expert)
      }
      neurons += own
      controlled += without
    }
    for index in neurons.indices {
      neurons[index][.consensus] = Consensus.score(neurons[index], without: controlled[index])
      controlled[index][.consensus] = neurons[index][.consensus]
    }
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

    /// Of some documents alone, in their order.
    func keeping(_ documents: [Int]) -> Kinds {
      Kinds(labels: documents.map { labels[$0] }, count: counts.count)
    }
  }

  private static func relatedness(_ kinds: Kinds, _ responses: [NeuronResponses]) -> [Double] {
    let classes = kinds.counts.count
    var relatedness = ConceptRelatedness(classes: classes)
    for site in responses where site.gathered == nil {
      var sums = [Double](repeating: 0, count: classes * site.width)
      let counts = site.seen.map { kinds.keeping($0).counts } ?? kinds.counts
      // An expert that never saw one of the concepts says nothing of how they are related.
      if site.seen != nil, counts.contains(0) { continue }
      for document in site.seen ?? Array(0..<site.documentCount) {
        let start = Int(kinds.labels[document]) * site.width
        for column in 0..<site.width { sums[start + column] += Double(site.highest[document * site.width + column]) }
      }
      for column in 0..<site.width {
        relatedness.add((0..<classes).map { sums[$0 * site.width + column] / max(counts[$0], 1) })
      }
    }
    return relatedness.matrix
  }

  private func measure(
    _ site: NeuronResponses, _ column: Int, _ byLabel: Kinds?, _ byRegion: Kinds?,
    into measures: inout NeuronMeasures, without: inout NeuronMeasures
  ) {
    measures[.skewness] = site.skewness[column]
    measures[.kurtosis] = site.kurtosis[column]
    measures[.firing] = site.firing[column]
    if let gathered = site.gathered {
      return measureTop(gathered, column, byLabel, into: &measures, without: &without)
    }
    measures[.monosemanticity] = site.monosemanticity[column]
    let (values, places, documents) = seen(site, column)
    let (byLabel, byRegion) = documents.map { (byLabel?.keeping($0), byRegion?.keeping($0)) } ?? (byLabel, byRegion)
    guard values.count >= 4 else { return }
    let order = ConceptProfile.order(values)
    let top = order.prefix(settings.top).map { Int(places[Int($0)]) }
    let frequent = mostFrequentForm(top)
    if let frequent { measures[.lexicalShare] = frequent.share }
    addDocuments(values, places, byLabel, byRegion, into: &measures)
    guard let frequent else { return }
    let kept = values.indices.filter { contexts.formOf[Int(places[$0])] != frequent.form }
    guard kept.count >= 4 else { return }
    addDocuments(
      kept.map { values[$0] }, kept.map { places[$0] }, byLabel?.keeping(kept), byRegion?.keeping(kept),
      into: &without)
  }

  /// A neuron's highest activation in each document and its context; of an expert's neuron, in the documents that woke
  /// it, and which these are.
  func seen(_ site: NeuronResponses, _ column: Int) -> (values: [Float], places: [Int32], documents: [Int]?) {
    let (values, places) = (site.values(column), site.places(column))
    guard let seen = site.seen else { return (values, places, nil) }
    return (seen.map { values[$0] }, seen.map { places[$0] }, seen)
  }

  /// What each document's highest activation says.
  private func addDocuments(
    _ values: [Float], _ places: [Int32], _ byLabel: Kinds?, _ byRegion: Kinds?, into measures: inout NeuronMeasures
  ) {
    var order: [Int32]?
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
    let top = (order ?? ConceptProfile.order(values)).prefix(settings.top).map { Int(places[Int($0)]) }
    if let embeddings = contexts.embeddings, top.count > 1 {
      let clusters = ContextClusters(embeddings.selectingRows(top), threshold: threshold)
      measures[.coherence] = clusters.coherence
      measures[.contextClusters] = Double(clusters.members.count)
      measures[.clusterSpread] = clusters.centreCosine.map { 1 - $0 } ?? 0
    }
  }

  /// What the top examples alone say, where the activations themselves were not kept.
  private func measureTop(
    _ gathered: TopExamples, _ column: Int, _ byLabel: Kinds?, into measures: inout NeuronMeasures,
    without: inout NeuronMeasures
  ) {
    let places = topContexts(gathered, column)
    let frequent = mostFrequentForm(places)
    if let frequent { measures[.lexicalShare] = frequent.share }
    guard let byLabel, !places.isEmpty else { return }
    func add(_ places: [Int], to measures: inout NeuronMeasures) {
      guard !places.isEmpty else { return }
      let mixture = ConceptMixture(
        order: places.map { contexts.documentOf[$0] }, labels: byLabel.labels, counts: byLabel.counts,
        top: settings.top)
      measures[.conceptEntropy] = mixture.entropy
      measures[.effectiveConcepts] = exp(mixture.entropy)
      measures[.purity] = mixture.purity
    }
    add(places, to: &measures)
    if let frequent { add(places.filter { contexts.formOf[$0] != frequent.form }, to: &without) }
  }

  /// The contexts of the top examples that a capture gathered, first the strongest.
  func topContexts(_ gathered: TopExamples, _ column: Int) -> [Int] {
    (0..<min(gathered.k, settings.top)).compactMap { rank in
      let row = Int(gathered.rows[column * gathered.k + rank])
      guard contexts.contextOfRow.indices.contains(row), contexts.contextOfRow[row] >= 0 else { return nil }
      return Int(contexts.contextOfRow[row])
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

  /// The most frequent form among some contexts' tokens, and its share of them.
  private func mostFrequentForm(_ places: [Int]) -> (form: Int32, share: Double)? {
    guard !contexts.formOf.isEmpty, !places.isEmpty else { return nil }
    var counts: [Int32: Int] = [:]
    for place in places { counts[contexts.formOf[place], default: 0] += 1 }
    let best = counts.max { $0.value != $1.value ? $0.value < $1.value : $0.key > $1.key }
    return best.map { ($0.key, Double($0.value) / Double(places.count)) }
  }
}
