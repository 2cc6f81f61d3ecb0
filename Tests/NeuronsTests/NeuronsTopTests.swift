import Activations
import Diagnostics
import LinearAlgebra
import Neurons
import Probes
import TestSupport
import Testing

@Suite struct NeuronsTopTests {
  /// Three domains over 90 documents of 6 tokens; letters as text, so that token t ≥ 1 is the t-th character.
  ///
  /// Neurons of each of two layers: in layer 1, neuron 2 fires for domain "c"; neuron 5 for "a" and "b", each at tokens
  /// of many forms; neuron 6 for "a" and "b" at one single form; neuron 7 always.
  static func corpus() -> MemorySource {
    var generator = SeededGenerator(seed: 12)
    let names = ["a", "b", "c", "d"]
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let sites = ["blocks.0.mlp.hook_post": 8, "blocks.1.mlp.hook_post": 8, "blocks.1.hook_resid_post": 4]
    var texts: [String] = []
    for document in 0..<96 {
      // The last character is "x" everywhere; the others differ by document and domain.
      texts.append(
        String((0..<3).map { letters[(document * 5 + $0 * 7 + document % 4) % 23] } + [letters[document / 4]]) + "x")
    }
    var source = MemorySource.documents(
      [Int](repeating: 6, count: 96), labels: (0..<96).map { .text(names[$0 % 4]) }, sites: sites
    ) { site, document, token, column in
      let noise = Float(generator.normal()) * 0.1
      guard token > 0 else { return 100 }
      let domain = document % 4
      if site == "blocks.1.hook_resid_post" { return noise + (column == domain ? 1 : 0) }
      guard site == "blocks.1.mlp.hook_post" else { return noise }
      switch column {
      case 2: return domain == 2 && token == 3 ? 4 : noise
      case 5: return domain < 2 && token == 1 + document / 4 % 4 ? 3 + noise : noise
      case 6: return domain < 2 && token == 5 ? 5 + noise : noise
      case 7: return 9
      default: return noise
      }
    }
    source.texts = texts
    for index in source.sites.indices { source.sites[index].layer = source.sites[index].name.contains("s.1.") ? 1 : 0 }
    // Ids are those of the letters.
    for row in source.tokenTable.ids.indices where row % 6 > 0 {
      let letter = Array(texts[row / 6].unicodeScalars)[row % 6 - 1]
      source.tokenTable.ids[row] = Int32(letter.value) - 96
    }
    // The special token covers nothing.
    for row in source.tokenTable.ids.indices where source.tokenTable.special[row] == 1 {
      source.tokenTable.starts[row] = 0
      source.tokenTable.ends[row] = 0
    }
    return source
  }

  static let neuron = NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 2)

  @Test func aConceptsNeuronLeads() throws {
    let found = try NeuronsTop.concept(Concept(positive: "c"), in: Self.corpus(), count: 3)
    #expect(found.neurons == 16)
    #expect(found.ranked[0].neuron == Self.neuron)
    #expect(found.ranked[0].auroc == 1)
    #expect(found.ranked[0].heldOutAUROC == 1)
    #expect(abs(found.ranked[0].meanInside - 4) < 1e-6 && found.ranked[0].meanOutside < 0.5)
    #expect(found.classes == ["not c", "c"])
    // One site at a time gives the same.
    #expect(try NeuronsTop.concept(Concept(positive: "c"), in: Self.corpus(), count: 3, memory: 1) == found)
    let every = try NeuronsTop.concept(Concept(), in: Self.corpus(), count: 3)
    #expect(every.ranked.contains { $0.neuron == Self.neuron && $0.label == "c" })
  }

  /// A neuron that is low in the concept is said to fire for what is not it, and stands behind those that fire for it.
  @Test func neuronsAgainstTheConceptComeLastAndChanceIsLeftOut() throws {
    var source = Self.corpus()
    let name = "blocks.1.mlp.hook_post"
    for row in 0..<source.rowCount {
      // Neuron 3 is quiet in domain "c" alone.
      source.values[name]?[row, 3] = row / 6 % 4 == 2 ? -1 : row % 6 == 3 ? 2 : 0
    }
    let found = try NeuronsTop.concept(Concept(positive: "c"), in: source, count: 8)
    #expect(found.ranked.first?.neuron == Self.neuron && found.ranked.first?.firesForConcept == true)
    let against = try #require(found.ranked.first { !$0.firesForConcept })
    #expect(against.neuron.index == 3 && against.label == "not c" && against.auroc == 1)
    #expect(against.meanInside > against.meanOutside && against.difference > 0)
    #expect(found.ranked.map(\.firesForConcept) == found.ranked.map(\.firesForConcept).sorted { $0 && !$1 })
    // The others are noise: none of them is listed whose held-out interval holds 0.5.
    #expect(found.dropped > 0 && found.ranked.allSatisfy { $0.auroc >= 0.5 && $0.heldOutInterval?[0] ?? 1 > 0.5 })
    // With several labels, one that is low in "c" fires for "not c".
    let every = try NeuronsTop.concept(Concept(), in: source, count: 8)
    #expect(every.ranked.contains { $0.neuron.index == 3 && $0.label == "not c" && $0.heldOutAUROC == 1 })
  }

  /// Of documents that are the same, token by token, one is shown; a token inside a character is shown by its bytes.
  @Test func equalContextsAreShownOnce() throws {
    var source = Self.corpus()
    // Documents 2 and 6 of domain "c" become the same.
    for token in 0..<6 { source.tokenTable.ids[6 * 6 + token] = source.tokenTable.ids[2 * 6 + token] }
    let found = try NeuronsTop.examples(of: Self.neuron, in: source, count: 24)
    #expect(found.top.count == 24 && found.top.count { ["d2", "d6"].contains($0.document) } == 1)
    // The third token covers nothing of the text.
    for document in 0..<96 { source.tokenTable.ends[document * 6 + 3] = source.tokenTable.starts[document * 6 + 3] }
    let shown = try NeuronsTop.examples(of: Self.neuron, in: source, count: 1) { _ in "<0xEB>" }
    #expect(shown.top[0].token?.text == "<0xEB>")
  }

  @Test func examplesShowTheTokenInItsContext() throws {
    let source = Self.corpus()
    let found = try NeuronsTop.examples(of: Self.neuron, in: source, count: 5, before: 2, after: 1)
    #expect(found.top.count == 5 && found.bottom.isEmpty)
    #expect(Set(found.top.map(\.document)).count == 5)
    let first = found.top[0]
    #expect(first.value == 4 && first.label == "c")
    #expect(first.tokens.count == 4 && first.marked == 2)
    #expect(first.token?.value == 4)
    #expect(first.tokens.allSatisfy { $0.value != nil })
    let document = try #require(Int(first.document.dropFirst()))
    let letters = Array(source.texts[document]).map(String.init)
    #expect(first.tokens.map(\.text) == [letters[0], letters[1], letters[2], letters[3]])
  }

  @Test func theSameExamplesComeFromStatistics() throws {
    var source = Self.corpus()
    let scanned = try NeuronsTop.examples(of: Self.neuron, in: source, count: 3)
    let width = 8
    var top = TopExamples(
      k: 3, values: [Float](repeating: 0, count: width * 3), rows: [Int64](repeating: -1, count: width * 3),
      documents: [Int32](repeating: -1, count: width * 3))
    for (rank, example) in scanned.top.enumerated() {
      top.values[2 * 3 + rank] = example.value
      top.rows[2 * 3 + rank] = Int64(example.row)
    }
    let zeros = [Double](repeating: 0, count: width)
    let statistics = SiteStatistics(
      width: width, count: 480, mean: zeros, variance: zeros.map { _ in 4 }, skewness: zeros, kurtosis: zeros,
      minimum: zeros.map { _ in 0 }, maximum: zeros.map { _ in 4 }, firing: zeros, top: top)
    source.gathered[Self.neuron.site] = statistics
    #expect(try NeuronsTop.examples(of: Self.neuron, in: source, count: 3) == scanned)
    // Statistics alone: the marked token has its value, its neighbours none.
    source.sites.removeAll()
    source.values = [:]
    let alone = try NeuronsTop.examples(of: Self.neuron, in: source, count: 3)
    #expect(alone.top.map(\.row) == scanned.top.map(\.row))
    #expect(alone.top[0].tokens.count { $0.value != nil } == 1)
    let card = try NeuronCard(of: Self.neuron, in: source, layers: 2)
    #expect(card.statistics?.standardDeviation == 2 && card.depth == 1)
    #expect(card.examples.top.count == 3)
  }

  @Test func aTextsNeuronsAreComparedWithTheCorpus() throws {
    let corpus = Self.corpus()
    // Neuron 7 is the highest, but always so; neuron 2 stands out.
    let plain = try NeuronsTop.text(corpus, count: 2)
    #expect(plain.overall[0].neuron.index == 7 && plain.overall[0].deviations == nil)
    var mean = [Double](repeating: 0, count: 8)
    mean[7] = 9
    let statistics = SiteStatistics(
      width: 8, count: 480, mean: mean, variance: mean.map { _ in 0.01 }, skewness: mean, kurtosis: mean,
      minimum: mean.map { _ in 0 }, maximum: mean.map { _ in 9 }, firing: mean)
    let compared = try NeuronsTop.text(
      corpus, statistics: [Self.neuron.site: statistics, "blocks.0.mlp.hook_post": statistics], count: 3)
    #expect(compared.overall[0].neuron.index == 6)
    #expect(abs((compared.overall[0].deviations ?? 0) - 50) < 5)
    #expect(compared.tokens.count == 96 * 6)
    #expect(compared.tokens[0].neurons.isEmpty)
    // Document 2 is of domain "c": neuron 2 leads at its third token.
    #expect(compared.tokens[2 * 6 + 3].neurons[0].neuron == Self.neuron)
    #expect(compared.tokens[2 * 6 + 3].text == String(Array(corpus.texts[2])[2]))
  }

  @Test func monosemanticityIsTheMeanCosineOfPairs() {
    var generator = SeededGenerator(seed: 2)
    let embeddings = Monosemanticity.unitEmbeddings(
      Matrix(rows: 9, columns: 4, elements: (0..<36).map { _ in Float(generator.normal()) }))
    let values = (0..<9).map { _ in Float(generator.uniform()) }
    let low = values.min() ?? 0
    let high = values.max() ?? 1
    let scaled = values.map { Double(($0 - low) / (high - low)) }
    var (above, below) = (0.0, 0.0)
    for n in 0..<9 {
      for m in n + 1..<9 {
        let cosine = (0..<4).reduce(0.0) { $0 + Double(embeddings[n, $1] * embeddings[m, $1]) }
        above += scaled[n] * scaled[m] * cosine
        below += scaled[n] * scaled[m]
      }
    }
    let score = Monosemanticity.score(values: values, unitEmbeddings: embeddings)
    #expect(abs((score ?? 9) - above / below) < 1e-6)
    #expect(Monosemanticity.score(values: [Float](repeating: 1, count: 9), unitEmbeddings: embeddings) == nil)
  }

  @Test func weightsSayWhatANeuronPromotes() {
    let summary = NeuronWeightSummary(
      input: [3, 4, 0, 0], inputBias: -1, output: [1, -1, 2, -2], effects: [5, -1, 5, 11, 5], count: 1
    ) { "t\($0)" }
    #expect(summary.promoted.map(\.text) == ["t3"] && summary.promoted[0].effect == 6)
    #expect(summary.suppressed.map(\.text) == ["t1"] && summary.suppressed[0].effect == -6)
    #expect(summary.inputNorm == 5 && summary.inputBias == -1)
    #expect(abs(summary.inputOutputCosine - (-1) / (5 * 10.0.squareRoot())) < 1e-6)
    #expect(abs(summary.vocabularyKurtosis - 2.5) < 1e-6)
  }

  @Test func badInputIsNamed() throws {
    let source = Self.corpus()
    func fault(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(
      fault { _ = try NeuronsTop.examples(of: .init(site: Self.neuron.site, layer: 1, index: 8), in: source) }
        == "neurons.noSuchNeuron")
    #expect(
      fault { _ = try NeuronsTop.examples(of: .init(site: "blocks.9.mlp.hook_post", layer: 9, index: 0), in: source) }
        == "neurons.noExamples")
    var bare = source
    bare.sites.removeAll { $0.name.hasSuffix("hook_post") }
    #expect(fault { _ = try NeuronsTop.concept(Concept(), in: bare) } == "neurons.noNeurons")
  }
}
