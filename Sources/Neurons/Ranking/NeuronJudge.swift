import Activations
import LinearAlgebra
import Probes

/// Measures columns one by one, neurons or random directions, against one corpus.
struct NeuronJudge: Sendable {
  let contexts: RankingContexts
  /// Top examples looked at.
  let top: Int
  /// The cosine below which context clusters stay apart.
  let threshold: Double
  let byLabel: MeasuredNeurons.Kinds?
  let byRegion: MeasuredNeurons.Kinds?
  let conceptTree: ConceptTree?
  let regionTree: ConceptTree?

  /// Each column's measures, and the same without its most frequent token form.
  func measures(of site: NeuronResponses) -> (own: [NeuronMeasures], without: [NeuronMeasures]) {
    var own = (0..<site.width).map {
      NeuronMeasures(neuron: NeuronReference(site: site.site.name, layer: site.site.layer, index: $0))
    }
    var without = own
    own.withUnsafeMutableBufferPointer { own in
      without.withUnsafeMutableBufferPointer { without in
        nonisolated(unsafe) let (own, without) = (own, without)
        Threads.forRanges(0..<site.width, grain: 8) { columns in
          for column in columns {
            measure(site, column, into: &own[column], without: &without[column])
            own[column][.consensus] = Consensus.score(own[column], without: without[column])
            without[column][.consensus] = own[column][.consensus]
          }
        }
      }
    }
    return (own, without)
  }

  private func measure(
    _ site: NeuronResponses, _ column: Int, into measures: inout NeuronMeasures, without: inout NeuronMeasures
  ) {
    measures[.skewness] = site.skewness[column]
    measures[.kurtosis] = site.kurtosis[column]
    measures[.firing] = site.firing[column]
    if let gathered = site.gathered {
      return measureTop(gathered, column, into: &measures, without: &without)
    }
    measures[.monosemanticity] = site.monosemanticity[column]
    let (values, places, documents) = site.seen(column)
    let (byLabel, byRegion) =
      documents.map { (self.byLabel?.keeping($0), self.byRegion?.keeping($0)) } ?? (self.byLabel, self.byRegion)
    guard values.count >= 4 else { return }
    let order = Ranks(values).descending
    let best = order.prefix(top).map { Int(places[Int($0)]) }
    let frequent = mostFrequentForm(best)
    if let frequent { measures[.lexicalShare] = frequent.share }
    addDocuments(values, places, byLabel, byRegion, into: &measures)
    guard let frequent else { return }
    let kept = values.indices.filter { contexts.formOf[Int(places[$0])] != frequent.form }
    guard kept.count >= 4 else { return }
    addDocuments(
      kept.map { values[$0] }, kept.map { places[$0] }, byLabel?.keeping(kept), byRegion?.keeping(kept),
      into: &without)
  }

  /// What each document's highest activation says.
  private func addDocuments(
    _ values: [Float], _ places: [Int32], _ byLabel: MeasuredNeurons.Kinds?,
    _ byRegion: MeasuredNeurons.Kinds?, into measures: inout NeuronMeasures
  ) {
    var order: [Int32]?
    if let byRegion, let regionTree {
      let profile = ConceptProfile(values: values, labels: byRegion.labels, counts: byRegion.counts)
      order = profile.order
      measures[.regionMeaning] = profile.secondMeaning(regionTree).score
      measures[.secondMeaning] = measures[.regionMeaning]
    }
    if let byLabel, let conceptTree {
      let profile = ConceptProfile(values: values, labels: byLabel.labels, counts: byLabel.counts)
      order = profile.order
      measures[.secondMeaning] = profile.secondMeaning(conceptTree).score
      addConcepts(profile, byLabel, conceptTree, into: &measures)
    }
    let best = (order ?? Ranks(values).descending).prefix(top).map { Int(places[Int($0)]) }
    if let embeddings = contexts.embeddings, best.count > 1 {
      let clusters = ContextClusters(embeddings.selectingRows(best), threshold: threshold)
      measures[.coherence] = clusters.coherence
      measures[.contextClusters] = Double(clusters.members.count)
      measures[.clusterSpread] = clusters.centreCosine.map { 1 - $0 } ?? 0
    }
  }

  /// What the top examples alone say, where the activations themselves were not kept.
  private func measureTop(
    _ gathered: TopExamples, _ column: Int, into measures: inout NeuronMeasures, without: inout NeuronMeasures
  ) {
    let places = contexts.places(gathered, column, most: top)
    let frequent = mostFrequentForm(places)
    if let frequent { measures[.lexicalShare] = frequent.share }
    guard let byLabel, !places.isEmpty else { return }
    func add(_ places: [Int], to measures: inout NeuronMeasures) {
      guard !places.isEmpty else { return }
      measures.set(
        ConceptMixture(
          order: places.map { contexts.documentOf[$0] }, labels: byLabel.labels, counts: byLabel.counts, top: top))
    }
    add(places, to: &measures)
    if let frequent { add(places.filter { contexts.formOf[$0] != frequent.form }, to: &without) }
  }

  private func addConcepts(
    _ profile: ConceptProfile, _ kinds: MeasuredNeurons.Kinds, _ tree: ConceptTree, into measures: inout NeuronMeasures
  ) {
    measures.set(ConceptMixture(order: profile.order, labels: kinds.labels, counts: kinds.counts, top: top))
    measures[.bestAUROC] = profile.auroc.max() ?? 0.5
    measures[.conceptCount] = Double(tree.meanings(profile.separated(atLeast: Self.separationThreshold)).count)
    let means = profile.means.map { max($0, 0) }
    let sum = means.reduce(0, +)
    let highest = means.max() ?? 0
    measures[.singleFeatureRatio] = sum > 0 ? highest / sum : 0
    let rest = (sum - highest) / Double(max(means.count - 1, 1))
    measures[.selectivity] = highest + rest > 0 ? (highest - rest) / (highest + rest) : 0
  }

  /// A concept counts as separated from this AUROC on.
  static let separationThreshold = 0.8

  /// The most frequent form among some contexts' tokens, and its share of them.
  private func mostFrequentForm(_ places: [Int]) -> (form: Int32, share: Double)? {
    guard !contexts.formOf.isEmpty, !places.isEmpty else { return nil }
    var counts: [Int32: Int] = [:]
    for place in places { counts[contexts.formOf[place], default: 0] += 1 }
    let best = counts.max { $0.value != $1.value ? $0.value < $1.value : $0.key > $1.key }
    return best.map { ($0.key, Double($0.value) / Double(places.count)) }
  }
}
