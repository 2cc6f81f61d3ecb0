import Activations
import Foundation
import LinearAlgebra
import Neurons
import TestSupport
import Testing

/// Every measure beside what NumPy, SciPy and scikit-learn make of the same corpus (`Scripts/references/neurons.py`).
@Suite struct NeuronReferenceTests {
  struct Fixture: Decodable {
    struct Neuron: Decodable {
      let measures: [String: Double]
      let controlled: [String: Double]
      let aurocs: [String: Double]
    }
    struct Residuals: Decodable {
      let values: [Double]
      let share: [Double]
      let expected: [Double]
    }
    let window: Int
    let top: Int
    let tokens: Int
    let labels: [Int]
    let letters: [[Int]]
    let neurons: [[Float]]
    let residual: [[Float]]
    let expected: [Neuron]
    let threshold: Double
    let residuals: Residuals
  }

  static func fixture() throws -> Fixture {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/ranking", withExtension: "json"))
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
  }

  static func source(_ fixture: Fixture) -> MemorySource {
    var source = MemorySource.documents(
      [Int](repeating: fixture.tokens, count: fixture.labels.count),
      labels: fixture.labels.map { .text("label \($0)") },
      sites: [
        "blocks.0.mlp.hook_post": fixture.neurons[0].count, "blocks.0.hook_resid_post": fixture.residual[0].count,
      ]
    ) { site, document, token, column in
      let row = document * fixture.tokens + token
      return site.hasSuffix("mlp.hook_post") ? fixture.neurons[row][column] : fixture.residual[row][column]
    }
    let alphabet = ["a", "b", "c", "d", "e", "f", "g"]
    source.texts = fixture.letters.map { $0.map { alphabet[$0] }.joined() }
    for row in source.tokenTable.ids.indices {
      let (document, token) = row.quotientAndRemainder(dividingBy: fixture.tokens)
      source.tokenTable.ids[row] = token == 0 ? 99 : Int32(fixture.letters[document][token - 1])
    }
    for index in source.sites.indices { source.sites[index].layer = 0 }
    return source
  }

  @Test func everyMeasureIsTheReferences() throws {
    let fixture = try Self.fixture()
    let measured = try NeuronRanking(window: fixture.window, top: fixture.top).measure(Self.source(fixture))
    #expect(measured.neurons.count == fixture.expected.count)
    #expect(abs(measured.threshold - fixture.threshold) < 1e-5)
    let ranked = try measured.ranked(count: 100)
    for (column, expected) in fixture.expected.enumerated() {
      for (own, reference) in [
        (measured.neurons[column], expected.measures), (measured.controlled[column], expected.controlled),
      ] {
        for (name, value) in reference {
          let measure = try #require(NeuronMeasure(rawValue: name))
          let found = try #require(own[measure], "\(name) of neuron \(column)")
          // Sums of float32 products over 160 contexts: 1e-5 of the largest summand.
          #expect(abs(found - value) < 2e-5 * max(1, abs(value)), "\(name) of neuron \(column): \(found), not \(value)")
        }
      }
      let row = try #require(ranked.first { $0.neuron.index == column })
      for (label, auroc) in expected.aurocs { #expect(abs((row.aurocs[label] ?? -1) - auroc) < 1e-12) }
    }
    // The neuron that knows one letter is last among those that fire, that of two labels first.
    #expect(measured.neurons[4][.lexicalShare] == 1)
    #expect(ranked.first?.neuron.index == 1)
  }

  @Test func lexicalResidualsAreTheReferences() throws {
    let residuals = try Self.fixture().residuals
    let found = LexicalControl.residuals(residuals.values, share: residuals.share)
    for (own, reference) in zip(found, residuals.expected) { #expect(abs(own - reference) < 1e-12) }
  }

  /// Behind a gated MLP a neuron is judged by its magnitude.
  @Test func gatedNeuronsAreJudgedByMagnitude() throws {
    let fixture = try Self.fixture()
    var source = Self.source(fixture)
    let plain = try NeuronRanking(window: fixture.window, top: fixture.top).measure(source)
    let site = source.sites.firstIndex { $0.name == "blocks.0.mlp.hook_post" }
    source.sites[try #require(site)].gated = true
    var flipped = source
    let values = try #require(source.values["blocks.0.mlp.hook_post"])
    // With the sign of every second document exchanged nothing changes but the moments.
    let perDocument = fixture.tokens * values.columns
    flipped.values["blocks.0.mlp.hook_post"] = Matrix(
      rows: values.rows, columns: values.columns,
      elements: values.elements.enumerated().map { $0.offset / perDocument % 2 == 0 ? $0.element : -$0.element })
    let ranking = NeuronRanking(window: fixture.window, top: fixture.top)
    let (a, b) = (try ranking.measure(source), try ranking.measure(flipped))
    for measure in NeuronMeasure.allCases where measure != .skewness && measure != .kurtosis {
      for (x, y) in zip(a.neurons, b.neurons) {
        #expect(abs((x[measure] ?? 0) - (y[measure] ?? 0)) < 1e-5, "\(measure)")
      }
    }
    #expect(plain.neurons[0][.skewness] == a.neurons[0][.skewness])
  }
}
