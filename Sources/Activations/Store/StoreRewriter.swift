import Diagnostics
import Foundation
import HDF5

/// Writes a store from others, shard for shard, into a folder beside the final one that is renamed when all is done.
final class StoreRewriter {
  let run: StoreRun
  private(set) var manifest: StoreManifest
  private let url: URL
  private let folder: URL
  private let operations: StoreOperations
  private let lock: StoreLock
  private var statistics: [String: SiteStatistics] = [:]

  /// - Throws: `Fault` named `store.exists` where the output is there, `store.inUse` where another process makes it now.
  init(creating url: URL, run: StoreRun, operations: StoreOperations = .standard) throws {
    guard !FileManager.default.fileExists(atPath: url.path) else {
      throw Fault(
        .cannotCreate, "store.exists", "The output already exists", file: url.path,
        advice: "remove it, or choose another output")
    }
    self.run = run
    self.url = url
    self.operations = operations
    folder = URL(fileURLWithPath: url.path + ".part", isDirectory: true)
    manifest = StoreManifest(run: run)
    try operations.makeFolder(folder)
    lock = try StoreLock(folder)
    UnfinishedOutputs.begin(folder.path)
    // What an attempt left that was killed.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    where name != StoreLock.fileName {
      try operations.remove(folder.appendingPathComponent(name))
    }
  }

  /// Adds a shard: `fill` writes rows and tables into it and returns its statistics.
  func addShard(
    cursor: DocumentCursor, quantization: [String: Quantization] = [:],
    fill: (ShardFile) throws -> [String: SiteStatistics]
  ) throws {
    let path = folder.appendingPathComponent(ShardEntry.fileName(manifest.shards.count)).path
    let file = try ShardFile(
      creating: path, run: run, firstRow: manifest.rows, firstToken: manifest.tokens,
      firstDocument: manifest.documents, operations: operations)
    let shardStatistics = try fill(file)
    manifest.shards.append(
      try file.close(statistics: shardStatistics, quantization: quantization, cursor: cursor))
    try operations.sync(path)
    try statistics.merge(shardStatistics, run: run)
  }

  /// Takes over the labels that were added to a store, where nothing was joined to it.
  func copyLabels(of store: ActivationStore) throws {
    guard let entry = store.manifest?.labels else { return }
    let path = folder.appendingPathComponent(entry.file).path
    do {
      try FileManager.default.copyItem(atPath: store.url.appendingPathComponent(entry.file).path, toPath: path)
    } catch {
      throw Fault(
        .inputOutput, "store.system", "The labels of a store cannot be copied", file: path,
        found: error.localizedDescription, advice: "make room and check its permissions, then run it again")
    }
    try operations.sync(path)
    manifest.labels = entry
  }

  func finish() throws -> ActivationStore {
    manifest.isComplete = true
    try operations.replace(folder.appendingPathComponent(StoreManifest.fileName).path, with: manifest.encoded())
    try StoreIndex(folder: folder, manifest: manifest, statistics: statistics).write(operations)
    try operations.publish(folder.path, as: url.path)
    UnfinishedOutputs.end(folder.path)
    return try ActivationStore(opening: url)
  }

  /// Removes what an attempt that failed has left.
  /// - Returns: The error as it is true here, where nothing stays that could be resumed.
  func abandon(after error: any Error) -> any Error {
    try? operations.remove(folder)
    UnfinishedOutputs.end(folder.path)
    guard var fault = error as? Fault, fault.name == "store.outOfSpace" else { return error }
    fault.problem = "The disk is full; nothing was written"
    fault.file = url.path
    fault.advice = "make room, then run the same command again"
    return fault
  }
}
