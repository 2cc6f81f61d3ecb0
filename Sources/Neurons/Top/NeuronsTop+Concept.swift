import Activations
import Diagnostics
import LinearAlgebra
import Probes

/// A neuron that tells a concept from everything else.
public struct NeuronSeparation: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  /// What the neuron fires for: the concept, or what is not the concept; with several labels the one that it separates best.
  public var label: String
  /// Whether that is the concept (or with several labels, one of them).
  public var firesForConcept: Bool
  /// The chance that an example of `label` is higher than another, on the examples that the neuron was chosen by; 0.5 or more.
  public var auroc: Double
  /// The same on examples held back, which the choice among thousands of neurons has not flattered, with the ends of its
  /// 95 % interval, bootstrapped over groups.
  public var heldOutAUROC: Double?
  public var heldOutInterval: [Double]?
  /// The mean activation over examples of `label`, and over all others.
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
  /// First those that fire for the concept, then those that fire for what is not; each by `auroc`.
  public var ranked: [NeuronSeparation]
  /// Neurons left out that would have been among them, but whose AUROC on held-out examples may be chance: its interval
  /// holds 0.5.
  public var dropped: Int
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
  /// neurons, the rest say how well the chosen ones do; those that do no better there than chance may are left out.
  ///
  /// - Parameters:
  ///   - concept: with several labels and none of them positive, each neuron is listed for the label it separates best.
  ///   - pooling: how a document's tokens become one value; a neuron that fires once in a document counts by `max`.
  ///   - count: how many are listed; a quarter of the places is for neurons that fire for what is not the concept, which also
  ///     take what neurons for it leave.
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
    result.dropped += b.dropped
    result.ranked = bothSides((a.ranked + b.ranked).sorted(by: better), count: count)
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

    let heldOut = chosenBy.upperBound..<order.count
    let resampling = Resampling(groups: heldOut.map { examples.groups[order[$0]] }, seed: seed)
    var candidates: [Candidate] = []
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
          // A neuron that is low in the class fires for what is not of it.
          let area = Double(profile.auroc[column * classes + best])
          let isFor = area >= 0.5
          own.append(
            NeuronSeparation(
              neuron: NeuronReference(site: site.name, layer: site.layer, index: column),
              label: isFor
                ? examples.classes[best] : classes == 2 ? examples.classes[0] : "not \(examples.classes[best])",
              firesForConcept: isFor || classes == 2 && concept.positive == nil, auroc: max(area, 1 - area),
              heldOutAUROC: nil, meanInside: isFor ? inside : outside, meanOutside: isFor ? outside : inside,
              difference: abs(inside - outside) / Double(profile.deviations[column])))
        }
        own.sort(by: better)
        for side in [true, false] {
          for separation in own.lazy.filter({ $0.firesForConcept == side }).prefix(2 * count) {
            let column = separation.neuron.index
            let isNot = separation.label.hasPrefix("not ") && classes > 2
            let name = isNot ? String(separation.label.dropFirst(4)) : separation.label
            let target = Int32(examples.classes.firstIndex(of: name) ?? 0)
            candidates.append(
              Candidate(
                separation: separation, scores: heldOut.map { matrix.elements[$0 * matrix.columns + column] },
                positive: heldOut.map { (labels[$0] == target) != isNot }))
          }
        }
      }
    }
    candidates.sort { better($0.separation, $1.separation) }
    // On each side the first that hold on examples that did not choose them.
    var ranked: [NeuronSeparation] = []
    var dropped = 0
    for side in [true, false] {
      var found = 0
      for candidate in candidates where candidate.separation.firesForConcept == side && found < count {
        var own = candidate.separation
        own.heldOutAUROC = AUROC.area(scores: candidate.scores, positive: candidate.positive)
        own.heldOutInterval = resampling.interval(of: candidate)
        if let low = own.heldOutInterval?[0], low <= 0.5 {
          dropped += 1
          continue
        }
        ranked.append(own)
        found += 1
      }
    }
    return ConceptNeurons(
      classes: examples.classes, pooling: pooling, examples: split.train.count, heldOut: split.test.count,
      neurons: neurons, ranked: bothSides(ranked, count: count), dropped: dropped)
  }

  /// A neuron that may be listed, with its held-out examples.
  private struct Candidate {
    var separation: NeuronSeparation
    var scores: [Float]
    var positive: [Bool]
  }

  /// Held-out groups drawn again and again, with replacement.
  private struct Resampling {
    /// Each resample's examples.
    let draws: [[Int]]

    init(groups: [Int], seed: UInt64, count: Int = 400) {
      let members = Dictionary(grouping: groups.indices) { groups[$0] }.sorted { $0.key < $1.key }.map(\.value)
      var generator = SeededGenerator(seed: seed, stream: "held-out neurons")
      draws = (0..<count).map { _ in
        members.indices.flatMap { _ in members[generator.integer(below: members.count)] }
      }
    }

    /// The middle 95 % of the AUROCs; nil where a class is too rare to be in nine of ten resamples.
    func interval(of candidate: Candidate) -> [Double]? {
      let areas = draws.compactMap { draw in
        AUROC.area(scores: draw.map { candidate.scores[$0] }, positive: draw.map { candidate.positive[$0] })
      }
      .sorted()
      guard areas.count * 10 >= draws.count * 9, let last = areas.indices.last else { return nil }
      return [areas[Int(0.025 * Double(last))], areas[Int((0.975 * Double(last)).rounded(.up))]]
    }
  }

  /// So many, three quarters of them for the concept where there are enough, those first.
  private static func bothSides(_ ranked: [NeuronSeparation], count: Int) -> [NeuronSeparation] {
    let against = ranked.filter { !$0.firesForConcept }
    let own = ranked.filter(\.firesForConcept).prefix(max(count - min(against.count, count / 4), 0))
    return Array(own) + against.prefix(count - own.count)
  }

  private static func better(_ a: NeuronSeparation, _ b: NeuronSeparation) -> Bool {
    if a.firesForConcept != b.firesForConcept { return a.firesForConcept }
    if a.auroc != b.auroc { return a.auroc > b.auroc }
    if a.difference != b.difference { return a.difference > b.difference }
    return a.neuron < b.neuron
  }
}
