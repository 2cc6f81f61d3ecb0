import Checkpoints
import Diagnostics
import Foundation
import StrictJSON

/// What a user named: an architecture, or a model of which only the width is told.
public enum AnatomySubject: Sendable {
  case architecture(Architecture, stored: ModelAnatomy.StoredParameters?)
  case widthOnly(WidthOnly)

  /// Finds what a name means, in this order: a path that exists (a model folder or a config.json), a preset, then what
  /// `ModelLocation` knows (a model that ships, a hub id in the local cache). Nothing is downloaded.
  ///
  /// - Throws: `Fault`: `anatomy.unknownModel`, `anatomy.noConfiguration`, and those of reading the file.
  public static func named(_ name: String) throws -> AnatomySubject {
    let path = (name as NSString).expandingTildeInPath
    if !name.isEmpty, FileManager.default.fileExists(atPath: path) { return try read(URL(filePath: path)) }
    if let preset = Preset.named(name) { return .architecture(try preset.architecture(), stored: nil) }
    if let known = WidthOnly.named(name) { return .widthOnly(known) }
    let location: URL
    do {
      location = try ModelLocation.resolve(name)
    } catch let fault as Fault where fault.name == "checkpoints.modelNotFound" {
      let names = Preset.all.map(\.name) + WidthOnly.all.map(\.name)
      let near = nearestNames(to: name, among: names)
      throw Fault(
        .noInput, "anatomy.unknownModel", "No model, configuration or preset is called \"\(name)\"",
        expected: "a model folder, a config.json, a preset, a model that ships, or a hub id in the local cache",
        found: "none of these",
        advice: near.isEmpty
          ? "list the presets with `unfold anatomy --list`" : "did you mean \(near.joined(separator: ", "))?")
    }
    return try read(location)
  }

  private static func read(_ url: URL) throws -> AnatomySubject {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    let file = isFolder.boolValue ? url.appending(path: "config.json") : url
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw Fault(
        .noInput, "anatomy.noConfiguration",
        isFolder.boolValue ? "This folder holds no config.json that can be read" : "The file cannot be read",
        file: url.path, expected: "a model folder in Hugging Face layout, or a config.json",
        advice: "check the path, or name a preset")
    }
    // A weights file named in the place of its configuration would only be called bad JSON.
    if ["gguf", "safetensors", "bin", "pt"].contains(file.pathExtension.lowercased()) {
      throw Fault(
        .badData, "anatomy.noConfiguration", "This is a file of weights, not a configuration", file: file.path,
        expected: "a config.json, or the folder that holds one", advice: "name the folder that the file lies in")
    }
    let value = try JSONValue(parsing: [UInt8](data), file: file.path)
    let folder = file.deletingLastPathComponent().standardizedFileURL
    let name = file.lastPathComponent == "config.json" ? folder.lastPathComponent : file.lastPathComponent
    let architecture = try Architecture(configuration: value, file: file.path, name: name)
    return .architecture(architecture, stored: isFolder.boolValue ? try storedParameters(folder: url) : nil)
  }

  /// What a folder's safetensors files hold; nil where it has none.
  private static func storedParameters(folder: URL) throws -> ModelAnatomy.StoredParameters? {
    let names = ["model.safetensors", "model.safetensors.index.json"]
    guard names.contains(where: { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }) else {
      return nil
    }
    let checkpoint = try Checkpoint(folder: folder)
    let tensors = checkpoint.names.compactMap(checkpoint.tensor(named:))
    return ModelAnatomy.StoredParameters(
      numbers: tensors.reduce(0) { $0 + $1.count }, bytes: checkpoint.byteCount)
  }
}
