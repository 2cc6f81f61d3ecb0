import ArgumentParser
import Foundation
import Unfold

struct NeuronsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neurons",
    abstract:
      "List the neurons that fire for a text or a concept, rank those that mean several things, show what one does.",
    subcommands: [
      NeuronsTopCommand.self, NeuronsRankCommand.self, NeuronsShowCommand.self,
      NeuronsBenchmarkCommand.self,
    ])
}

/// A neuron as `L3.17` (layer and column) or `blocks.3.mlp.hook_post.17`.
struct NeuronArgument: ExpressibleByArgument {
  let layer: Int?
  let site: String
  let index: Int

  init?(argument: String) {
    let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, let index = Int(last), index >= 0, parts.count >= 2 else { return nil }
    self.index = index
    if parts.count == 2, let number = Int(parts[0].drop { $0 == "L" || $0 == "l" }) {
      layer = number
      site = "blocks.\(number).mlp.hook_post"
    } else {
      layer = parts.count > 2 && parts[0] == "blocks" ? Int(parts[1]) : nil
      site = parts.dropLast().joined(separator: ".")
    }
  }

  var reference: NeuronReference { NeuronReference(site: site, layer: layer, index: index) }
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
  init?(of source: any ActivationSource, named name: String?, _ common: CommonOptions) throws {
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
      common.note("The store's model, \(source.origin.model), was not found; name it with --model to see its weights.")
      return nil
    }
    self = loaded
  }
}
