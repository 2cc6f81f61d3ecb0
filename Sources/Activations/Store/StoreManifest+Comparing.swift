import Diagnostics
import Foundation

extension StoreRun {
  /// What differs between two runs, each as the name of the setting and both values; empty where they agree.
  func differences(from other: StoreRun) -> [(name: String, here: String, there: String)] {
    var found: [(name: String, here: String, there: String)] = []
    func compare<Value: Equatable>(_ name: String, _ here: Value, _ there: Value, _ text: (Value) -> String) {
      if here != there { found.append((name, text(here), text(there))) }
    }
    func text(_ value: String?) -> String { value ?? "none" }
    func names(_ sites: [StoredSite]) -> String {
      sites.map { "\($0.name) \($0.shape) \($0.storage.rawValue)" }.joined(separator: ", ")
    }
    if !origin.isOfSameModel(as: other.origin) {
      compare("model digest", origin.modelDigest, other.origin.modelDigest, text)
    }
    compare("tokenizer digest", origin.tokenizerDigest, other.origin.tokenizerDigest, text)
    compare("corpus digest", origin.corpusDigest, other.origin.corpusDigest, text)
    compare("version", origin.version, other.origin.version, text)
    compare("sites", sites, other.sites, names)
    compare("statistics", statisticsSites, other.statisticsSites, names)
    compare("rows", rowKind, other.rowKind) { $0.rawValue }
    compare("label columns", labelColumns, other.labelColumns) { $0.joined(separator: ", ") }
    compare("shard-tokens", shardTokens, other.shardTokens) { "\($0)" }
    compare("shard-bytes", shardBytes, other.shardBytes) { "\($0)" }
    compare("seed", seed, other.seed) { "\($0)" }
    for name in Set(settings.keys).union(other.settings.keys).sorted() {
      compare(name, settings[name], other.settings[name], text)
    }
    return found
  }

  /// Refuses to go on with a run that was begun otherwise.
  func mustEqual(
    _ begun: StoreRun, in folder: URL,
    advice: String = "resume with the settings of the first run, or choose another output"
  ) throws {
    let differences = differences(from: begun)
    guard let first = differences.first else { return }
    func shortened(_ text: String) -> String { text.count > 200 ? text.prefix(200) + "…" : text }
    throw Fault(
      first.name == "corpus digest" ? .badData : .usage, "store.differs",
      "The run that was begun here is another one: \(differences.map(\.name).joined(separator: ", ")) \(differences.count == 1 ? "differs" : "differ")",
      file: folder.path, place: first.name, expected: shortened(first.there), found: shortened(first.here),
      advice: advice)
  }
}
