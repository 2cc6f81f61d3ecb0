import ArgumentParser
import Foundation
import Unfold

struct NeuronsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neurons",
    abstract:
      "List the neurons that fire for a text or a concept, rank those that mean several things, show what one does, and which experts a corpus wakes.",
    subcommands: [
      NeuronsTopCommand.self, NeuronsRankCommand.self, NeuronsShowCommand.self, NeuronsExpertsCommand.self,
      NeuronsBenchmarkCommand.self,
    ])
}

/// A neuron as `L3.17`, `L3.E5.17` or `blocks.3.mlp.hook_post.17`.
struct NeuronArgument: ExpressibleByArgument {
  let reference: NeuronReference

  init?(argument: String) {
    guard let reference = NeuronReference(argument) else { return nil }
    self.reference = reference
  }

  var layer: Int? { reference.layer }
}
