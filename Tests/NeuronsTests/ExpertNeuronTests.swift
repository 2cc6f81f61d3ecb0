import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Neurons
import Probes
import TestFiles
import Testing
import Transformer

/// Neurons of experts, in a tiny mixture of random weights.
@Suite("Neurons of experts") struct ExpertNeuronTests {
  private let model: Model
  private let store: ActivationStore
  private let live: LiveActivations
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "TransformerTests/Fixtures/olmoe")
    model = try Model.load(fixture)
    var generator = SeededGenerator(seed: 8)
    let documents = (0..<36).map { number in
      Document(
        id: "d\(number)",
        tokens: (0..<4 + generator.integer(below: 16)).map { _ in
          Int32(generator.uniform() < 0.5 ? generator.integer(below: 24) : number % 3 * 8 + generator.integer(below: 8))
        }, labels: ["label": .text(["a", "b", "c"][number % 3])])
    }
    let settings = CaptureSettings(
      sites: "resid_post,expert_post", storage: .float32, batchTokens: 60, shardTokens: 100, top: 40)
    let url = folder.file("store")
    _ = try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings).run(to: url)
    store = try ActivationStore(opening: url)
    live = try LiveActivations(
      model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
  }

  private let neuron = NeuronReference(site: "blocks.1.mlp.experts.3.hook_post", layer: 1, index: 5)

  /// A neuron's activation at each token that its expert saw.
  private func values(_ neuron: NeuronReference) throws -> [Int: Float] {
    var values: [Int: Float] = [:]
    try store.streamRouted([neuron.site], maximumRows: 50) { block in
      for (place, row) in block.rowNumbers(0).enumerated() { values[row] = block.values[0][place, neuron.index] }
    }
    return values
  }

  @Test(arguments: ["L1.E3.5", "l1.e3.5", "blocks.1.mlp.experts.3.hook_post.5"])
  func namesAreRead(name: String) {
    let own = NeuronReference(name)
    #expect(own == neuron && own?.description == "L1.E3.5")
  }

  @Test func otherNamesAreRead() {
    #expect(NeuronReference("L3.17") == NeuronReference(site: "blocks.3.mlp.hook_post", layer: 3, index: 17))
    #expect(NeuronReference("3.17") == NeuronReference("L3.17"))
    #expect(NeuronReference("ln_final.hook_scale.0")?.site == "ln_final.hook_scale")
    for wrong in ["", "L3", "L3.", ".5", "L1.-2", "L1.F3.5", "L1.E.5", "L1.E3", "L1.E3.x", "L1..5"] {
      #expect(NeuronReference(wrong) == nil, "\(wrong)")
    }
  }

  @Test func examplesAreTheStrongestTokensThatWokeTheExpert() throws {
    let values = try values(neuron)
    let strongest = values.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    let gathered = try NeuronsTop.examples(of: neuron, in: store, count: 5)
    #expect(gathered.top.first?.row == strongest.first?.key && gathered.top.first?.value == strongest.first?.value)
    // Without statistics the rows are read, with the same result; a running model gives it too.
    let read = try NeuronsTop.examples(of: neuron, in: live, count: 5)
    #expect(read.top.map(\.row) == gathered.top.map(\.row) && read.bottom.map(\.row) == gathered.bottom.map(\.row))
    for example in gathered.top {
      let first = example.row - example.marked
      for (offset, token) in example.tokens.enumerated() { #expect(token.value == values[first + offset]) }
    }
    let card = try NeuronCard(of: neuron, in: store)
    #expect(card.statistics?.count == values.count)
    let live = try NeuronCard(of: neuron, in: live)
    #expect(live.statistics?.count == values.count)
  }

  @Test func measuresCountTheTokensThatWokeTheExpert() throws {
    let measured = try NeuronRanking().measure(store, model: model)
    #expect(measured.neurons.count == 2 * 6 * 8)
    let own = try #require(measured.neurons.first { $0.neuron == neuron })
    let values = try values(neuron)
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    let largest = values.values.map { abs($0) }.max() ?? 0
    let firing = Double(values.values.count { abs($0) > largest / 10 }) / Double(values.count)
    // Bins of a quarter octave cut a little elsewhere.
    #expect(abs((own[.firing] ?? 0) - firing) < 0.1)
    // The best AUROC, by comparing all pairs of documents that woke the expert.
    var highest: [Int: Float] = [:]
    for (row, value) in values {
      let document = Int(tokens.documents[row])
      highest[document] = max(highest[document] ?? 0, abs(value))
    }
    func auroc(_ kind: Int) -> Double {
      var (wins, pairs) = (0.0, 0.0)
      for (a, x) in highest where a % 3 == kind {
        for (b, y) in highest where b % 3 != kind {
          wins += x > y ? 1 : x == y ? 0.5 : 0
          pairs += 1
        }
      }
      return wins / pairs
    }
    #expect(abs((own[.bestAUROC] ?? 0) - (0..<3).map(auroc).reduce(0, max)) < 1e-9)
    #expect(own[.outputNorm] != nil && (own[.monosemanticity] ?? .nan).isFinite)
    let ranked = try measured.ranked(count: 200)
    #expect(Set(ranked.compactMap(\.neuron.expert)).count == 6)
    #expect(ranked.allSatisfy { $0.meanings.allSatisfy { $0.examples.allSatisfy { $0.value.isFinite } } })
    #expect(try JSONEncoder().encode(ranked).count > 0)
  }

  @Test func aStoreOfStatisticsAloneRanksThem() throws {
    let settings = CaptureSettings(sites: "expert_post", batchTokens: 60, statisticsOnly: true)
    let documents = try store.documents
    let corpus = try (0..<documents.count).map {
      Document(
        id: documents.ids[$0], tokens: try store.tokens(in: documents.tokens(of: $0)).ids,
        labels: ["label": .text(["a", "b", "c"][$0 % 3])])
    }
    let url = folder.file("statistics")
    _ = try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: corpus), settings: settings).run(to: url)
    let measured = try NeuronRanking().measure(try ActivationStore(opening: url))
    #expect(measured.neurons.count == 96)
    #expect(try measured.ranked(by: .conceptEntropy, count: 3).count == 3)
  }

  @Test func conceptsAreJudgedOnTheTokensThatWokeTheExpert() throws {
    let found = try NeuronsTop.concept(Concept(positive: "a"), in: store, count: 500)
    let alone = try NeuronsTop.concept(Concept(positive: "a"), in: store, sites: [neuron.site], count: 8)
    #expect(found.neurons == 96 && alone.neurons == 8)
    #expect(alone.ranked.count + alone.dropped > 0)
    #expect(alone.ranked.allSatisfy { $0.neuron.site == neuron.site && found.ranked.contains($0) })
    #expect(alone.examples + alone.heldOut == Set(try self.documents(of: neuron)).count)
    let text = try NeuronsTop.text(live, count: 3)
    for (row, token) in text.tokens.enumerated() {
      for own in token.neurons { #expect(try values(own.neuron)[row] != nil) }
    }
  }

  private func documents(of neuron: NeuronReference) throws -> [Int32] {
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    return try values(neuron).keys.map { tokens.documents[$0] }
  }

  @Test func probesLearnFromTheTokensThatWokeTheExpert() throws {
    var settings = ProbeSettings(concept: Concept(positive: "a"), controls: [])
    settings.resamples = 0
    let study = Study(settings: settings)
    let probe = try study.run(on: store, sites: [neuron.site]).probe
    let judged = probe.record.evaluation.classCounts.reduce(0, +)
    #expect(probe.record.trainingExamples + judged == Set(try documents(of: neuron)).count)
    #expect(try probe.evaluate(on: store).classCounts.reduce(0, +) == probe.record.trainingExamples + judged)
    let own = try RoutedTokens(store, site: neuron.site)
    #expect(try probe.apply(to: own).rows == values(neuron).count)
    let fault = #expect(throws: Fault.self) {
      try study.run(on: store, sites: store.sites.filter(\.isRouted).map(\.name))
    }
    #expect(fault?.name == "activations.severalExperts")
  }
}
