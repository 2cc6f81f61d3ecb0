import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Neurons
import Probes
import TestSupport
import Testing

@Suite("Experts by the concepts that wake them") struct ExpertProfilingTests {
  private static let site = "blocks.0.mlp.hook_expert_indices"

  /// Documents whose tokens wake `active` of the experts; `chances` gives each expert's weight for a document's tokens.
  private func source(
    _ lengths: [Int], labels: [Label?], groups: [String?]? = nil, experts: Int, active: Int, seed: UInt64,
    chances: (_ document: Int, _ token: Int, inout SeededGenerator) -> [Double]
  ) -> MemorySource {
    var generator = SeededGenerator(seed: seed)
    let chosen = lengths.enumerated().map { document, length in
      (0..<length).map { token -> [Int] in
        var weights = chances(document, token, &generator)
        return (0..<active).map { _ in
          var rest = generator.uniform() * weights.reduce(0, +)
          let found = weights.indices.first { index in
            rest -= weights[index]
            return rest < 0 && weights[index] > 0
          }
          let expert = found ?? weights.indices.last { weights[$0] > 0 } ?? 0
          weights[expert] = 0
          return expert
        }
      }
    }
    var source = MemorySource.documents(lengths, labels: labels, groups: groups, sites: [Self.site: active]) {
      Float(chosen[$1][$2][$3])
    }
    source.sites[0].layer = 0
    source.sites[0].routing = Routing(experts: experts, active: active)
    return source
  }

  @Test(
    "Of routing by chance, one interval in twenty leaves the base rate out",
    arguments: [(40, 4, 8, 0.0), (40, 4, 8, 0.7), (90, 6, 16, 1.2), (24, 3, 8, 0.7)])
  func intervalsHoldOnChance(documents: Int, concepts: Int, experts: Int, spread: Double) throws {
    var (intervals, excluding) = (0, 0)
    for seed in 0..<(7200 / (documents * 2)) {
      var generator = SeededGenerator(seed: UInt64(seed), stream: "chance")
      let base = (0..<experts).map { _ in exp(generator.normal()) }
      // Tokens of a document are alike: each document has its own taste for experts, whatever its label.
      let own = (0..<documents).map { _ in base.map { $0 * exp(spread * generator.normal()) } }
      let lengths = (0..<documents).map { _ in 8 + generator.integer(below: 40) }
      let labels = generator.permutation(documents).map { Label.text("c\($0 % concepts)") }
      let source = source(lengths, labels: labels, experts: experts, active: 2, seed: UInt64(seed)) { document, _, _ in
        own[document]
      }
      let profile = try ExpertProfiling().profile(source)
      intervals += profile.intervals
      excluding += profile.excluding
    }
    let share = Double(excluding) / Double(intervals)
    #expect(intervals > 1500)
    #expect(share > 0.025 && share < 0.075, "\(excluding) of \(intervals)")
  }

  @Test func aConceptThatWakesAnExpertIsFound() throws {
    let labels = (0..<30).map { Label.text(["a", "b", "c"][$0 % 3]) }
    // Expert 2 is for b, expert 5 for nobody.
    let source = source([Int](repeating: 21, count: 30), labels: labels, experts: 6, active: 2, seed: 3) {
      document, _, _ in [1, 1, document % 3 == 1 ? 6 : 0.5, 1, 1, 0]
    }
    let profile = try ExpertProfiling().profile(source)
    #expect(profile.tokens == 600 && profile.documents == 30 && profile.groups == 30)
    #expect(profile.concepts == ["a", "b", "c"])
    #expect(profile.layers.map(\.neverWoken) == [[5]] && profile.layers[0].routerEntropy == nil)
    let first = try #require(profile.experts.first)
    #expect(first.name == "L0.E2" && first.concepts.first?.label == "b")
    let concept = try #require(first.concepts.first)
    #expect(concept.tokens == 200 && concept.excludesBase)
    let (low, high) = (try #require(concept.low), try #require(concept.high))
    #expect(low < concept.share && concept.share < high && low > (first.baseRate ?? 1))
    #expect(abs(concept.lift - concept.share / (first.baseRate ?? 1)) < 1e-12)
    // What is counted is what is in the source.
    let table = try #require(source.values[Self.site])
    var counts = [Int](repeating: 0, count: 6)
    for row in 0..<table.rows where source.tokenTable.special[row] == 0 {
      for column in 0..<2 { counts[Int(table[row, column])] += 1 }
    }
    for expert in profile.experts { #expect(expert.tokens == counts[expert.expert]) }
    let load = counts.map { Double($0) / 1200 }.reduce(0.0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    #expect(abs(profile.layers[0].loadEntropy - load) < 1e-12 && profile.layers[0].largestEntropy == log(6))
  }

  @Test func routersEntropyIsThatOfItsDistribution() throws {
    let logits = "blocks.0.mlp.hook_router_logits"
    var source = source([5, 6, 7], labels: [nil, nil, nil], experts: 4, active: 1, seed: 1) { _, _, _ in [1, 1, 1, 1] }
    source.sites.append(StoredSite(name: logits, layer: 0, axes: ["experts"], shape: [4], storage: .float32))
    var elements: [Float] = []
    for row in 0..<source.rowCount { elements += [0, 0, 0, row % 5 == 0 ? 50 : 0] }
    source.values[logits] = Matrix(rows: source.rowCount, columns: 4, elements: elements)
    let even = (0..<source.rowCount).filter { source.tokenTable.special[$0] == 0 && $0 % 5 != 0 }.count
    let softmax = try ExpertProfiling().profile(source)
    #expect(abs((softmax.layers[0].routerEntropy ?? 0) - log(4) * Double(even) / 15) < 1e-9)
    #expect(softmax.concepts.isEmpty && softmax.intervals == 0 && softmax.experts.allSatisfy { $0.concepts.isEmpty })
    // Sigmoids of 0, 0, 0 and 50: 1/2, 1/2, 1/2, 1.
    let p = [0.2, 0.2, 0.2, 0.4].reduce(0.0) { $0 - $1 * log($1) }
    let sigmoid = try ExpertProfiling(score: .sigmoid).profile(source)
    let expected = (log(4) * Double(even) + p * Double(15 - even)) / 15
    #expect(abs((sigmoid.layers[0].routerEntropy ?? 0) - expected) < 1e-9)
  }

  @Test func spansAreConceptsOfTokens() throws {
    var source = source(
      [Int](repeating: 11, count: 40), labels: [Label?](repeating: nil, count: 40), experts: 4,
      active: 1, seed: 5
    ) { _, token, _ in token == 3 ? [0, 0, 0, 1] : [1, 1, 1, 0.2] }
    source.spans = SpanTable((0..<40).map { SpanRow(document: Int32($0), start: 2, end: 3, label: .text("third")) })
    let profile = try ExpertProfiling(level: .token).profile(source)
    #expect(profile.concepts == ["third"])
    let first = try #require(profile.experts.first)
    #expect(first.name == "L0.E3" && first.concepts.map(\.label) == ["third"])
    #expect(first.concepts[0].tokens == 40 && first.concepts[0].share == 1 && first.concepts[0].excludesBase)
  }

  @Test func groupsAreIndependentNotDocuments() throws {
    let labels = (0..<24).map { Label.text($0 % 2 == 0 ? "a" : "b") }
    func profile(_ groups: [String?]?) throws -> ExpertProfile {
      try ExpertProfiling().profile(
        source([Int](repeating: 20, count: 24), labels: labels, groups: groups, experts: 4, active: 1, seed: 2) {
          document, _, _ in [1, document / 6 == 0 ? 5 : 0.2, 1, 1]
        })
    }
    let (apart, together) = (try profile(nil), try profile((0..<24).map { "g\($0 / 2)" }))
    #expect(apart.groups == 24 && together.groups == 12)
    #expect(apart.experts.map(\.tokens).sorted() == together.experts.map(\.tokens).sorted())
  }

  @Test func whatCannotBeCountedIsNamed() throws {
    let plain = MemorySource.documents([4, 4], labels: [nil, nil], sites: ["blocks.0.hook_resid_post": 2]) {
      _, _, _, _ in 0
    }
    func name(_ source: MemorySource, _ profiling: ExpertProfiling, layers: Set<Int>? = nil) -> String? {
      #expect(throws: Fault.self) { try profiling.profile(source, layers: layers) }?.name
    }
    #expect(name(plain, ExpertProfiling()) == "neurons.noRouter")
    var own = source([4, 4], labels: [nil, nil], experts: 3, active: 1, seed: 1) { _, _, _ in [1, 1, 1] }
    #expect(name(own, ExpertProfiling(column: "kind")) == "neurons.noLabels")
    #expect(name(own, ExpertProfiling(needsLabels: true)) == "neurons.noLabels")
    #expect(name(own, ExpertProfiling(level: .token)) == "neurons.noLabels")
    #expect(name(own, ExpertProfiling(), layers: [3]) == "neurons.noSuchLayer")
    own.sites[0].routing = Routing(experts: 1, active: 1)
    own.values[Self.site]?[2, 0] = 7
    #expect(name(own, ExpertProfiling()) == "neurons.expertNumber")
  }

  @Test(arguments: [(1.0, 12.7062), (4, 2.7764), (10, 2.2281), (60, 2.0003), (1e7, 1.95996)])
  func studentsT(degrees: Double, expected: Double) {
    #expect(abs(StudentT.critical(tail: 0.05, degrees: degrees) - expected) < 1e-4)
  }
}
