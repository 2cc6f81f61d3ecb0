import LinearAlgebra

/// What a neuron was planted to do.
public enum PlantedKind: String, Codable, Sendable, CaseIterable {
  case oneConcept = "one concept"
  /// Three related concepts: one meaning, though three labels.
  case broadMeaning = "one broad meaning"
  case twoConcepts = "two concepts"
  case fiveConcepts = "five concepts"
  case singleToken = "a single token"
  /// Half fires at random tokens, half in random documents.
  case noise

  public var isPolysemantic: Bool { self == .twoConcepts || self == .fiveConcepts }

  /// Those that a measure must not take for polysemantic.
  public static var negatives: [PlantedKind] { allCases.filter { !$0.isPolysemantic } }
}

/// Decides at which tokens planted neurons fire, and how strongly.
///
/// Whatever a neuron means, it fires at the same share of all tokens, as far as its concepts have so many: a neuron of five
/// concepts fires at fewer of each one's tokens than a neuron of one, and noise as often as either. How often a neuron fires
/// so says nothing of what it means.
struct NeuronPlanter {
  /// Each token's concept, form and document.
  let concepts: [Int]
  let forms: [Int]
  let documentOf: [Int]
  let documents: Int
  /// Concepts that are related.
  let families: [[Int]]
  /// The share of tokens where a neuron fires.
  let rate: Double
  /// Strengths of a neuron's concepts lie between this and 1.
  let weakest: Double
  /// Tokens of each concept, as shares.
  private let frequencies: [Double]
  /// Forms that stand at about `rate` of the tokens, and how often each does.
  private let candidates: [(form: Int, share: Double)]

  init(
    concepts: [Int], forms: [Int], documentOf: [Int], documents: Int, families: [[Int]], rate: Double, weakest: Double
  ) {
    self.concepts = concepts
    self.forms = forms
    self.documentOf = documentOf
    self.documents = documents
    self.families = families
    self.rate = rate
    self.weakest = weakest
    let count = Double(max(concepts.count, 1))
    var own = [Double](repeating: 0, count: (families.joined().max() ?? 0) + 1)
    for concept in concepts where concept >= 0 { own[concept] += 1 / count }
    frequencies = own
    // A single token's neuron knows a form that stands in documents of many concepts.
    var counts: [Int: Double] = [:]
    var holders: [Int: Set<Int>] = [:]
    for (form, concept) in zip(forms, concepts) {
      counts[form, default: 0] += 1 / count
      holders[form, default: []].insert(concept)
    }
    let shared = counts.filter { holders[$0.key, default: []].count * 2 >= families.joined().count }
    candidates = (shared.isEmpty ? counts : shared)
      .sorted {
        abs($0.value - rate) != abs($1.value - rate) ? abs($0.value - rate) < abs($1.value - rate) : $0.key < $1.key
      }
      .prefix(12).map { (form: $0.key, share: $0.value) }
  }

  /// A neuron's firing at each token: 0, or its concept's strength times something from 0.5 to 1.5.
  func firing(_ kind: PlantedKind, number: Int, generator: inout SeededGenerator) -> [Float] {
    var shares = [Double](repeating: 0, count: frequencies.count)
    var strengths = shares
    var form: (form: Int, share: Double)?
    var awake: [Bool]?
    var everywhere = 0.0
    switch kind {
    case .oneConcept, .twoConcepts, .fiveConcepts, .broadMeaning:
      let count = [.oneConcept: 1, .twoConcepts: 2, .fiveConcepts: 5][kind] ?? 3
      let chosen = kind == .broadMeaning ? related(count, &generator) : unrelated(count, &generator)
      let total = chosen.reduce(0) { $0 + frequencies[$1] }
      for (place, concept) in chosen.enumerated() {
        shares[concept] = min(0.95, rate / max(total, 1e-9))
        strengths[concept] = place == 0 ? 1 : weakest + (1 - weakest) * generator.uniform()
      }
    case .singleToken: form = candidates.isEmpty ? nil : candidates[generator.integer(below: candidates.count)]
    case .noise where number % 2 == 0: everywhere = rate
    case .noise:
      // As many documents as two concepts have.
      let share = 2 / Double(max(families.joined().count, 1))
      awake = (0..<documents).map { _ in generator.uniform() < share }
      let tokens = documentOf.count { awake?[$0] == true }
      everywhere = min(0.95, rate * Double(documentOf.count) / Double(max(tokens, 1)))
    }
    return concepts.indices.map { token in
      let concept = concepts[token]
      var (share, strength) = concept >= 0 ? (shares[concept], strengths[concept]) : (0, 0)
      if everywhere > 0 {
        (share, strength) = (awake?[documentOf[token]] == false ? 0 : everywhere, 1)
      } else if let form {
        // Where the form is too rare, the rest is noise.
        share = forms[token] == form.form ? min(1, rate / form.share) : max(0, rate - form.share) / (1 - form.share)
        strength = 1
      }
      guard share > 0, generator.uniform() < share else { return 0 }
      return Float(strength * (0.5 + generator.uniform()))
    }
  }

  /// Some concepts of one family.
  private func related(_ count: Int, _ generator: inout SeededGenerator) -> [Int] {
    let large = families.filter { $0.count >= count }
    guard !large.isEmpty else { return unrelated(1, &generator) }
    var family = large[generator.integer(below: large.count)]
    generator.shuffle(&family)
    return Array(family.prefix(count))
  }

  /// Some concepts of different families, as long as there are families left.
  private func unrelated(_ count: Int, _ generator: inout SeededGenerator) -> [Int] {
    var order = families.enumerated().flatMap { family, concepts in concepts.map { (family: family, concept: $0) } }
    generator.shuffle(&order)
    var chosen: [Int] = []
    var used: [Int: Int] = [:]
    while chosen.count < min(count, order.count) {
      let left = order.filter { !chosen.contains($0.concept) }
      guard let next = left.min(by: { used[$0.family] ?? 0 < used[$1.family] ?? 0 }) else { break }
      chosen.append(next.concept)
      used[next.family, default: 0] += 1
    }
    return chosen
  }
}
