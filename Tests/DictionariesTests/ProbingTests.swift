import Activations
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing

/// What scikit-learn and PyTorch made of the same rows and weights (`Scripts/references/dictionary_probing.py`).
private struct Reference: Decodable {
  struct Probing: Decodable {
    struct Score: Decodable {
      var basis: String
      var k: Int
      var columns: [Int]
      var accuracy: Double
      var auroc: Double
    }
    var x: [Float]
    var labels: [Int]
    var train: [Int]
    var test: [Int]
    var scores: [Score]
  }
  struct Absorption: Decodable {
    struct Letter: Decodable {
      var letter: String
      var words: Int
      var probeF1: Double
      var mainLatents: [Int]
      var mainF1: Double
      var absorption: Double
      var fullAbsorption: Double
    }
    var x: [Float]
    var letters: [Int]
    var results: [Letter]
  }
  var probing: Probing
  var absorption: Absorption

  static func read() throws -> Reference {
    let data = try Data(contentsOf: Fixtures.folder.appending(path: "probing.json"))
    return try JSONDecoder().decode(Reference.self, from: data)
  }
}

@Suite struct ProbingTests {
  /// From rows to scores: latents, means over documents, the choice of columns, and the regressions.
  @Test func probesAsScikitLearn() throws {
    let reference = try Reference.read().probing
    let site = "blocks.1.hook_resid_post"
    var source = MemorySource.documents(
      reference.labels.map { _ in 3 }, labels: reference.labels.map { .text($0 == 1 ? "yes" : "no") }, sites: [site: 8]
    ) { _, document, token, column in reference.x[(document * 3 + token) * 8 + column] }
    source.tokenTable.special = source.tokenTable.special.map { _ in 0 }
    let found = try Fixtures.dictionary("saelens-topk").sparseProbing(
      of: source, dataset: "reference", concept: Concept(positive: "yes"), ks: [1, 2, 5], sites: [site], site: nil,
      seed: 0, split: (reference.train, reference.test))
    let scores = try #require(found.first?.scores)
    #expect(found.count == 1)
    #expect(scores.count == reference.scores.count)
    for (own, other) in zip(scores, reference.scores) {
      #expect(own.basis == other.basis)
      #expect(own.columns == other.columns)
      // The nearest score to 0 is at 0.008, far above what single precision and convergence change.
      #expect(abs(own.accuracy - other.accuracy) < 1e-9)
      // 20 by 20 documents: two nearly equal scores may change places.
      #expect(abs((own.auroc ?? 0) - other.auroc) < 1.01 / 400)
    }
  }

  /// From activations at words to the letters' figures: probes, main latents, and both absorption measures.
  @Test func measuresAbsorptionAsScikitLearn() throws {
    let reference = try Reference.read().absorption
    let x = Matrix(rows: reference.letters.count, columns: 8, elements: reference.x)
    let found = try FeatureAbsorption(
      of: Fixtures.dictionary("saelens-topk"), at: x, letters: reference.letters)
    #expect(found.letters.count == reference.results.count)
    for (own, other) in zip(found.letters, reference.results) {
      #expect(own.letter == other.letter)
      #expect(own.words == other.words)
      #expect(own.mainLatents == other.mainLatents)
      #expect(abs(own.probeF1 - other.probeF1) < 1e-9)
      #expect(abs(own.mainF1 - other.mainF1) < 1e-9)
      // Projections follow from the probe's direction, which both find to some five digits.
      guard own.probeF1 >= 0.6 else {
        #expect(own.absorption == nil && own.fullAbsorption == nil)
        continue
      }
      #expect(abs(try #require(own.absorption) - other.absorption) < 1e-3)
      #expect(abs(try #require(own.fullAbsorption) - other.fullAbsorption) < 1e-9)
    }
  }

  /// Letters that the activation says nothing of have no absorption.
  @Test func unknownLettersHaveNoAbsorption() throws {
    var generator = SeededGenerator(seed: 4)
    let x = Matrix(rows: 200, columns: 8, elements: (0..<1600).map { _ in Float(generator.normal()) })
    let found = try FeatureAbsorption(
      of: Fixtures.dictionary("saelens-topk"), at: x, letters: (0..<200).map { _ in generator.integer(below: 8) })
    #expect(!found.letters.isEmpty)
    #expect(found.letters.allSatisfy { $0.probeF1 < 0.6 && $0.absorption == nil && $0.fullAbsorption == nil })
    #expect(found.meanAbsorption.isNaN)
  }

  /// Sets whose labels do not go together are labelled by their names.
  @Test func labelsBySet() throws {
    let labels: [Label?] = (0..<300).map { index in
      switch index % 3 {
      case 0: .text(index % 2 == 0 ? "Korean" : "other")
      case 1: .number(Double(1700 + index))
      default: nil
      }
    }
    var source = MemorySource.documents(labels.map { _ in 2 }, labels: labels, sites: ["site": 1]) { _, _, _, _ in 0 }
    source.documents.ids = (0..<300).map { "\(["korean", "year", "names"][$0 % 3])-\($0)" }
    let found = try #require(try LabelledBySet(source))
    let named = found.documents.labels[DocumentTable.defaultLabels]?.compactMap { $0?.description } ?? []
    #expect(named.prefix(4) == ["korean: Korean", "year", "names", "korean: other"])
    #expect(named.count == 300)
    source.documents.labels = [DocumentTable.defaultLabels: (0..<300).map { .text("\($0 % 2)") }]
    #expect(try LabelledBySet(source) == nil)
  }
}
