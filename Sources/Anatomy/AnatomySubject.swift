import Architectures
import Checkpoints
import Diagnostics
import Foundation
import StrictJSON

/// What a user named: an architecture, or a model of which only the width is told.
public enum AnatomySubject: Sendable {
  case architecture(Architecture, stored: ModelAnatomy.StoredParameters?)
  case widthOnly(WidthOnly)

  /// Finds what a name means, in this order: a path that exists (a model folder, a config.json or a GGUF file), a preset,
  /// then what `ModelLocation` knows (a model that ships, a hub id in the local cache). Nothing is downloaded.
  ///
  /// - Throws: `Fault`: `anatomy.unknownModel`, `anatomy.noConfiguration`, `architectures.missingConfig`, and those of
  ///   reading the files.
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
    if isFolder.boolValue { return try read(folder: url) }
    switch url.pathExtension.lowercased() {
    case "gguf": return try read(gguf: url)
    case "safetensors", "bin", "pt":
      // A weights file named in the place of its configuration would only be called bad JSON.
      throw Fault(
        .badData, "anatomy.noConfiguration", "This is a file of weights, not a configuration", file: url.path,
        expected: "a config.json, or the folder that holds one", advice: "name the folder that the file lies in")
    default: return try read(configuration: url)
    }
  }

  private static func read(folder: URL) throws -> AnatomySubject {
    let content = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    // A model in GGUF needs no config.json beside it.
    if !content.contains("config.json"), content.contains(where: { $0.lowercased().hasSuffix(".gguf") }) {
      return try read(gguf: folder)
    }
    let name = folder.standardizedFileURL.lastPathComponent
    let architecture = try Architecture(folder: folder, name: name)
    let holdsWeights = content.contains { $0.hasSuffix(".safetensors") || $0 == "model.safetensors.index.json" }
    let stored = holdsWeights ? ModelAnatomy.StoredParameters(try openTensorSource(at: folder)) : nil
    return .architecture(architecture, stored: stored)
  }

  private static func read(configuration file: URL) throws -> AnatomySubject {
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw Fault(
        .noInput, "anatomy.noConfiguration", "The file cannot be read", file: file.path,
        expected: "a model folder in Hugging Face layout, or a config.json", advice: "check the path, or name a preset")
    }
    let folder = file.deletingLastPathComponent().standardizedFileURL
    let name = file.lastPathComponent == "config.json" ? folder.lastPathComponent : file.lastPathComponent
    let value = try JSONValue(parsing: [UInt8](data), file: file.path)
    return .architecture(try Architecture(configuration: value, file: file.path, name: name), stored: nil)
  }

  /// A model in GGUF, as a file or as all that its folder holds; the architecture is read of the file's metadata.
  private static func read(gguf location: URL) throws -> AnatomySubject {
    let source = try openTensorSource(at: location)
    let name = location.deletingPathExtension().lastPathComponent
    return .architecture(try Architecture(at: location, name: name), stored: .init(source))
  }
}

extension ModelAnatomy.StoredParameters {
  /// The numbers in a model's files; their headers are read alone.
  init(_ source: any TensorSource) {
    self.init(
      numbers: source.names.compactMap(source.tensor(named:)).reduce(0) { $0 + $1.count }, bytes: source.byteCount)
  }
}
