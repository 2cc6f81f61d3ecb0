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

/// Refuses to mix what comes from different models.
func requireSameModel(_ expected: Origin, _ found: Origin, file: String) throws {
  guard expected.modelDigest != found.modelDigest else { return }
  throw Fault(
    .badData, "tool.otherModel", "This belongs to another model", file: file,
    expected: "\(expected.model) (\(expected.modelDigest.prefix(12)))",
    found: "\(found.model) (\(found.modelDigest.prefix(12)))",
    advice: "use the store and the model that belong together")
}

extension LoadedModel {
  /// The model named, or the one whose name the store records if it is here; one that is another is an error where the
  /// user named it, and passed over where not.
  init?(of source: any ActivationSource, named name: String?, _ common: CommonOptions? = nil) throws {
    if let name {
      try self.init(name)
      var origin = source.origin
      origin.modelDigest = try model.checkpoint.digest()
      try requireSameModel(source.origin, origin, file: name)
      return
    }
    guard let loaded = try? LoadedModel(source.origin.model),
      try loaded.model.checkpoint.digest() == source.origin.modelDigest
    else {
      common?.note("The store's model, \(source.origin.model), was not found; name it with --model to see its weights.")
      return nil
    }
    self = loaded
  }
}
