import Activations
import Diagnostics
import LinearAlgebra
import Neurons
import Probes
import TestSupport
import Testing

@Suite struct NeuronRankingTests {
  @Test func thePolysemanticNeuronIsFirstAndNotTheOneThatKnowsALetter() throws {
    let source = NeuronsTopTests.corpus()
    let measured = try NeuronRanking().measure(source)
    #expect(measured.neurons.count == 16 && measured.concepts == ["a", "b", "c", "d"])
    let ranked = try measured.ranked(count: 16, examples: 2)
    let best = try #require(ranked.first)
    #expect(best.neuron == NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 5))
    #expect(Set(best.meanings.map(\.words)) == ["a", "b"])
    #expect(best.meanings.allSatisfy { $0.separation ?? 0 > 0.95 && $0.lexicalShare < 0.5 && $0.examples.count == 2 })
    #expect(best.measures[.effectiveConcepts] ?? 0 > 1.9 && best.measures[.effectiveConcepts] ?? 9 < 2.1)
    #expect(best.measures[.conceptCount] == 2)
    #expect(best.measures[.monosemanticity] ?? 1 < 0.5)
    let letter = try #require(ranked.first { $0.neuron.layer == 1 && $0.neuron.index == 6 })
    #expect(letter.measures[.lexicalShare] == 1 && letter.measures[.consensus] ?? 1 < 0.1)
    #expect(try NeuronRanking().measure(source).neurons == measured.neurons)
    // From the other end, and one layer alone.
    let least = try measured.ranked(by: .conceptCount, count: 16, least: true, layers: [1])
    #expect(least.count == 8 && least.last?.neuron.layer == 1)
    // Other labels, another answer.
    var other = source
    other.documents.labels["label"] = (0..<96).map { .text(["p", "q", "r"][$0 / 4 % 3]) }
    #expect(try NeuronRanking().measure(other).ranked().first?.meanings.map(\.labels) != best.meanings.map(\.labels))
  }

  @Test func withoutLabelsRegionsStandIn() throws {
    var source = NeuronsTopTests.corpus()
    source.documents.labels = [:]
    let measured = try NeuronRanking(window: 1).measure(source)
    #expect(measured.concepts == nil && measured.regions ?? 0 >= 4)
    let best = try #require(measured.ranked(count: 1).first)
    #expect(best.neuron == NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 5))
    #expect(best.meanings.count >= 2 && best.meanings.allSatisfy { $0.labels.isEmpty })
  }

  /// Whatever a neuron is ranked by, one that is printed with a single meaning stands below all that have several.
  @Test(arguments: [true, false]) func oneMeaningIsNeverRankedAsSeveral(_ labelled: Bool) throws {
    var settings = PlantedNeurons.Settings(seed: 5)
    settings.documents = 200
    settings.neuronsOfEachKind = 12
    settings.labelled = labelled
    let measured = try NeuronRanking(seed: 5).measure(PlantedNeurons(settings))
    #expect((measured.concepts == nil) == !labelled)
    let ranked = try measured.ranked(by: .secondMeaning, count: .max)
    let firstWithOne = try #require(ranked.firstIndex { $0.meanings.count == 1 })
    #expect(ranked[firstWithOne...].allSatisfy { $0.meanings.count == 1 })
    #expect(firstWithOne > 12)
    let byConsensus = try measured.ranked(count: .max)
    #expect(byConsensus.allSatisfy { $0.meanings.count > 1 || $0.measures[.consensus] ?? 1 <= 0.05 })
  }

  /// Labels that a user calls one are printed as one.
  @Test func relatedLabelsAreOneMeaning() throws {
    let source = NeuronsTopTests.corpus()
    let neuron = NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 5)
    let measured = try NeuronRanking(related: [["a", "b"]]).measure(source)
    #expect(try measured.meanings(of: neuron).count == 1)
    #expect(measured.neurons.first { $0.neuron == neuron }?[.consensus] ?? 1 <= 0.05)
    let fault = try #require(throws: Fault.self) { try NeuronRanking(related: [["a", "z"]]).measure(source) }
    #expect(fault.name == "neurons.noSuchLabel")
  }

  @Test func labelsThatCannotBeConceptsAreLeftAsideUnlessAskedFor() throws {
    var source = NeuronsTopTests.corpus()
    source.documents.labels["domain"] = source.documents.labels["label"]
    source.documents.labels["label"] = (0..<96).map { .text($0 % 2 == 0 ? "x" : "y") }
    let measured = try NeuronRanking().measure(source)
    #expect(measured.concepts == nil && measured.regions ?? 0 >= 4)
    #expect(measured.labelsLeftAside?.contains("2 labels are too few") == true)
    #expect(measured.labelsLeftAside?.contains("--label takes domain") == true)
    let named = try NeuronRanking(column: "domain").measure(source)
    #expect(named.concepts == ["a", "b", "c", "d"] && named.labelsLeftAside == nil)
    let fault = try #require(throws: Fault.self) { try NeuronRanking(needsLabels: true).measure(source) }
    #expect(fault.advice?.contains("--label domain") == true)
  }

  @Test func badInputIsNamed() throws {
    let source = NeuronsTopTests.corpus()
    func fault(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    var two = source
    two.documents.labels["label"] = (0..<96).map { .number(Double($0 % 2)) }
    #expect(fault { _ = try NeuronRanking(needsLabels: true).measure(two) } == "neurons.tooFewLabels")
    #expect(fault { _ = try NeuronRanking(column: "domain").measure(source) } == "neurons.noLabels")
    var bare = source
    bare.documents.labels = [:]
    #expect(fault { _ = try NeuronRanking(needsLabels: true).measure(bare) } == "neurons.noLabels")
    bare.sites.removeAll { $0.name.hasSuffix("resid_post") }
    #expect(fault { _ = try NeuronRanking().measure(bare) } == "neurons.nothingToCompare")
    bare.sites = []
    #expect(fault { _ = try NeuronRanking().measure(bare) } == "neurons.noNeurons")
    let measured = try NeuronRanking().measure(source)
    #expect(fault { _ = try measured.ranked(by: .features) } == "neurons.measureNotAvailable")
    #expect(fault { _ = try measured.ranked(layers: [7]) } == "neurons.noSuchLayer")
    #expect(
      fault { _ = try NeuronRanking(embedding: "blocks.9.hook_resid_post").measure(source) }
        == "activations.unknownSite")
  }
}
