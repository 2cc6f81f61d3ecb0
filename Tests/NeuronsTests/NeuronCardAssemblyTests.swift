import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import TestSupport
import Testing
import Transformer

@testable import Neurons

/// What a card is put together from, and which neuron is chosen as the clearest mixture.
@Suite struct NeuronCardAssemblyTests {
  @Test func aCardTellsWhatItsSourceAllows() throws {
    let session = try Session("unfold-mini")
    let texts = [
      ("http", "GET /index.html HTTP/1.1\nHost: example.com"), ("http", "POST /login HTTP/1.1\nAccept: */*"),
      ("tale", "Once upon a time a fox lived in the forest."), ("tale", "The old woman walked home in the snow."),
    ]
    func source(_ labelled: Bool) throws -> LiveActivations {
      try session.activations(
        of: Corpus(
          documents: texts.enumerated().map {
            Document(id: "\($0)", text: $1.1, labels: labelled ? ["label": .text($1.0)] : [:])
          }))
    }
    let neuron = try #require(NeuronReference("L2.5"))
    let card = try NeuronCard(
      of: neuron, in: source(true), session: session, ranking: NeuronRanking(top: 4, nullDirections: 0), count: 3)
    #expect(card.neuron == neuron && card.weights != nil && card.neighbours?.writing.isEmpty == false)
    #expect(Set(card.concepts.map(\.concept)) == ["http", "tale"] && card.examples.top.count <= 3)
    #expect(card.ablation == nil && card.features.isEmpty)
    // Without the model nothing is said of weights.
    let bare = try NeuronCard(
      of: neuron, in: source(false), session: nil, ranking: NeuronRanking(top: 4, nullDirections: 0), count: 3)
    #expect(bare.weights == nil && bare.neighbours == nil && bare.concepts.isEmpty)
  }

  @Test func evenMixturesOfClearMeaningsComeFirst() {
    let even = RankedNeuron.mixture(of: [(0.5, 0.9), (0.5, 0.9)])
    #expect(abs(even - 1.8) < 1e-12)
    #expect(RankedNeuron.mixture(of: [(0.9, 0.9), (0.1, 0.9)]) < even)
    #expect(RankedNeuron.mixture(of: [(0.5, 0.9), (0.5, 0.6)]) < even)
    #expect(RankedNeuron.mixture(of: [(0.25, 0.9), (0.25, 0.9)]) < even)
    #expect(RankedNeuron.mixture(of: [(1, 0.9)]) == 0 && RankedNeuron.mixture(of: []) == 0)
  }
}
