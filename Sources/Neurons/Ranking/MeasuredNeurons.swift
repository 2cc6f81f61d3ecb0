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
  public var regions: Int? { regionLabels?.count }
  /// The site that contexts were embedded by.
  public var embeddingSite: String? { contexts.embeddingSite }
  public var documentCount: Int { contexts.documents.count }
  public var contextCount: Int { contexts.count }

  let source: any ActivationSource
  let settings: NeuronRanking
  let contexts: RankingContexts
  let responses: [NeuronResponses]
  let regionLabels: ContextRegions?
  /// What random directions reach; empty where none were measured.
  public let null: RankingNull
  let piece: (@Sendable (Int32) -> String)?
  /// Which labels are one meaning, and which regions.
  let conceptTree: ConceptTree?
  let regionTree: ConceptTree?
  package let threshold: Double
  let siteNumbers: [String: Int]

  init(
    source: any ActivationSource, settings: NeuronRanking, contexts: RankingContexts, responses: [NeuronResponses],
    nulls: [(kind: NullKind, responses: NeuronResponses)] = [], model: Model?, loads: [String: [Int]],
    piece: (@Sendable (Int32) -> String)?
  ) throws {
    self.source = source
    self.settings = settings
    self.contexts = contexts
    self.responses = responses
    self.piece = piece
    siteNumbers = Dictionary(uniqueKeysWithValues: responses.enumerated().map { ($1.site.name, $0) })
    let embedded = contexts.documentEmbeddings()
    regionLabels = embedded.map { ContextRegions(contexts, documents: $0, seed: settings.seed) }
    threshold =
      contexts.embeddings.map {
        ContextClusters.threshold($0, documentOf: contexts.documentOf, seed: settings.seed)
      } ?? 0

    let byLabel = contexts.classes.map { Kinds(labels: contexts.labels, count: $0.count) }
    let byRegion = regionLabels.map { Kinds(labels: $0.labels, count: $0.count) }
    let related = try contexts.concepts(named: settings.related)
    let conceptTree = byLabel.map { Self.tree($0, responses, embedded, related: related) }
    let regionTree = byRegion.map { Self.tree($0, responses, embedded) }
    (self.conceptTree, self.regionTree) = (conceptTree, regionTree)
    let judge = NeuronJudge(
      contexts: contexts, top: settings.top, threshold: threshold, byLabel: byLabel, byRegion: byRegion,
      conceptTree: conceptTree, regionTree: regionTree)

    neurons = []
    controlled = []
    for site in responses {
      var (own, without) = judge.measures(of: site)
      if let features = loads[site.site.name] {
        for column in own.indices where column < features.count { own[column][.features] = Double(features[column]) }
      }
      if let model, let layer = site.site.layer {
        try WeightMeasures.add(to: &own, model: model, layer: layer, expert: site.site.expert)
      }
      neurons += own
      controlled += without
    }
    null = RankingNull(
      sites: nulls.map {
        RankingNull.Site(kind: $0.kind, site: $0.responses.site.name, measures: judge.measures(of: $0.responses).own)
      }, draws: settings.nullDraws)
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

  private static func tree(
    _ kinds: Kinds, _ responses: [NeuronResponses], _ documents: Matrix?, related: [[Int]] = []
  ) -> ConceptTree {
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
    let measures = [
      relatedness.correlations,
      documents.map { ConceptRelatedness.cosines($0, labels: kinds.labels, counts: kinds.counts) },
    ]
    return ConceptTree(measures.compactMap(\.self), classes: classes, related: related)
  }

  /// Kinds of documents that neurons are judged by: labels where there are some, else regions.
  var kinds: (kinds: Kinds, tree: ConceptTree, names: [String]?)? {
    if let classes = contexts.classes, let conceptTree {
      return (Kinds(labels: contexts.labels, count: classes.count), conceptTree, classes)
    }
    if let regionLabels, let regionTree {
      return (Kinds(labels: regionLabels.labels, count: regionLabels.count), regionTree, nil)
    }
    return nil
  }
}
