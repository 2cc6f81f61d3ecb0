import Diagnostics
import Foundation

/// Finds a model by what a user calls it.
public enum ModelLocation {
  /// The folder (or single file) of a model, in this order: a path that exists; a model that ships, by its plain name
  /// (`unfold-mini`); a hub id in the local Hugging Face cache (`openai-community/gpt2`, or with a revision
  /// `openai-community/gpt2@main`). Nothing is ever downloaded.
  ///
  /// - Throws: `Fault` of the kind `noInput`: `checkpoints.modelNotFound`, which says where it looked, or
  ///   `checkpoints.incompleteCache` where the cache knows the model but lacks its files.
  public static func resolve(_ name: String) throws -> URL { try resolve(name, in: .current) }

  package static func resolve(_ name: String, in surroundings: Surroundings) throws -> URL {
    let path =
      name.hasPrefix("~/") ? surroundings.home.appending(path: String(name.dropFirst(2))).path : name
    let local =
      path.hasPrefix("/") ? URL(filePath: path) : surroundings.workingFolder.appending(path: path)
    if !name.isEmpty, FileManager.default.fileExists(atPath: local.path) { return local }
    if let shipped = ShippedFiles.models.find(name, in: surroundings) { return shipped }
    let cache = hubCache(in: surroundings)
    if let id = HubID(name), let snapshot = try id.snapshot(in: cache) { return snapshot }

    let ships = ShippedFiles.models.names(in: surroundings)
    var places = ["\(local.path) (no such file or folder)"]
    if ShippedFiles.isPlain(name) {
      places.append("the models that ship: " + (ships.isEmpty ? "none found" : ships.joined(separator: ", ")))
    }
    if let id = HubID(name) { places.append("\(id.folder(in: cache).path) (not in the local hub cache)") }
    let near = nearestNames(to: name, among: ships)
    throw Fault(
      .noInput, "checkpoints.modelNotFound", "No model is called \"\(name)\"",
      expected: "a folder in Hugging Face layout, the name of a model that ships, or a hub id in the local cache",
      found: "nothing in any of these places:\n            " + places.joined(separator: "\n            "),
      advice: near.first.map { "did you mean \"\($0)\"?" } ?? "give the path of the model's folder")
  }

  /// `HF_HUB_CACHE`, else `HF_HOME`/hub, else ~/.cache/huggingface/hub, as the hub's own tools have it.
  static func hubCache(in surroundings: Surroundings) -> URL {
    func setting(_ key: String) -> URL? {
      guard let value = surroundings.environment[key], !value.isEmpty else { return nil }
      return value.hasPrefix("~/")
        ? surroundings.home.appending(path: String(value.dropFirst(2)))
        : URL(filePath: value, directoryHint: .isDirectory)
    }
    if let cache = setting("HF_HUB_CACHE") { return cache }
    if let home = setting("HF_HOME") { return home.appending(path: "hub") }
    if let cache = setting("XDG_CACHE_HOME") { return cache.appending(path: "huggingface/hub") }
    return surroundings.home.appending(path: ".cache/huggingface/hub")
  }
}

/// A name on the hub: `organisation/model` or, for the oldest models, `model`; with an optional `@revision`.
private struct HubID {
  let parts: [String]
  let revision: String

  init?(_ name: String) {
    let halves = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let id = halves.first else { return nil }
    parts = id.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    revision = halves.count == 2 ? halves[1] : "main"
    guard parts.count <= 2, parts.allSatisfy(ShippedFiles.isPlain) else { return nil }
    // A revision such as refs/pr/1 has slashes; none of its parts may lead upward.
    guard
      revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy({ ShippedFiles.isPlain(String($0)) })
    else { return nil }
  }

  func folder(in cache: URL) -> URL { cache.appending(path: "models--" + parts.joined(separator: "--")) }

  /// The snapshot of the revision, or nil where the cache does not know the model.
  func snapshot(in cache: URL) throws -> URL? {
    let folder = folder(in: cache)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    let reference = folder.appending(path: "refs/\(revision)")
    let named = (try? String(contentsOf: reference, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let commit = named ?? revision
    let snapshot = folder.appending(path: "snapshots/\(commit)")
    guard ShippedFiles.isPlain(commit), FileManager.default.fileExists(atPath: snapshot.path) else {
      throw Fault(
        .noInput, "checkpoints.incompleteCache", "The hub cache knows this model but lacks its files",
        file: folder.path, expected: "the folder snapshots/\(commit.prefix(80))",
        found: named == nil ? "no reference called \"\(revision)\"" : "a reference to a snapshot that is not there",
        advice: "download the model again with the hub's own tool")
    }
    return snapshot
  }
}
