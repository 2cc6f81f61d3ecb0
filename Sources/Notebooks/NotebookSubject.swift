import Activations
import Diagnostics
import Dictionaries
import Foundation
import Probes

/// What a notebook can be about.
public enum NotebookTopic: String, Codable, Sendable, CaseIterable {
  /// Of a store: everything that is in it.
  case tour
  /// Of a store: neurons that mean several things.
  case neurons
  /// Of a store: its rows in scikit-learn and PyTorch.
  case training
  /// Of a probe.
  case probe
  /// Of a dictionary.
  case dictionary
}

extension Notebook {
  /// The notebook for what lies at a place: a store (a folder or one HDF5 file), a probe file or a dictionary's folder.
  ///
  /// - Parameters:
  ///   - topic: what is asked of a store; nil: the tour.
  ///   - store: activations to use a probe or a dictionary on.
  ///   - output: where the notebook will lie: it names its files from there.
  /// - Throws: `notebook.notAResult`, `notebook.topic`, `notebook.unfinishedStore`, `notebook.emptyStore`,
  ///   `notebook.noStatistics`, `notebook.noSite`, and what opening the store, probe or dictionary throws.
  public static func about(
    _ url: URL, topic: NotebookTopic? = nil, store: URL? = nil, output: URL
  ) throws -> Notebook {
    let paths = NotebookPaths(output: output)
    switch try kind(of: url) {
    case .store:
      guard store == nil else { throw topicFault("--store for a store; it belongs to a probe or a dictionary", url) }
      let facts = try StoreFacts(url, path: paths.relative(to: url))
      switch topic ?? .tour {
      case .tour: return try tour(facts)
      case .neurons: return try neurons(facts)
      case .training: return try training(facts)
      case .probe, .dictionary: throw topicFault("--topic \(topic?.rawValue ?? "") for a store", url)
      }
    case .probe:
      guard topic == nil || topic == .probe else {
        throw topicFault("--topic \(topic?.rawValue ?? "") for a probe", url)
      }
      let probe = try Probe(contentsOf: url)
      let facts = try store.map { try StoreFacts($0, path: paths.relative(to: $0)) }
      if let facts {
        try probe.requireMatch(origin: facts.store.origin, site: facts.site(named: probe.record.site.name))
      }
      return Notebook.probe(probe, path: paths.relative(to: url), store: facts)
    case .dictionary:
      guard topic == nil || topic == .dictionary else {
        throw topicFault("--topic \(topic?.rawValue ?? "") for a dictionary", url)
      }
      let dictionary = try SparseAutoencoder.load(folder: url)
      let facts = try store.map { try StoreFacts($0, path: paths.relative(to: $0)) }
      if let facts { _ = try DictionaryInput(dictionary, source: facts.store) }
      return try Notebook.dictionary(dictionary, path: paths.relative(to: url), store: facts)
    }
  }

  private enum Kind { case store, probe, dictionary }

  private static func kind(of url: URL) throws -> Kind {
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: name).path) }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw notAResult(url, found: "no such file or folder")
    }
    if isFolder.boolValue {
      if exists("manifest.jsonl") { return .store }
      if exists("cfg.json") { return .dictionary }
      throw notAResult(url, found: "a folder without manifest.jsonl or cfg.json")
    }
    switch url.pathExtension {
    case "safetensors": return .probe
    case "h5", "hdf5", "jsonl": return .store
    default: throw notAResult(url, found: url.lastPathComponent)
    }
  }

  private static func notAResult(_ url: URL, found: String) -> Fault {
    Fault(
      .noInput, "notebook.notAResult", "There is nothing here that a notebook could be written for", file: url.path,
      expected: "a store, a probe (.safetensors) or a dictionary's folder", found: found,
      advice: "make one with `unfold capture`, `unfold probe train` or `unfold sae train`")
  }

  private static func topicFault(_ found: String, _ url: URL) -> Fault {
    Fault(
      .usage, "notebook.topic", "This topic does not go with what was named", file: url.path,
      expected: "tour, neurons or training for a store; none for a probe or a dictionary", found: found)
  }
}

/// How a notebook names files: from the folder that it lies in.
struct NotebookPaths {
  private let folder: [String]

  init(output: URL) { folder = output.standardizedFileURL.deletingLastPathComponent().pathComponents }

  func relative(to url: URL) -> String {
    var target = url.standardizedFileURL.pathComponents
    if target.last == "index.h5" || target.last == "manifest.jsonl" { target.removeLast() }
    var common = 0
    while common < min(folder.count, target.count), folder[common] == target[common] { common += 1 }
    return (Array(repeating: "..", count: folder.count - common) + target[common...]).joined(separator: "/")
  }
}

/// What a notebook must know of a store.
struct StoreFacts {
  let store: ActivationStore
  let info: StoreInfo
  /// The HDF5 file, from the notebook's folder.
  let path: String
  /// The label column that has labels; nil where none has.
  let labels: String?

  /// - Throws: `notebook.unfinishedStore`, `notebook.emptyStore`, and what opening a store throws.
  init(_ url: URL, path: String) throws {
    store = try ActivationStore(opening: url)
    guard store.isComplete else {
      throw Fault(
        .badData, "notebook.unfinishedStore", "The store is not finished", file: url.path,
        expected: "a store whose capture came to its end", found: "one that was stopped",
        advice: "run the capture again with --resume")
    }
    guard try store.hasText else {
      throw Fault(
        .badData, "notebook.emptyStore", "The store has no tokens that a notebook could show", file: url.path,
        expected: "tokens that came from text", found: "\(store.tokenCount) tokens, none of a text",
        advice: "capture a corpus that has texts")
    }
    info = try store.info()
    var isFolder: ObjCBool = false
    FileManager.default.fileExists(atPath: store.url.path, isDirectory: &isFolder)
    self.path = isFolder.boolValue ? path + "/index.h5" : path
    let known = try store.documents.labels
    let usual = DocumentTable.defaultLabels
    let names = known.keys.filter { $0 == usual } + known.keys.filter { $0 != usual }.sorted()
    labels = names.first { Set((known[$0] ?? []).compactMap { $0 }).count > 1 }
  }

  func site(named name: String) throws -> StoredSite { try store.site(named: name) }

  /// The Python expression of the documents' labels as texts.
  var labelValues: String? {
    guard let labels else { return nil }
    let data = "f[\((labels == DocumentTable.defaultLabels ? "documents/label" : "labels/\(labels)").python)]"
    let isText = (try? store.documents.labels[labels]?.contains { if case .text = $0 { true } else { false } }) ?? true
    return isText ? "\(data).asstr()[:]" : "\(data)[:].astype(str)"
  }

  /// The site that an example is shown at: the middle layer's of those that fit.
  func middle(where fits: (StoredSite) -> Bool) -> StoredSite? {
    let some = store.sites.filter { !$0.isRouted && $0.shape.count == 1 && fits($0) }
    return some.isEmpty ? nil : some[some.count / 2]
  }

  /// The neurons of the middle layer, else any site of one axis.
  ///
  /// - Throws: `notebook.noSite`.
  func requireSite(_ what: String, where fits: (StoredSite) -> Bool) throws -> StoredSite {
    guard store.rowKind == .token, let site = middle(where: fits) else {
      throw Fault(
        .badData, "notebook.noSite", "The store has not what this notebook shows", file: store.url.path,
        expected: what,
        found: store.rowKind == .document
          ? "a row for each document" : store.sites.prefix(4).map(\.name).joined(separator: ", "),
        advice: "capture again with --sites resid_post,mlp_post and without --pool")
    }
    return site
  }

  /// - Throws: `notebook.noStatistics`.
  func requireStatistics(of site: String) throws {
    guard try store.statistics(of: site)?.top != nil else {
      throw Fault(
        .badData, "notebook.noStatistics", "The store has no statistics with top examples, which this notebook shows",
        file: store.url.path, place: site, expected: "statistics gathered by the capture", found: "none",
        advice: "capture again with --top 20, or choose --topic training")
    }
  }
}

extension ActivationStore {
  /// Whether any token came from a text, and not from the tokenizer alone.
  fileprivate var hasText: Bool {
    get throws {
      for start in stride(from: 0, to: tokenCount, by: 1 << 16) {
        if try !tokens(in: start..<min(start + 1 << 16, tokenCount)).fromText.isEmpty { return true }
      }
      return false
    }
  }
}

extension String {
  /// The text with each `{{NAME}}` replaced by what the name stands for.
  func filled(_ values: [String: String]) -> String {
    values.reduce(self) { $0.replacingOccurrences(of: "{{\($1.key)}}", with: $1.value) }
  }

  /// The text as a Python literal.
  var python: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
