import Checkpoints
import Diagnostics
import Foundation

/// What the folders of SAELens and sparsify have in common: `cfg.json` and one safetensors file.
enum DictionaryFiles {
  /// Writes the tensors, and then the configuration with its keys in snake case; each appears whole or not at all.
  static func write(
    _ configuration: some Encodable, _ tensors: [SafetensorsWriter.Tensor], named weights: String, to folder: URL
  ) throws {
    let text: Data
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      text = try encoder.encode(configuration)
    } catch {
      throw Fault(
        .software, "dictionary.configuration", "The configuration cannot be written as JSON",
        found: Fault.words(of: error))
    }
    try SafetensorsWriter.write(tensors, to: folder.appending(path: weights))
    try AtomicFile.write(text, to: folder.appending(path: "cfg.json"))
  }
}
