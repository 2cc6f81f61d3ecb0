import Diagnostics
import Foundation
import HDF5

/// The thread that writes a store's files: one shard after another, each finished in full before the manifest names it.
// All state belongs to the thread itself once it runs; `queue` has a lock of its own.
final class WriterThread: @unchecked Sendable {
  private let folder: URL
  private var manifest: StoreManifest
  private var statistics: [String: SiteStatistics]
  private let queue: WriterQueue
  private let operations: StoreOperations
  private var shard: ShardFile?
  /// Shards that the index speaks of. It is written anew when they have doubled, and at a stop or the end: so the work for
  /// it grows as the number of shards does, not as its square.
  private var indexedShards = 0

  init(
    folder: URL, manifest: StoreManifest, statistics: [String: SiteStatistics], queue: WriterQueue,
    operations: StoreOperations
  ) {
    self.folder = folder
    self.manifest = manifest
    self.statistics = statistics
    self.queue = queue
    self.operations = operations
  }

  func start() {
    let thread = Thread { self.main() }
    thread.name = "unfold store writer"
    thread.stackSize = 8 << 20
    queue.begin()
    thread.start()
  }

  private var manifestPath: String { folder.appendingPathComponent(StoreManifest.fileName).path }
  private var finalPath: String { folder.appendingPathComponent(ShardEntry.fileName(manifest.shards.count)).path }

  private func main() {
    do {
      while let (message, bytes) = queue.take() {
        let isLast = try handle(message)
        queue.done(bytes)
        if isLast { return queue.end(nil) }
      }
      dropShard()
      queue.end(nil)
    } catch {
      dropShard()
      queue.end(error)
    }
  }

  /// The unfinished shard goes; a failure here leaves a `.part` that the next run removes.
  private func dropShard() {
    shard = nil
    for name in [ShardEntry.fileName(manifest.shards.count), StoreIndex.fileName] {
      try? operations.remove(folder.appendingPathComponent(name + ".part"))
    }
  }

  private func handle(_ message: WriterMessage) throws -> Bool {
    switch message {
    case .rows(let block, let numbers):
      try openShard().append(site: block.site, block.memory, rows: block.rows, numbers: numbers)
    case .tables(let documents, let tokens, let spans):
      try openShard().append(documents: documents, tokens: tokens, spans: spans)
    case .closeShard(let cursor, let shardStatistics, let isLast):
      try close(openShard(), cursor, shardStatistics)
      if !isLast && manifest.shards.count >= 2 * indexedShards { try writeIndex() }
      FreeMemory.giveBack()
    case .index:
      if indexedShards != manifest.shards.count { try writeIndex() }
    case .complete:
      if !manifest.isComplete {
        try operations.append(StoreManifest.completeLine(shards: manifest.shards.count), to: manifestPath)
        manifest.isComplete = true
      }
      try writeIndex()
      return true
    }
    return false
  }

  private func openShard() throws -> ShardFile {
    if let shard { return shard }
    let new = try ShardFile(
      creating: finalPath + ".part", run: manifest.run, firstRow: manifest.rows, firstToken: manifest.tokens,
      firstDocument: manifest.documents, operations: operations)
    shard = new
    return new
  }

  private func close(_ file: ShardFile, _ cursor: DocumentCursor, _ shardStatistics: [String: SiteStatistics]) throws {
    let final = finalPath
    var entry = try file.close(statistics: shardStatistics, cursor: cursor)
    entry.file = ShardEntry.fileName(manifest.shards.count)
    try operations.sync(final + ".part")
    try operations.publish(final + ".part", as: final)
    shard = nil
    try operations.append(StoreManifest.shardLine(entry), to: manifestPath)
    manifest.shards.append(entry)
    queue.shardIsSafe()
    try statistics.merge(shardStatistics, run: manifest.run)
  }

  private func writeIndex() throws {
    try StoreIndex(folder: folder, manifest: manifest, statistics: statistics).write(operations)
    indexedShards = manifest.shards.count
  }
}
