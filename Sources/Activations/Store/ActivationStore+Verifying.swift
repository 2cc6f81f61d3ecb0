import Checkpoints
import Diagnostics
import Foundation
import HDF5

/// What `unfold store verify` found.
public struct StoreVerification: Sendable, Equatable {
  /// Files and bytes that were read.
  public var files: Int
  public var bytes: Int
  /// What is wrong, file by file; empty where the store is whole.
  public var problems: [Fault]

  public var isSound: Bool { problems.isEmpty }
}

extension ActivationStore {
  /// Reads every byte of a store and holds it against the manifest: each shard's CRC-32C, every dataset's shape and
  /// checksums, the labels that were added, and whether `index.h5` says what the shards say.
  ///
  /// Damage is reported, not thrown; what is thrown is that there is no store to verify.
  /// - Parameter progress: called after each file with the files done and all of them.
  public static func verify(_ url: URL, progress: (Int, Int) -> Void = { _, _ in }) throws -> StoreVerification {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
      return try verifyFile(url)
    }
    guard let manifest = try StoreManifest.read(url) else {
      throw Fault(
        .badData, "store.empty", "The store's run was stopped before it wrote anything", file: url.path,
        advice: "run the capture again with --resume")
    }
    var result = StoreVerification(files: 0, bytes: 0, problems: [])
    let total = manifest.shards.count + (manifest.labels == nil ? 1 : 2)
    func step(_ body: () throws -> Int) throws {
      do {
        result.bytes += try body()
      } catch let fault as Fault {
        result.problems.append(fault)
      }
      result.files += 1
      progress(result.files, total)
    }
    for shard in manifest.shards {
      try step {
        try verify(shard.file, bytes: shard.bytes, crc32c: shard.crc32c, in: url)
        try verifyStructure(shard, manifest.run, in: url)
        return shard.bytes
      }
    }
    if let labels = manifest.labels {
      try step {
        try verify(labels.file, bytes: labels.bytes, crc32c: labels.crc32c, in: url)
        return labels.bytes
      }
    }
    if result.isSound {
      do { try verifyTables(url) } catch let fault as Fault { result.problems.append(fault) }
    }
    if result.isSound { try step { try verifyIndex(manifest, in: url) } }
    return result
  }

  private static func verify(_ name: String, bytes: Int, crc32c: String, in folder: URL) throws {
    try check(name, bytes: bytes, in: folder)
    let path = folder.appendingPathComponent(name).path
    let found = try ShardFile.checksum(path).crc
    guard found == crc32c else {
      throw Fault(
        .badData, "store.shardDamaged", "A file of the store is damaged: its checksum does not match", file: path,
        expected: "CRC-32C \(crc32c)", found: found, advice: "restore the file from a copy, or capture again")
    }
  }

  /// Holds the shapes in a shard against the manifest's line.
  private static func verifyStructure(_ shard: ShardEntry, _ run: StoreRun, in folder: URL) throws {
    let file = try H5File(opening: folder.appendingPathComponent(shard.file).path)
    func expect(_ name: String, _ shape: [Int]) throws {
      let found = try file.dataset(name).shape
      guard found == shape else {
        throw Fault(
          .badData, "store.shape", "A dataset is not of the shape it must have", file: file.file, place: "/\(name)",
          expected: "\(shape)", found: "\(found)", advice: "restore the file from a copy, or capture again")
      }
    }
    for name in ShardFile.tokenColumns { try expect("tokens/\(name)", [shard.tokens]) }
    for name in ["id", "text", "label", "group", "piece", "first_token", "token_count"] {
      try expect("documents/\(name)", [shard.documents])
    }
    for name in ["document", "start", "end", "label"] { try expect("spans/\(name)", [shard.spans]) }
    let routed = Dictionary(uniqueKeysWithValues: zip(run.routedSites.map(\.name), shard.routedRows ?? []))
    let part = Part(
      path: file.file, rows: shard.firstRow..<shard.firstRow + shard.rows, tokens: 0..<shard.tokens,
      documents: 0..<shard.documents, spanCount: shard.spans, routedRows: routed)
    for site in run.sites {
      try expect("activations/\(site.name)", [part.count(of: site)] + site.shape)
      guard site.isRouted else { continue }
      try expect("rows/\(site.name)", [part.count(of: site)])
      _ = try RoutedRows(site, of: part, file)
    }
    _ = try file.statistics(of: shard, run)
  }

  /// Reads the tables, whose values are used as places in each other.
  private static func verifyTables(_ folder: URL) throws {
    let store = try ActivationStore(opening: folder)
    for first in stride(from: 0, to: store.tokenCount, by: 1 << 20) {
      _ = try store.tokens(in: first..<min(store.tokenCount, first + (1 << 20)))
    }
    _ = try store.documents
    _ = try store.spans
    for part in store.parts { _ = try store.rows(of: part, H5File(opening: part.path)) }
  }

  /// Makes the index anew in a temporary folder and compares.
  ///
  /// One that an older version made lays the same out otherwise; then it must speak of the same shards.
  private static func verifyIndex(_ manifest: StoreManifest, in folder: URL) throws -> Int {
    let url = folder.appendingPathComponent(StoreIndex.fileName)
    func stale(_ found: String) -> Fault {
      Fault(
        .badData, "store.indexStale", "The index does not say what the shards say", file: url.path, found: found,
        advice: "make it anew with `unfold store verify --repair`; the shards are sound")
    }
    let isCurrent = StoreIndex.isCurrent(folder, manifest)
    // While a store is written its index may lag behind; whoever goes on with the run makes it anew.
    if !manifest.isComplete, !isCurrent { return 0 }
    guard FileManager.default.fileExists(atPath: url.path) else { throw stale("no such file") }
    guard isCurrent else { throw stale("other shards, or a file that cannot be read") }
    let (version, library) = try versions(ofIndex: url)
    let present = try MappedFile(contentsOf: url)
    if version == nil { return present.count }
    let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("unfold-\(UUID().uuidString).h5")
    defer { try? FileManager.default.removeItem(at: temporary) }
    try storeIndex(manifest, in: folder).make(at: temporary.path, library: library ?? H5Library.version)
    let made = try MappedFile(contentsOf: temporary)
    let isSame = present.withUnsafeBytes { present in
      made.withUnsafeBytes { made in
        present.elementsEqual(made)
      }
    }
    guard isSame else {
      throw stale(library == H5Library.version ? "other bytes" : "other bytes, by HDF5 \(library ?? "unknown")")
    }
    return present.count
  }

  private static func versions(ofIndex url: URL) throws -> (index: Int64?, library: String?) {
    let file = try H5File(opening: url.path)
    return (try file.numberAttribute("index_version", as: Int64.self), try file.textAttribute("hdf5_version"))
  }

  static func storeIndex(_ manifest: StoreManifest, in folder: URL) throws -> StoreIndex {
    var statistics: [String: SiteStatistics] = [:]
    for shard in manifest.shards {
      try statistics.merge(open(shard, in: folder).statistics(of: shard, manifest.run), run: manifest.run)
    }
    return StoreIndex(folder: folder, manifest: manifest, statistics: statistics)
  }

  /// Makes `index.h5` anew from the shards.
  public static func rebuildIndex(_ folder: URL) throws {
    guard let manifest = try StoreManifest.read(folder) else { return }
    let lock = try StoreLock(folder)
    try withExtendedLifetime(lock) { try storeIndex(manifest, in: folder).write(.standard) }
  }

  /// One plain file has no manifest: everything in it is read, against the checksums inside.
  private static func verifyFile(_ url: URL) throws -> StoreVerification {
    let store = try ActivationStore(opening: url)
    var result = StoreVerification(files: 1, bytes: 0, problems: [])
    let size = (try? FileManager.default.attributesOfItem(atPath: url.path))?[.size] as? Int
    result.bytes = size ?? 0
    func attempt(_ body: () throws -> Void) throws {
      do { try body() } catch let fault as Fault { result.problems.append(fault) }
    }
    for site in store.sites {
      try attempt { try store.streamRouted([site.name], maximumRows: max(1, (1 << 20) / max(1, site.width))) { _ in } }
    }
    for first in stride(from: 0, to: store.tokenCount, by: 1 << 20) {
      try attempt { _ = try store.tokens(in: first..<min(store.tokenCount, first + (1 << 20))) }
    }
    try attempt { _ = try store.documents }
    try attempt { _ = try store.spans }
    let file = try H5File(opening: url.path)
    if file.contains("documents/text") { try attempt { _ = try file.checkedTexts("documents/text") } }
    for part in store.parts { try attempt { _ = try store.statistics(of: part, file) } }
    return result
  }

  static func statisticsNames(in path: String) throws -> [String] {
    let file = try H5File(opening: path)
    return try file.contains("statistics") ? file.group("statistics").members() : []
  }
}
