import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import Transformer

extension Direction {
  /// The directions that a user names.
  ///
  /// | reference | meaning |
  /// | --- | --- |
  /// | `PROBE.safetensors[:CLASS]` | a probe's weights; of two classes the second's unless the first is named |
  /// | `FOLDER:FEATURE` | a dictionary's feature by its number; of a crosscoder one direction at each of its sites |
  /// | `FILE.safetensors[:TENSOR]` | a vector; one that `write` has written knows its site |
  /// | `FILE.gguf[:LAYER]` | a control vector's `direction.N`, behind block N |
  ///
  /// - Parameters:
  ///   - sites: Where the directions are wanted; nil: where they belong. A single direction of the residual stream may go
  ///     to any of its sites; of several those at these sites are taken.
  /// - Throws: `Fault`: `direction.notFound`, `direction.ambiguous`, `direction.noSite`, `direction.otherSite`,
  ///   `direction.otherModel`, `direction.class`, `direction.feature`, `direction.tensor`, those of `init`, and those of the
  ///   files' own formats.
  public static func load(_ reference: String, for session: Session, at sites: [Site]? = nil) throws -> [Direction] {
    let (url, part) = try locate(reference)
    let model = session.model
    let found: [Direction]
    if isFolder(url) {
      guard let part, let index = Int(part) else {
        throw Fault(
          .usage, "direction.feature", "A dictionary's feature is named by its number", file: url.path,
          expected: "\(url.lastPathComponent):FEATURE, such as \(url.lastPathComponent):12",
          found: part.map { "\"\($0)\"" } ?? "no number")
      }
      found = try feature(index, of: SparseAutoencoder.load(folder: url), name: reference, in: model)
    } else if url.pathExtension.lowercased() == "gguf" {
      found = try ControlVector(contentsOf: url).directions(layer: part, name: reference, in: model)
    } else {
      let file = try SafetensorsFile(contentsOf: url)
      let isProbe = file.metadata.contains { $0.key == "format" && $0.value == Probe.format }
      found =
        try isProbe
        ? [probe(Probe(contentsOf: url), className: part, name: reference, in: model)]
        : vectors(in: file, tensor: part, name: reference, for: session, at: sites)
    }
    guard let sites else { return found }
    if let only = found.first, found.count == 1 { return try sites.map { try only.moved(to: $0, in: model) } }
    let wanted = found.filter { sites.contains($0.site) }
    guard !wanted.isEmpty else {
      throw Fault(
        .usage, "direction.otherSite", "The directions of this file belong to other sites", file: reference,
        expected: found.map(\.site.name).joined(separator: ", "), found: sites.map(\.name).joined(separator: ", "))
    }
    return wanted
  }

  /// The file or folder of a reference, and what stands behind its last colon where that is no part of the path.
  private static func locate(_ reference: String) throws -> (URL, String?) {
    if FileManager.default.fileExists(atPath: reference) { return (URL(filePath: reference), nil) }
    var end = reference.endIndex
    while let colon = reference[..<end].lastIndex(of: ":") {
      let path = String(reference[..<colon])
      if FileManager.default.fileExists(atPath: path) {
        return (URL(filePath: path), String(reference[reference.index(after: colon)...]))
      }
      end = colon
    }
    throw Fault(
      .noInput, "direction.notFound", "There is no such direction", file: reference,
      expected:
        "a probe, a dictionary's FOLDER:FEATURE, a vector's FILE.safetensors[:TENSOR] or a control vector's FILE.gguf",
      found: "no such file or folder")
  }

  /// A probe's file, with the class that stands behind a colon.
  ///
  /// - Throws: `direction.notFound`, and those of `Probe.init(contentsOf:)`.
  public static func readProbe(_ reference: String) throws -> (probe: Probe, className: String?) {
    let (url, part) = try locate(reference)
    return (try Probe(contentsOf: url), part)
  }

  private static func isFolder(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// A probe's direction: towards its second class, or a class that is named.
  ///
  /// - Throws: `Fault`: `direction.class`, `direction.otherModel`, and those of `init`.
  public static func probe(
    _ probe: Probe, className: String? = nil, name: String, in model: Model
  ) throws -> Direction {
    let record = probe.record
    try requireDigest(record.origin.modelDigest, of: record.origin.model, in: model, file: name)
    let isBinary = probe.classifier.weights.rows == 1
    guard let number = className.map({ record.classes.firstIndex(of: $0) }) ?? (isBinary ? 1 : nil) else {
      throw Fault(
        .usage, "direction.class",
        className == nil ? "A probe of several classes has a direction for each" : "The probe has no such class",
        file: name, expected: "one of the classes: " + record.classes.map { "\"\($0)\"" }.joined(separator: ", "),
        found: className.map { "\"\($0)\"" } ?? "none named", advice: "name one behind a colon")
    }
    let weights = probe.direction(ofClass: number)
    guard let site = model.architecture.site(named: record.site.name) else {
      throw noSite(record.site.name, of: name, in: model)
    }
    return try Direction(
      isBinary && number == 0 ? weights.map { -$0 } : weights, name: name, kind: .probe, at: site, in: model)
  }

  static func noSite(_ site: String, of name: String, in model: Model) -> Fault {
    Fault(
      .badData, "direction.otherSite", "The model has not the direction's site", file: name, expected: site,
      found: "a model of \(model.architecture.layers) layers",
      advice: "name the model that the direction belongs to")
  }
}
