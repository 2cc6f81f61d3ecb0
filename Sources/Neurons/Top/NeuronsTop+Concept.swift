import Activations
import Diagnostics
import LinearAlgebra
import Probes

/// A neuron that tells a concept from everything else.
public struct NeuronSeparation: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  /// The class that the neuron speaks for: the concept, or with several labels the one it separates best.
  public var label: String
  /// The chance that an example of the class is higher than another, on the examples that the neuron was chosen by:
  /// above 0.5 the neuron fires for the class, below against it.
  public var auroc: Double
  /// The same on examples held back, which the choice among thousands of neurons has not flattered.
  public var heldOutAUROC: Double?
  /// The mean activation over examples of the class, and over all others.
  public var meanInside: Double
  public var meanOutside: Double
  /// Their difference in standard deviations of the activation.
  public var difference: Double
}

/// The neurons that separate a concept.
public struct ConceptNeurons: Codable, Sendable, Equatable {
  public var classes: [String]
  public var pooling: Pooling
  /// Examples that the neurons were chosen by, and held back; where an expert's neurons are judged, on the documents (or
  /// tokens) that woke it, the most of any.
  public var examples: Int
  public var heldOut: Int
  /// How many neurons were looked at.
  public var neurons: Int
  /// First the best, by the distance of `auroc` from 0.5.
  public var ranked: [NeuronSeparation]
  /// Experts that saw too few tokens of the classes to be judged; nil where there are none.
  public var skippedExperts: Int?
}

extension NeuronsTop {
  /// The neurons that separate a concept best, over all layers that a source holds.
  ///
  /// An expert's neurons are judged on the tokens that were routed to it, so that what is found is the neuron's own and
  /// not the router's choice.
  ///
  /// The AUROC is exact, by ranks of the pooled activations. Documents (or tokens) are divided by group: most choose the
  /// neurons, the rest say how well the chosen ones do.
  ///
  /// - Parameters:
  ///   - concept: with several labels and none of them positive, each neuron is listed for the label it separates best.
  ///   - pooling: how a document's tokens become one value; a neuron that fires once in a document counts by `max`.
  ///   - maximumExamples: a seeded choice of so many where there are more.
  ///   - memory: the bytes of activations held at a time; sites that don't fit are read in further passes.
  /// - Throws: `neurons.noNeurons`, and what a probe's labels can be wrong in (`probe.singleClass` …).
  /// - Complexity: a pass over the source, for experts one each; O(neurons · n log n) for n examples.
  public static func concept(
    _ concept: Concept, in source: some ActivationSource, sites: [String]? = nil, pooling: Pooling = .max,
    count: Int = 20, heldOutShare: Double = 0.25, specialTokens: Bool = false, maximumExamples: Int = 5000,
    memory: Int = 1 << 30, seed: UInt64 = 0
  ) throws -> ConceptNeurons {
    let sites = try source.requireNeuronSites(sites)
    func found(_ sites: [StoredSite], in source: some ActivationSource) throws -> ConceptNeurons {
      try separations(
        concept, in: source, sites: sites, pooling: pooling, count: count, heldOutShare: heldOutShare,
        specialTokens: specialTokens, maximumExamples: maximumExamples, memory: memory, seed: seed)
    }
    let dense = sites.filter { !$0.isRouted }
    var result = dense.isEmpty ? nil : try found(dense, in: source)
    var failure: Fault?
    var skipped = 0
    for site in sites where site.isRouted {
      do {
        let own = try found([site], in: RoutedTokens(source, site: site.name))
        result = result.map { joined($0, own, count: count) } ?? own
      } catch let fault as Fault where Self.sawTooLittle.contains(fault.name) {
        failure = fault
        skipped += 1
      }
    }
    guard var result else { throw failure ?? source.noSites }
    if skipped > 0 { result.skippedExperts = skipped }
    return result
  }

  /// What a concept's labels lack where an expert saw too few of its tokens.
  private static let sawTooLittle: Set = ["probe.singleClass", "probe.tooFewExamples", "probe.noLabels"]

  private static func joined(_ a: ConceptNeurons, _ b: ConceptNeurons, count: Int) -> ConceptNeurons {
    var result = a
    result.examples = max(a.examples, b.examples)
    result.heldOut = max(a.heldOut, b.heldOut)
    result.neurons += b.neurons
    result.ranked = Array((a.ranked + b.ranked).sorted(by: better).prefix(count))
    return result
  }

  private static func separations(
    _ concept: Concept, in source: some ActivationSource, sites: [StoredSite], pooling: Pooling, count: Int,
    heldOutShare: Double, specialTokens: Bool, maximumExamples: Int, memory: Int, seed: UInt64
  ) throws -> ConceptNeurons {
    let examples = try Examples(
      concept, of: source, specialTokens: specialTokens, most: maximumExamples, seed: seed)
    let split = try examples.split(testShare: heldOutShare, seed: seed)
    let order = split.train + split.test
    let labels = order.map { examples.labels[$0] }
    let classes = examples.classes.count
    let chosenBy = 0..<split.train.count
    let ownPooling = concept.level == .document && source.rowKind == .token ? pooling : nil

    var ranked: [NeuronSeparation] = []
    var neurons = 0
    for share in sites.shares(rows: order.count, memory: memory) {
      let matrices = try examples.activations(of: share, in: source, order: order, pooling: ownPooling)
      for (site, matrix) in zip(share, matrices) {
        neurons += site.width
        let profile = ClassProfile(matrix, rows: chosenBy, labels: Array(labels[chosenBy]), classes: classes)
        let counts = (0..<classes).map { c in Double(labels[chosenBy].count { $0 == Int32(c) }) }
        let total = counts.reduce(0, +)
        var own: [NeuronSeparation] = []
        for column in 0..<site.width where profile.deviations[column] > 0 {
          // Two classes: the second is the concept. More: the one that the column separates best.
          var best = classes == 2 ? 1 : 0
          if classes > 2 {
            for c in 1..<classes
            where abs(profile.auroc[column * classes + c] - 0.5) > abs(profile.auroc[column * classes + best] - 0.5) {
              best = c
            }
          }
          let inside = Double(profile.means[column * classes + best])
          var outside = 0.0
          for c in 0..<classes where c != best { outside += Double(profile.means[column * classes + c]) * counts[c] }
          outside /= max(total - counts[best], 1)
          own.append(
            NeuronSeparation(
              neuron: NeuronReference(site: site.name, layer: site.layer, index: column),
              label: examples.classes[best], auroc: Double(profile.auroc[column * classes + best]),
              heldOutAUROC: nil, meanInside: inside, meanOutside: outside,
              difference: (inside - outside) / Double(profile.deviations[column])))
        }
        own.sort(by: better)
        for index in own.indices.prefix(count) {
          let column = own[index].neuron.index
          let target = Int32(examples.classes.firstIndex(of: own[index].label) ?? 0)
          own[index].heldOutAUROC = AUROC.area(
            scores: (chosenBy.upperBound..<order.count).map { matrix.elements[$0 * matrix.columns + column] },
            positive: labels[chosenBy.upperBound...].map { $0 == target })
        }
        ranked += own.prefix(count)
      }
    }
    ranked.sort(by: better)
    return ConceptNeurons(
      classes: examples.classes, pooling: pooling, examples: split.train.count, heldOut: split.test.count,
      neurons: neurons, ranked: Array(ranked.prefix(count)))
  }

  private static func better(_ a: NeuronSeparation, _ b: NeuronSeparation) -> Bool {
    let (x, y) = (abs(a.auroc - 0.5), abs(b.auroc - 0.5))
    if x != y { return x > y }
    if abs(a.difference) != abs(b.difference) { return abs(a.difference) > abs(b.difference) }
    return a.neuron < b.neuron
  }
}
