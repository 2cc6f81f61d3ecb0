import Activations
import Checkpoints
import Diagnostics
import Foundation
import Yams

/// A probe experiment as a file: what the concept is called, where its labels come from, and the settings.
///
/// A specification is YAML; `docs/probes.md` lists the keys. Those that ship lie in `probes/` and are found by their
/// plain names wherever the tool runs.
public struct ProbeSpecification: Codable, Sendable, Equatable {
  /// What is looked for, in a word or two; titles and tables use it.
  public var concept: String
  /// A sentence about it; may be empty.
  public var about = ""
  /// Corpora, as a command line names them: datasets that ship, or files.
  public var dataset: [String]
  public var settings = ProbeSettings()

  public init(concept: String, dataset: [String]) {
    self.concept = concept
    self.dataset = dataset
  }
}

extension ProbeSpecification {
  /// The keys that are no settings.
  private enum OwnKey: String, CaseIterable { case concept, about, dataset }

  /// Reads a specification; keys that are absent keep their defaults.
  ///
  /// - Parameter file: the file's name, for messages.
  /// - Throws: `specification.syntax`, `specification.unknownKey`, `specification.missingKey`, `specification.value`.
  public init(yaml: String, file: String? = nil) throws {
    let values = try SpecificationReader.values(
      of: yaml, keys: OwnKey.allCases.map(\.rawValue) + ProbeSettings.Key.allCases.map(\.rawValue), file: file)
    func required(_ key: OwnKey) throws -> SettingValue {
      guard let value = values[key.rawValue] else {
        throw Fault(
          .badData, "specification.missingKey", "The specification lacks a key", file: file, place: "the whole file",
          expected: "a line \"\(key.rawValue): …\"", found: values.keys.sorted().joined(separator: ", "))
      }
      return value
    }
    self.init(concept: try required(.concept).text(), dataset: try required(.dataset).texts())
    if let about = try values[OwnKey.about.rawValue]?.text() { self.about = about }
    var given = Set<ProbeSettings.Key>()
    for key in ProbeSettings.Key.allCases {
      guard let value = values[key.rawValue] else { continue }
      try settings.set(key, to: value)
      given.insert(key)
    }
    if let conflict = settings.conflict(among: given), let value = values[conflict.key.rawValue] {
      throw value.fault(conflict.problem, expected: conflict.expected, found: conflict.found)
    }
  }
}

/// The keys and values of a flat YAML file.
private enum SpecificationReader {
  /// Parses the text and refuses keys that aren't among `keys`.
  static func values(of text: String, keys: [String], file: String?) throws -> [String: SettingValue] {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxFault(error, file: file)
    }
    guard let mapping = root?.mapping else {
      throw Fault(
        .badData, "specification.syntax", "A specification is a list of keys and values", file: file,
        place: root?.mark.map { "line \($0.line)" }, expected: "lines such as \"concept: sarcasm\"",
        found: root == nil ? "an empty file" : "something else")
    }
    var values: [String: SettingValue] = [:]
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line ?? 0
      guard let key = keyNode.scalar?.string, keys.contains(key) else {
        let found = keyNode.scalar?.string ?? "a key that is not a word"
        let near = nearestNames(to: found, among: keys)
        throw Fault(
          .badData, "specification.unknownKey", "A specification has no such key", file: file, place: "line \(line)",
          expected: near.isEmpty ? "one of \(keys.joined(separator: ", "))" : near.joined(separator: ", "),
          found: found, advice: near.first.map { "did you mean \"\($0)\"?" })
      }
      values[key] = SettingValue(key: key, node: value, line: value.mark?.line ?? line, file: file)
    }
    return values
  }

  private static func syntaxFault(_ error: YamlError, file: String?) -> Fault {
    var place: String?
    var found = "\(error)"
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      place = "line \(mark.line), column \(mark.column)"
      found = problem
    case .duplicatedKeysInMapping(let duplicates, let context):
      place = "line \(context.mark.line)"
      found = "\(duplicates.joined(separator: ", ")) more than once"
    default: break
    }
    return Fault(
      .badData, "specification.syntax", "The file is not well-formed YAML", file: file, place: place,
      expected: "keys and values, each key once", found: found)
  }
}

/// A specification and the file it was read from.
public struct SpecificationFile: Sendable {
  /// The file's name without its ending.
  public var name: String
  public var url: URL
  public var specification: ProbeSpecification

  /// Reads a specification by its path or by the plain name of one that ships.
  ///
  /// - Throws: `specification.notFound` with the nearest names, and what reading throws.
  public init(named name: String) throws {
    let local = URL(filePath: name)
    if FileManager.default.fileExists(atPath: local.path) {
      try self.init(contentsOf: local)
      return
    }
    if let shipped = ShippedFiles.probes.find(name) {
      try self.init(contentsOf: shipped)
      return
    }
    let ships = Self.shippedNames
    let stem = local.lastPathComponent.split(separator: ".").first.map(String.init) ?? name
    let near = nearestNames(to: stem, among: ships)
    throw Fault(
      .noInput, "specification.notFound", "No probe specification is called \"\(name)\"", file: local.path,
      expected: "a .yaml file, or one that ships" + (ships.isEmpty ? "" : " (\(ships.joined(separator: ", ")))"),
      found: "no such file",
      advice: near.first.map { "did you mean \"\($0)\"?" } ?? "list those that ship with `unfold probe list`")
  }

  /// Reads a file.
  ///
  /// - Throws: `specification.unreadable`, `specification.syntax`, `specification.unknownKey`,
  ///   `specification.value` and their like, each with the line.
  public init(contentsOf url: URL) throws {
    let text: String
    do {
      text = try String(contentsOf: url, encoding: .utf8)
    } catch {
      throw Fault(
        .noInput, "specification.unreadable", "This specification cannot be read as UTF-8 text", file: url.path,
        expected: "a YAML file")
    }
    name = url.deletingPathExtension().lastPathComponent
    self.url = url
    specification = try ProbeSpecification(yaml: text, file: url.path)
  }

  /// The names of the specifications that ship, sorted.
  public static var shippedNames: [String] {
    ShippedFiles.probes.names.filter { name in
      ShippedFiles.probes.find(name).map { ["yaml", "yml"].contains($0.pathExtension) } ?? false
    }
  }
}
