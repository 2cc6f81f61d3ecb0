import Foundation

/// What a store is and holds, for `unfold store info`.
public struct StoreInfo: Codable, Sendable, Equatable {
  public var path: String
  public var isComplete: Bool
  public var run: StoreRun
  public var rows: Int
  public var tokens: Int
  public var documents: Int
  public var spans: Int
  public var shards: Int
  /// Bytes of all its files.
  public var bytes: Int
  /// The names of its label columns.
  public var labels: [String]
  /// The sites that have statistics.
  public var statistics: [String]
  /// Rows of each expert's site: the tokens that were routed there. Nil where there is no such site.
  public var routedRows: [String: Int]?
}

extension ActivationStore {
  /// What must be said beside results from a store whose capture has not come to its end; nil where it has.
  public var unfinishedNote: String? {
    if isComplete { return nil }
    let held = run.expectedDocuments.map { "\(documentCount.formatted()) of \($0.formatted()) documents" }
    return
      "The store is not complete: it holds \(held ?? "the first \(documentCount.formatted()) documents of its corpus")."
      + " Resume the capture to finish it."
  }

  /// A description. Reads the document table and the first shard's list of statistics.
  public func info() throws -> StoreInfo {
    var bytes = manifest == nil ? 0 : Self.size(url.appendingPathComponent(StoreManifest.fileName).path)
    if let manifest {
      bytes += Self.size(url.appendingPathComponent(StoreIndex.fileName).path) + (manifest.labels?.bytes ?? 0)
    }
    for part in parts { bytes += Self.size(part.path) }
    return StoreInfo(
      path: url.path, isComplete: isComplete, run: run, rows: rowCount, tokens: tokenCount, documents: documentCount,
      spans: try spans.count, shards: parts.count, bytes: bytes, labels: try documents.labels.keys.sorted(),
      statistics: try statisticsSites(), routedRows: routedRows)
  }

  private var routedRows: [String: Int]? {
    let sites = run.routedSites
    guard !sites.isEmpty else { return nil }
    return Dictionary(
      uniqueKeysWithValues: sites.map { site in (site.name, parts.reduce(0) { $0 + $1.count(of: site) }) })
  }

  private func statisticsSites() throws -> [String] {
    if !run.statisticsSites.isEmpty { return run.statisticsSites.map(\.name) }
    guard let part = parts.first else { return [] }
    return try ActivationStore.statisticsNames(in: part.path)
  }

  private static func size(_ path: String) -> Int {
    ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0
  }
}
