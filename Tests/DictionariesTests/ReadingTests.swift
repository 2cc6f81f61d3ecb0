import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing
import Transformer

extension Planted {
  fileprivate static func dictionary() -> SparseAutoencoder {
    SparseAutoencoder(
      configuration: .init(architecture: .standard, inputWidth: width, latents: width + 1, hookIn: site),
      encoder: axes, encoderBias: [Float](repeating: -0.5, count: width + 1), decoder: axes,
      decoderBias: [Float](repeating: 0.5, count: width))
  }
}

@Suite struct ReadingTests {
  private func source() -> MemorySource { Planted.source(tokens: 4) }

  @Test func readsWhatWasPlanted() throws {
    let source = source()
    let found = try FeatureReader(choice: .latents([0, 2, 6]), examples: 3).read(Planted.dictionary(), on: source)
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
    let found = try FeatureReader(choice: .latents([0]), examples: 3).read(Planted.dictionary(), on: source)
    #expect(found.features[0].examples.map(\.document) == ["d45", "d39", "d36"])
  }

  /// What is kept of each latent is what all its values would have given.
  @Test func detailIsThatOfAllValues() throws {
    let source = source()
    let dictionary = Planted.dictionary()
    let all = dictionary.encode(try #require(source.values[Planted.site])).dense
    let rows = source.tokenTable.fromText
    var steps = Set<String>()
    let found = try LatentDetailReader(examples: 3, intervals: 4, perInterval: 2, before: 2, after: 1).read(
      [6, 0, 2], of: dictionary, on: source, progress: { step, _ in steps.insert(step) })
    #expect(found.map(\.latent) == [6, 0, 2] && steps.count == 3)
    for detail in found {
      let values = rows.map { all[$0, detail.latent] }.filter { $0 > 0 }
      #expect(detail.values.counts.reduce(0, +) == values.count)
      #expect(detail.intervals.map(\.rows).reduce(0, +) == values.count)
      for interval in detail.intervals {
        #expect(
          interval.rows == values.count { $0 >= interval.low && ($0 < interval.high || interval.high == values.max()) })
        #expect(interval.examples.count == min(2, interval.rows))
        #expect(interval.examples.map(\.value) == interval.examples.map(\.value).sorted(by: >))
      }
      for example in detail.top + detail.intervals.flatMap(\.examples) {
        #expect(example.value == all[example.row, detail.latent])
        let first = example.row - example.marked
        for (offset, token) in example.tokens.enumerated() {
          let isSpecial = source.tokenTable.special[first + offset] != 0
          #expect((token.value ?? 0) == (isSpecial ? 0 : all[first + offset, detail.latent]))
        }
      }
    }
    #expect(found[0].top.isEmpty)
    // As the reader of features has it: documents 45, 42 and 39, each once, at its last token.
    #expect(found[1].top.map(\.row) == [183, 171, 159])
    #expect(found[1].concepts.first { $0.concept == "french" }?.heldOutAUROC == 1)
  }

  @Test func findsTheLatentOfEachConcept() throws {
    let concepts = try Planted.dictionary().concepts(of: source(), count: 1)
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
    let dictionary = Planted.dictionary()
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
    let found = try FeatureReader(choice: .best(2)).read(Planted.dictionary(), on: source)
    #expect(found.concepts.isEmpty)
    #expect(found.features.map(\.latent) == [4])
  }

  @Test func refusesUnknownLatents() throws {
    #expect {
      try FeatureReader(choice: .latents([7])).read(Planted.dictionary(), on: source())
    } throws: {
      ($0 as? Fault)?.name == "dictionary.noSuchLatent"
    }
  }

  @Test func probesLatentsAndNeurons() throws {
    let found = try Planted.dictionary().sparseProbing(
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
