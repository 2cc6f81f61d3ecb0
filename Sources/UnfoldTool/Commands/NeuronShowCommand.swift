import ArgumentParser
import Foundation
import Unfold

struct NeuronsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "One neuron's card: statistics, histogram, top examples, tokens that it promotes and suppresses.",
    discussion: """
      Examples:
        unfold neurons show store L2.431
        unfold neurons show store L2.431 --model ./gpt2

      The model that the store was captured from is found by its name, or given with --model.
      """)

  @Argument(help: "A store with the neuron's activations or its top examples.") var store: String
  @Argument(help: "The neuron, such as L2.431.") var neuron: NeuronArgument
  @Option(name: .long, help: "The model of the store, for what the neuron's weights say.") var model: String?
  @Option(name: [.customShort("n"), .long], help: "How many examples are shown.") var count = 10
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let source = try ActivationStore(opening: URL(filePath: store))
    let loaded = try LoadedModel(of: source, named: model, common)
    var weights: NeuronWeightSummary?
    if let loaded, neuron.layer != nil {
      weights = try NeuronWeightSummary(
        of: neuron.reference, in: loaded.model, piece: loaded.piece ?? { "[\($0)]" })
    }
    let card = try NeuronCard(
      of: neuron.reference, in: source, weights: weights, layers: loaded?.model.configuration.layers,
      count: count, piece: loaded?.piece)
    try common.show(card) { card.report($0, count: count) }
  }
}
