import Checkpoints
import Diagnostics
import Foundation

extension Architecture {
  /// The architecture of what lies at a path: a model's folder (in Hugging Face layout, or with one model in GGUF), a
  /// `.gguf` file, a config.json, or a safetensors file beside one. No weight is read.
  ///
  /// - Parameter name: What reports call the model; empty: what the file itself says, if it does.
  /// - Throws: `Fault`: those of `init(folder:name:)`, `GGUFModel` and the checkpoint.
  public init(at location: URL, name: String = "") throws {
    if let file = try ggufFile(at: location) {
      self = try GGUFModel(GGUFCheckpoint(file)).architecture
      if !name.isEmpty { self.name = name }
    } else if location.pathExtension == "json" {
      try self.init(configuration: location, name: name)
    } else {
      let isFile = location.pathExtension == "safetensors"
      try self.init(folder: isFile ? location.deletingLastPathComponent() : location, name: name)
    }
  }
}
