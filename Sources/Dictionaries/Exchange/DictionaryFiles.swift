import Checkpoints
import Diagnostics
import Foundation

/// What the folders of SAELens and sparsify have in common: `cfg.json` and one safetensors file.
enum DictionaryFiles {
  /// Writes the tensors, and then the configuration with its keys in snake case; each appears whole or not at all.
  ///
  /// - Parameter configuration: made from the digest of the tensors' file.
  static func write<Configuration: Encodable>(
    _ tensors: [SafetensorsWriter.Tensor], named weights: String, to folder: URL,
    configuration: (String) -> Configuration
  ) throws {
    try SafetensorsWriter.write(tensors, to: folder.appending(path: weights))
    let digest = try WeightsDigest.hexadecimal(of: folder.appending(path: weights))
    let text: Data
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      text = try encoder.encode(configuration(digest))
    } catch {
      throw Fault(
        .software, "dictionary.configuration", "The configuration cannot be written as JSON",
        found: Fault.words(of: error))
    }
    try AtomicFile.write(text, to: folder.appending(path: "cfg.json"))
  }

  /// Refuses weights that are not those that a configuration was written with.
  /// - Throws: `Fault` named `dictionary.altered`.
  static func requireWeights(_ weights: URL, digest: String, configuration: String) throws {
    let found = try WeightsDigest.hexadecimal(of: weights)
    guard found != digest else { return }
    throw Fault(
      .badData, "dictionary.altered", "The dictionary's weights were altered after they were saved", file: weights.path,
      expected: "the digest in \(configuration), \(digest.prefix(12))", found: "\(found.prefix(12))",
      advice: "restore the file from a copy; where the change is meant, take weights_digest out of cfg.json")
  }
}
