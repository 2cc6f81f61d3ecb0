import Diagnostics
import Foundation

/// Writes a store: takes rows from the side that computes and writes them on a thread of its own.
///
/// For each batch call, in any order, `append(documents:tokens:spans:)` once and `append(_:)` with one or more blocks for
/// each site (of a routed site none where no token was routed there), then `endBatch`, and where that says so `closeShard`. `finish` closes the last shard and the manifest. The
/// calls come from one thread at a time; an error of the writer's thread is thrown by the next call.
///
/// Rows are numbered over the whole store: `rowCount`, `tokenCount` and `documentCount` say where the next batch begins,
/// and `DocumentRow.firstToken`, `TokenTable.documents`, `SpanRow.document` and the rows in statistics count from there.
// The lock of `queue` guards the counters; everything about files belongs to the writer's thread.
public final class StoreWriter: @unchecked Sendable {
  public let run: StoreRun
  /// Whether the store was complete before this run began: there is nothing to do.
  public let isComplete: Bool
  /// Where in the corpus to go on; the beginning for a new run.
  public let cursor: DocumentCursor
  /// Shards that an earlier run had finished.
  public let finishedShards: Int

  private let queue: WriterQueue
  private let pool = BlockPool()
  private let lock: StoreLock?
  /// Whether the folder was not there before.
  private let isFresh: Bool
  private let plainFile: URL?
  private let folder: URL
  private let operations: StoreOperations
  private var counters: Counters

  private struct Counters {
    var rows = 0
    var tokens = 0
    var documents = 0
    /// Tokens and rows of the shard that is open, and rows of each site in it.
    var shardTokens = 0
    var shardDocuments = 0
    var siteRows: [Int]
  }

  /// Begins a store or goes on with one.
  ///
  /// - Parameters:
  ///   - url: a folder that is made; or a name that ends in `.h5`, where one plain file is written at the end (until then
  ///     the shards lie in a folder `NAME.h5.shards` beside it).
  ///   - resume: go on with a run that was begun there (and begin one that was not). Without it, anything that exists is
  ///     an error.
  ///   - expectedBytes: what the whole run will write, where that is known; compared with the free space.
  /// - Throws: `Fault`: `store.exists`, `store.inUse`, `store.notEnoughSpace`, `store.differs` (another model, corpus or
  ///   setting than the run that is resumed; says which).
  public convenience init(at url: URL, run: StoreRun, resume: Bool, expectedBytes: Int? = nil) throws {
    try self.init(at: url, run: run, resume: resume, expectedBytes: expectedBytes, operations: .standard)
  }

  package init(at url: URL, run: StoreRun, resume: Bool, expectedBytes: Int? = nil, operations: StoreOperations) throws
  {
    precondition(
      run.shardTokens > 0 && run.shardBytes > 0, "shards of \(run.shardTokens) tokens, \(run.shardBytes) bytes")
    self.run = run
    self.operations = operations
    plainFile = url.pathExtension == "h5" ? url : nil
    folder = plainFile.map { $0.appendingPathExtension("shards") } ?? url
    if let plainFile, try Self.isFinished(plainFile, run: run, resume: resume) {
      // A kill between the file's name and the removal of the shards that it was written from leaves them.
      if (try? StoreManifest.read(folder))?.run.settings == run.settings { try? operations.remove(folder) }
      isComplete = true
      isFresh = false
      cursor = DocumentCursor()
      finishedShards = 0
      lock = nil
      counters = Counters(siteRows: [])
      queue = WriterQueue()
      return
    }
    // One plain file is written from the shards, which stay until it is whole.
    let bytes = expectedBytes.map { [isPlain = plainFile != nil] in isPlain ? 2 * $0 : $0 }
    let start = try Self.prepare(folder, run: run, resume: resume, expectedBytes: bytes, operations)
    isFresh = start.isFresh
    lock = start.lock
    let manifest = start.manifest
    isComplete = manifest.isComplete && plainFile == nil
    cursor = manifest.cursor
    finishedShards = manifest.shards.count
    counters = Counters(
      rows: manifest.rows, tokens: manifest.tokens, documents: manifest.documents,
      siteRows: [Int](repeating: 0, count: run.sites.count))
    queue = WriterQueue()
    if !isComplete {
      let thread = WriterThread(
        folder: folder, manifest: manifest, statistics: start.statistics, queue: queue, operations: operations)
      thread.start()
    }
  }

  deinit { abandon() }

  /// Rows of every site, appended so far, those of an earlier run's finished shards included.
  public var rowCount: Int { queue.locked { counters.rows } }
  /// Rows of the token table.
  public var tokenCount: Int { queue.locked { counters.tokens } }
  /// Rows of the document table.
  public var documentCount: Int { queue.locked { counters.documents } }

  /// Memory for `rows` rows of a site, to be filled and given to `append`.
  ///
  /// Waits while the blocks that are under way hold more than 128 MiB.
  public func makeBlock(site: Int, rows: Int) throws -> StorageBlock {
    let bytes = rows * run.sites[site].rowBytes
    try queue.waitForRoom(bytes)
    return try StorageBlock(site: site, rows: rows, byteCount: bytes, pool: pool)
  }

  /// Hands over the rows of one site in this batch.
  ///
  /// - Parameter numbers: of a routed site, and of those alone: which rows of the store they are, ascending.
  public func append(_ block: StorageBlock, numbers: [Int64]? = nil) throws {
    queue.locked { counters.siteRows[block.site] += block.rows }
    try queue.put(.rows(block, numbers), bytes: block.bytes.count)
  }

  /// Hands over the tables of this batch.
  public func append(documents: [DocumentRow], tokens: TokenTable, spans: [SpanRow]) throws {
    queue.locked {
      counters.tokens += tokens.count
      counters.documents += documents.count
      counters.rows += run.rowKind == .token ? tokens.count : documents.count
      counters.shardTokens += tokens.count
      counters.shardDocuments += documents.count
    }
    try queue.put(.tables(documents, tokens, spans), bytes: 0)
  }

  /// Ends a batch.
  /// - Returns: whether the shard is full: the caller then gathers its statistics and calls `closeShard`.
  public func endBatch() throws -> Bool {
    try queue.rethrow()
    return queue.locked {
      let rows = run.rowKind == .token ? counters.shardTokens : counters.shardDocuments
      var bytes = rows * run.rowBytes
      for (site, found) in zip(run.sites, counters.siteRows) {
        if site.isRouted {
          bytes += found * (site.rowBytes + MemoryLayout<Int64>.size)
          precondition(found <= rows, "\(site.name): \(found) rows were appended for \(rows) in the tables")
        } else {
          precondition(found == rows, "\(site.name): \(found) rows were appended for \(rows) in the tables")
        }
      }
      return counters.shardTokens >= run.shardTokens || bytes >= run.shardBytes
    }
  }

  /// Closes the shard; it is finished, and safe, some time after the call.
  /// - Parameters:
  ///   - cursor: where a run that is resumed after this shard goes on.
  ///   - statistics: what was gathered since the last shard, by the site's name.
  public func closeShard(cursor: DocumentCursor, statistics: [String: SiteStatistics]) throws {
    try closeShard(cursor, statistics, isLast: false)
  }

  private func closeShard(_ cursor: DocumentCursor, _ statistics: [String: SiteStatistics], isLast: Bool) throws {
    queue.locked {
      counters.shardTokens = 0
      counters.shardDocuments = 0
      counters.siteRows = counters.siteRows.map { _ in 0 }
    }
    try queue.put(.closeShard(cursor, statistics, isLast: isLast), bytes: 0)
  }

  /// Closes the last shard if it holds anything, and completes the store. Returns when all is on the disk.
  public func finish(cursor: DocumentCursor, statistics: [String: SiteStatistics]) throws {
    if isComplete { return }
    if queue.locked({ counters.shardDocuments > 0 || counters.documents == 0 }) {
      try closeShard(cursor, statistics, isLast: true)
    }
    try queue.put(.complete, bytes: 0)
    try queue.waitForEnd()
    if let plainFile {
      try PlainFile.write(ActivationStore(opening: folder), to: plainFile, operations)
      try operations.remove(folder)
    }
  }

  /// Waits until every shard handed over so far is on the disk and in the manifest.
  public func waitForShards() throws { try queue.waitUntilSafe() }

  /// The same, and the index speaks of all of them: for a clean stop before the end.
  public func synchronize() throws {
    try queue.put(.index, bytes: 0)
    try queue.waitUntilIdle()
  }

  /// Stops the writer's thread and drops the unfinished shard; finished ones stay. Where there is none, a folder that this
  /// writer made goes too, so that it does not stand in the way of the next attempt. Also done when the writer is released.
  public func abandon() {
    queue.cancel()
    guard isFresh, !isComplete, let manifest = try? StoreManifest.read(folder), manifest.shards.isEmpty else { return }
    try? operations.remove(folder)
  }
}

// MARK: - Beginning

extension StoreWriter {
  private struct Start {
    var manifest: StoreManifest
    var statistics: [String: SiteStatistics]
    var lock: StoreLock
    var isFresh: Bool
  }

  private static func prepare(
    _ folder: URL, run: StoreRun, resume: Bool, expectedBytes: Int?, _ operations: StoreOperations
  ) throws -> Start {
    let manager = FileManager.default
    let manifestFile = folder.appendingPathComponent(StoreManifest.fileName)
    let begun = manager.fileExists(atPath: manifestFile.path)
    let isFresh = !manager.fileExists(atPath: folder.path)
    if manager.fileExists(atPath: folder.path) {
      let content = try? manager.contentsOfDirectory(atPath: folder.path).filter { $0 != StoreLock.fileName }
      let isOurs = begun || (content ?? []).allSatisfy { $0.hasSuffix(".part") }
      guard let content, content.isEmpty || (resume && isOurs) else {
        throw Fault(
          .cannotCreate, "store.exists", "The output already exists", file: folder.path,
          found: content == nil ? "a file of that name" : begun ? "an activation store" : "a folder with other files",
          advice: begun
            ? "add --resume to go on with it, remove it, or choose another output"
            : "choose another output, or remove it")
      }
    }
    try operations.makeFolder(folder)
    let lock = try StoreLock(folder)
    var manifest = StoreManifest(run: run)
    if begun, let found = try StoreManifest.read(folder) {
      try run.mustEqual(found.run, in: folder)
      manifest = found
    }
    if !manifest.isComplete { try checkSpace(folder, run: run, done: manifest, expectedBytes: expectedBytes) }
    for name in (try? manager.contentsOfDirectory(atPath: folder.path)) ?? [] where name.hasSuffix(".part") {
      try operations.remove(folder.appendingPathComponent(name))
    }
    // A shard that was renamed but not yet in the manifest does not count, and is written anew.
    let stray = folder.appendingPathComponent(ShardEntry.fileName(manifest.shards.count))
    if !manifest.isComplete { try operations.remove(stray) }
    // A complete store needs nothing, unless it was killed between its last line and its index.
    let indexIsCurrent = manifest.isComplete && StoreIndex.isCurrent(folder, manifest)
    var statistics: [String: SiteStatistics] = [:]
    for shard in manifest.shards {
      let file = try ActivationStore.open(shard, in: folder)
      if !indexIsCurrent { try statistics.merge(file.statistics(of: shard, run), run: run) }
    }
    if manifest.isComplete && !indexIsCurrent {
      try StoreIndex(folder: folder, manifest: manifest, statistics: statistics).write(operations)
    }
    // Also drops a torn last line, so that what is appended begins a line of its own.
    let bytes = try manifest.encoded()
    if manager.contents(atPath: manifestFile.path).map({ Array($0) }) != bytes {
      try operations.replace(manifestFile.path, with: bytes)
    }
    return Start(manifest: manifest, statistics: statistics, lock: lock, isFresh: isFresh)
  }

  private static func checkSpace(
    _ folder: URL, run: StoreRun, done: StoreManifest, expectedBytes: Int?
  ) throws {
    guard let expectedBytes, let free = StoreOperations.freeSpace(at: folder) else { return }
    let needed = expectedBytes - done.shards.reduce(0) { $0 + $1.bytes }
    guard needed > free else { return }
    throw Fault(
      .inputOutput, "store.notEnoughSpace", "The disk has too little room for what the run will write",
      file: folder.path, expected: "\(needed.formatted()) bytes free", found: "\(free.formatted()) bytes free",
      advice: "make room, capture fewer sites or layers, or gather statistics alone with --statistics-only")
  }

  /// Whether the plain file is there, from this very run.
  private static func isFinished(_ file: URL, run: StoreRun, resume: Bool) throws -> Bool {
    guard FileManager.default.fileExists(atPath: file.path) else { return false }
    guard resume else {
      throw Fault(
        .cannotCreate, "store.exists", "The output already exists", file: file.path, found: "a file of that name",
        advice: "remove it, or choose another output")
    }
    try run.mustEqual(ActivationStore(opening: file).run, in: file)
    return true
  }
}

/// The right to write in a store's folder: held by one process at a time, and freed by the system when it ends.
final class StoreLock: Sendable {
  static let fileName = ".lock"
  private let descriptor: Int32

  init(_ folder: URL) throws {
    let path = folder.appendingPathComponent(Self.fileName).path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw StoreOperations.systemFault("opening", path) }
    // A process that is being started holds a copy of every open file for a moment, the lock of a store just closed too.
    var tries = 1
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EWOULDBLOCK, tries < 20 {
        tries += 1
        usleep(25_000)
        continue
      }
      close(descriptor)
      errno = code
      guard code == EWOULDBLOCK else { throw StoreOperations.systemFault("locking", path) }
      throw Fault(
        .cannotCreate, "store.inUse", "Another process is writing this store", file: folder.path,
        advice: "wait until it ends, or choose another output")
    }
  }

  deinit { close(descriptor) }
}
