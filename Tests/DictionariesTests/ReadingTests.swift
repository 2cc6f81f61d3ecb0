import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing
import Transformer

/// A source whose columns are features with known meanings, and a dictionary that reads each off as a latent.
private enum Known {
  static let width = 6

  /// Latent i is column i; latent 6 is never active.
  static func dictionary() -> SparseAutoencoder {
    var weights = Matrix(zeros: width + 1, columns: width)
    for column in 0..<width { weights[column, column] = 1 }
    return SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, latents: width + 1, hookIn: "blocks.0.hook_resid_post"),
      encoder: weights, encoderBias: [Float](repeating: -0.5, count: width + 1), decoder: weights,
      decoderBias: [Float](repeating: 0.5, count: width))
  }

  /// Documents of four tokens in three classes: columns 0 and 1 know class 0 and 1, column 2 is on in one token of each
  /// document, column 3 is on everywhere, column 4 in half of class 2. Neuron 1 is column 0 doubled, neuron 0 noise.
  static func source() -> MemorySource {
    let labels: [Label] = (0..<48).map { .text(["french", "http", "code"][$0 % 3]) }
    var generator = SeededGenerator(seed: 3)
    let noise = (0..<1000).map { _ in Float(generator.normal()) }
    func value(_ document: Int, _ token: Int, _ column: Int) -> Float {
      switch column {
      case 0: document % 3 == 0 && token > 0 ? 1 + Float(document) / 10 + Float(token) / 100 : 0
      case 1: document % 3 == 1 ? 2 : 0
      case 2: token == 2 ? 1 : 0
      case 3: 3
      case 4: document % 6 == 2 && token == 1 ? 4 : 0
      default: 0
      }
    }
    var source = MemorySource.documents(
      [Int](repeating: 4, count: 48), labels: labels,
      sites: ["blocks.0.hook_resid_post": width, "blocks.0.mlp.hook_post": 2]
    ) { site, document, token, column in
      if site == "blocks.0.hook_resid_post" { return value(document, token, column) }
      return column == 1 ? 2 * value(document, token, 0) : noise[document * 4 + token]
    }
    // No two documents have one text.
    source.tokenTable.ids = source.tokenTable.ids.indices.map { Int32($0) }
    return source
  }
}

@Suite struct ReadingTests {
  private func source() -> MemorySource {
    var source = Known.source()
    for index in source.sites.indices { source.sites[index].layer = 0 }
    return source
  }

  @Test func readsWhatWasPlanted() throws {
    let source = source()
    let found = try FeatureReader(choice: .latents([0, 2, 6]), examples: 3).read(Known.dictionary(), on: source)
    // The first token of each document is special and does not count.
    #expect(found.rows == 48 * 3)
    #expect(found.deadLatents == 2)
    #expect(found.neuronSite == "blocks.0.mlp.hook_post")
    let first = found.features[0]
    #expect(abs(first.density - 1.0 / 3) < 1e-9)
    // Documents 45, 42 and 39, each once, at its last token.
    #expect(first.examples.map(\.document) == ["d45", "d42", "d39"])
    #expect(first.examples.map(\.label) == ["french", "french", "french"])
    #expect(first.examples.map(\.row) == [183, 171, 159])
    #expect(abs(first.largest - (1 + 4.5 + 0.03 - 0.5)) < 1e-5)
    #expect(first.correlated.first?.index == 1)
    #expect((first.correlated.first?.value ?? 0) > 0.95)
    #expect(first.aligned.first?.index == 0)
    #expect(first.aligned.first?.value == 1)
    #expect(first.concepts.first?.concept == "french")
    #expect(found.features[1].density == 1.0 / 3)
    #expect(found.features[2].examples.isEmpty)
  }

  /// A text that the corpus has several times is shown once, in its strongest document.
  @Test func showsEqualTextsOnce() throws {
    var source = source()
    for token in 0..<4 { source.tokenTable.ids[45 * 4 + token] = source.tokenTable.ids[42 * 4 + token] }
    let found = try FeatureReader(choice: .latents([0]), examples: 3).read(Known.dictionary(), on: source)
    #expect(found.features[0].examples.map(\.document) == ["d45", "d39", "d36"])
  }

  @Test func findsTheLatentOfEachConcept() throws {
    let concepts = try Known.dictionary().concepts(of: source(), count: 1)
    let french = try #require(concepts.first { $0.concept == "french" })
    #expect(french.latent == 0)
    #expect(french.heldOutAUROC == 1)
    #expect(french.precision == 1)
    #expect(french.recall == 1)
    let code = try #require(concepts.first { $0.concept == "code" })
    #expect(code.latent == 4)
    // On in half of the class, silent elsewhere: (½ · 1 + ½ · ½).
    #expect(abs(code.heldOutAUROC - 0.75) < 0.13)
    #expect(code.precision == 1)
    #expect(FeatureReader.cleanest(concepts).last?.concept == "code")
  }

  /// The areas over sparse values agree with the ranks over all of them.
  @Test func areasAgreeWithRanks() throws {
    let source = source()
    let dictionary = Known.dictionary()
    let concepts = try dictionary.concepts(of: source, count: 5)
    let values = dictionary.encode(try #require(source.values["blocks.0.hook_resid_post"])).dense
    let labels = (0..<48).map { ["french", "http", "code"][$0 % 3] }
    let split = try Split.trainAndTest(
      labels: labels.map { ["code", "french", "http"].firstIndex(of: $0).map(Int32.init) ?? 0 },
      groups: Array(0..<48), testShare: 0.5, seed: 0)
    for concept in concepts {
      let scores = split.test.map { document in
        (1..<4).map { values[document * 4 + $0, concept.latent] }.max() ?? 0
      }
      let area = AUROC.area(scores: scores, positive: split.test.map { labels[$0] == concept.concept })
      #expect(abs((area ?? 0) - concept.heldOutAUROC) < 1e-9)
    }
  }

  @Test func listsStrongLatentsWithoutLabels() throws {
    var source = source()
    source.documents.labels = [:]
    let found = try FeatureReader(choice: .best(2)).read(Known.dictionary(), on: source)
    #expect(found.concepts.isEmpty)
    #expect(found.features.map(\.latent) == [4])
  }

  @Test func refusesUnknownLatents() throws {
    #expect {
      try FeatureReader(choice: .latents([7])).read(Known.dictionary(), on: source())
    } throws: {
      ($0 as? Fault)?.name == "dictionary.noSuchLatent"
    }
  }

  @Test func probesLatentsAndNeurons() throws {
    let found = try Known.dictionary().sparseProbing(
      of: source(), dataset: "known", concept: Concept(positive: "french"), ks: [1, 2],
      sites: ["blocks.0.mlp.hook_post"])
    let one = try #require(found.first?.scores.first)
    #expect(found.count == 1)
    #expect(one.basis == "latents")
    #expect(one.columns == [0])
    #expect(one.accuracy >= 0.8)
    #expect(one.auroc == 1)
    #expect(found[0].scores.map(\.k) == [1, 2, 1, 2])
    #expect(found[0].scores[2].columns == [1])
  }

  /// SAEBench's rules on one word: projections of the latents on the probe's direction.
  @Test func measuresAbsorption() {
    func measure(_ values: [Int: Float], _ cosines: [Float], projection: Float, main: Set<Int>) -> (Double, Bool) {
      let indices = values.keys.sorted()
      let latents = SparseLatents(
        latents: cosines.count, offsets: [0, indices.count], indices: indices.map { Int32($0) },
        values: indices.compactMap { values[$0] })
      return FeatureAbsorption.absorption(latents, row: 0, cosines: cosines, projection: projection, main: main)
    }
    let cosines: [Float] = [0.9, 0.5, 0.3, 0.05, -0.2]
    // The main latent does its work.
    #expect(measure([0: 2, 1: 1], cosines, projection: 1.5, main: [0]) == (0, false))
    // It is silent, and latent 1 carries more than 0.4 of the projection.
    #expect(measure([1: 2], cosines, projection: 1.5, main: [0]) == (1, true))
    // Latent 3 is not aligned enough for the fraction, and carries too little.
    #expect(measure([3: 2], cosines, projection: 1.5, main: [0]) == (0, false))
    // Half and half: 0.45 of 0.9 each.
    let (fraction, full) = measure([0: 0.5, 1: 0.9], cosines, projection: 0.9, main: [0])
    #expect(abs(fraction - 0.5) < 1e-6)
    #expect(!full)
  }
}
