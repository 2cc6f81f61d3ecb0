import Architectures
import Checkpoints
import Diagnostics
import Foundation

/// Where a model lies: its tensors, its architecture and what its tensors are called.
struct ModelSource {
  let tensors: any TensorSource
  let architecture: Architecture
  let names: TensorNames

  init(_ location: URL) throws {
    guard FileManager.default.fileExists(atPath: location.path) else {
      throw Fault(
        .noInput, "transformer.missingFolder", "There is no such model folder", file: location.path,
        expected: "a folder with config.json and model.safetensors, or a .gguf file",
        advice: "check the path: names are case-sensitive")
    }
    if let file = try ggufFile(at: location) {
      let checkpoint = try GGUFCheckpoint(file)
      let model = try GGUFModel(checkpoint)
      (tensors, architecture, names) = (checkpoint, model.architecture, model.names)
    } else {
      architecture = try Architecture(at: location)
      tensors = try openTensorSource(at: location)
      names = architecture.tensorNames
    }
  }
}
