import Architectures
import Checkpoints
import Diagnostics
import Foundation
import StrictJSON

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
    let folder = location
    architecture = try Architecture(folder: folder)
    tensors = try openTensorSource(at: location)
    names = architecture.tensorNames
  }
}
