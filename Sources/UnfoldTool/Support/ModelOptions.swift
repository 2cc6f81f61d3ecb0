import ArgumentParser
import Foundation
import Unfold

/// The model a command works on.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A folder in Hugging Face layout, a .gguf file, the name of a model that ships (unfold-mini), or a hub id in the local cache.",
      valueName: "model"))
  var model: String

  /// Finds the model's folder.
  func folder() throws -> URL { try ModelLocation.resolve(model) }
}

/// The numbers that a model computes with.
struct ComputeOption: ParsableArguments {
  @Option(name: .long, help: "The numbers that matrix products compute with: float32 or bfloat16.")
  var compute: ComputeType = .float32
}

extension ComputeType: ExpressibleByArgument {}
