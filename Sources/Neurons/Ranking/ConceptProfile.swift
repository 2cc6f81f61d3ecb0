import LinearAlgebra
import Probes

/// How one neuron answers concepts: kinds of documents, by label or by region.
struct ConceptProfile {
  /// The chance that a document of a concept exceeds one of another concept, ties half: [concepts].
  var auroc: [Double]
  /// The mean of the documents' activations: [concepts].
  var means: [Double]
  /// The documents' numbers, the highest activation first; of equal ones the earlier.
  var order: [Int32]
  /// [concepts, concepts]: pairs of documents in which the first concept's is higher, ties half.
  private let wins: [Double]
  private let counts: [Double]
  private let ranked: [Int]

  /// - Complexity: O(n · (log n + concepts)).
  init(values: [Float], labels: [Int32], counts: [Double]) {
    let classes = counts.count
    self.counts = counts
    var wins = [Double](repeating: 0, count: classes * classes)
    var means = [Double](repeating: 0, count: classes)
    let ranks = Ranks(values)
    var below = [Double](repeating: 0, count: classes)
    var tied = below
    var present: [Int] = []
    ranks.forEachTie { tie in
      present.removeAll(keepingCapacity: true)
      for place in tie {
        let document = ranks.example(place)
        let c = Int(labels[document])
        if tied[c] == 0 { present.append(c) }
        tied[c] += 1
        means[c] += Double(values[document]) / counts[c]
      }
      for c in present {
        for other in 0..<classes { wins[c * classes + other] += tied[c] * below[other] }
        for other in present { wins[c * classes + other] += tied[c] * tied[other] / 2 }
      }
      for c in present {
        below[c] += tied[c]
        tied[c] = 0
      }
    }
    self.wins = wins
    self.means = means
    order = ranks.descending
    let total = counts.reduce(0, +)
    auroc = (0..<classes).map { c in
      let others = total - counts[c]
      guard counts[c] > 0, others > 0 else { return 0.5 }
      let all = (0..<classes).reduce(0) { $1 == c ? $0 : $0 + wins[c * classes + $1] }
      return all / (counts[c] * others)
    }
    // Cautiously, so that a concept of few documents does not lead by chance.
    let measured = zip(auroc, counts).map { area, own in
      own > 0 && own < total ? area - Self.standardError(own, total - own) : area
    }
    ranked = (0..<classes).filter { counts[$0] > 0 }
      .sorted { measured[$0] != measured[$1] ? measured[$0] > measured[$1] : $0 < $1 }
  }

  /// The chance that a document of one concept exceeds one of none of the concepts given.
  func separation(of concept: Int, outside concepts: [Int]) -> Double {
    let classes = counts.count
    let rest = (0..<classes).filter { !concepts.contains($0) && counts[$0] > 0 }
    let others = rest.reduce(0) { $0 + counts[$1] }
    guard others > 0, counts[concept] > 0 else { return 0.5 }
    return rest.reduce(0) { $0 + wins[concept * classes + $1] } / (counts[concept] * others)
  }

  /// The concepts that the neuron answers, each above `least` against the documents of none of them: the longest
  /// list, by AUROC, for which that holds. At most half of the concepts.
  func separated(atLeast least: Double) -> [Int] {
    var found: [Int] = []
    for count in 1...max(1, ranked.count / 2) {
      let some = Array(ranked.prefix(count))
      if some.allSatisfy({ separation(of: $0, outside: some) >= least }) { found = some }
    }
    return found
  }

  /// How clearly there is more than one unrelated meaning, and which.
  ///
  /// For the first m concepts, m from 2 to half of them: the smallest cautious separation s from the documents of none of
  /// them, and the level ρ at which the tree joins them; the largest (2s − 1) · max(0.05, 1 − max(0, ρ) / 0.35).
  func secondMeaning(_ tree: ConceptTree) -> SecondMeaning {
    let classes = counts.count
    var best = SecondMeaning(score: 0, meanings: ranked.prefix(1).map { [$0] })
    guard ranked.count >= 3 else { return best }
    var some: [Int] = []
    // Pairs that each concept wins against documents of none of them, and how many such documents there are.
    var outside: [Double] = []
    var rest = counts.reduce(0, +)
    var level = 1.0
    for concept in ranked.prefix(max(2, ranked.count / 2)) {
      for index in some.indices {
        outside[index] -= wins[some[index] * classes + concept]
        level = min(level, tree.level(some[index], concept))
      }
      outside.append(
        (0..<classes).reduce(0) { $1 == concept || some.contains($1) ? $0 : $0 + wins[concept * classes + $1] })
      some.append(concept)
      rest -= counts[concept]
      guard some.count > 1, rest > 0 else { continue }
      let least = some.indices.map { index in
        let own = counts[some[index]]
        return outside[index] / (own * rest) - Self.standardError(own, rest)
      }
      .min()
      let apart = max(SecondMeaning.oneMeaning, 1 - max(0, level) / ConceptTree.threshold)
      let score = max(0, 2 * (least ?? 0.5) - 1) * apart
      if score > best.score { best = SecondMeaning(score: score, meanings: tree.meanings(some)) }
    }
    if !best.hasSeveral, best.meanings.count > 1 { best.meanings = [[ranked[0]]] }
    return best
  }

  /// The standard error of an AUROC of m against n documents where there is nothing to tell (Mann and Whitney).
  private static func standardError(_ m: Double, _ n: Double) -> Double { ((m + n + 1) / (12 * m * n)).squareRoot() }
}

/// What a neuron means beside its first meaning.
struct SecondMeaning {
  /// How clear the several meanings are, 0 to 1.
  var score: Double
  /// Concepts that are one meaning together, first that of the clearest; one list where there is no second meaning.
  var meanings: [[Int]]

  /// No neuron with one meaning scores more than this, and each with several scores more.
  static let oneMeaning = 0.05
  var hasSeveral: Bool { score > Self.oneMeaning }
}
