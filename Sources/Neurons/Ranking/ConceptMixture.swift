import Foundation

/// How a neuron's top documents are divided among concepts, corrected for the concepts' frequencies.
struct ConceptMixture {
  /// −Σ p ln p.
  var entropy: Double
  /// max p.
  var purity: Double

  /// The top examples are the first `top` documents, but no more than a typical concept has, so that a neuron of one
  /// concept can be pure. p_c is the share n_c(top) / n_c of the concept's documents, brought to a sum of 1.
  init(order: [Int32], labels: [Int32], counts: [Double], top: Int) {
    let present = counts.filter { $0 > 0 }.sorted()
    let typical = present.isEmpty ? 1 : present[present.count / 2]
    var inTop = [Double](repeating: 0, count: counts.count)
    for document in order.prefix(min(top, Int(typical))) { inTop[Int(labels[Int(document)])] += 1 }
    let rates = zip(inTop, counts).map { $1 > 0 ? $0 / $1 : 0 }
    let sum = rates.reduce(0, +)
    entropy = sum > 0 ? rates.reduce(0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 } : 0
    purity = sum > 0 ? (rates.max() ?? 0) / sum : 0
  }
}

extension NeuronMeasures {
  mutating func set(_ mixture: ConceptMixture) {
    self[.conceptEntropy] = mixture.entropy
    self[.effectiveConcepts] = exp(mixture.entropy)
    self[.purity] = mixture.purity
  }
}
