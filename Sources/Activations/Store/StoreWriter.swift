import Foundation

/// Writes a store: takes rows from the side that computes and writes them on a thread of its own.
///
/// For each batch call, in any order, `append(documents:tokens:spans:)` once and `append(_:)` with one block for each
/// site, then `endBatch`, and where that says so `closeShard`. `finish` closes the last shard and the manifest. The
/// calls come from one thread at a time; an error of the writer's thread is thrown by the next call.
///
/// Rows are numbered over the whole store: `rowCount`, `tokenCount` and `documentCount` say where the next batch begins,
/// and `DocumentRow.firstToken`, `TokenTable.documents`, `SpanRow.document` and the rows in statistics count from there.
public final class StoreWriter: Sendable {
  /// Begins a store or goes on with one.
  ///
  /// - Parameters:
  ///   - url: a folder that is made; or a name that ends in `.h5`, where one plain file is written at the end.
  ///   - resume: go on with a run that was begun there (and begin one that was not). Without it, anything that exists is
  ///     an error.
  ///   - expectedBytes: what the whole run will write, where that is known; compared with the free space.
  /// - Throws: `Fault`: `store.exists`, `store.inUse`, `store.notEnoughSpace`, `store.differs` (another model, corpus or
  ///   setting than the run that is resumed; says which).
  public init(at url: URL, run: StoreRun, resume: Bool, expectedBytes: Int? = nil) throws {
    self.run = run
  }

  public let run: StoreRun
  /// Whether the store was complete before this run began: there is nothing to do.
  public var isComplete: Bool { false }
  /// Where in the corpus to go on; the beginning for a new run.
  public var cursor: DocumentCursor { DocumentCursor() }
  /// Rows, tokens, documents appended so far, finished shards of an earlier run included.
  public var rowCount: Int { 0 }
  public var tokenCount: Int { 0 }
  public var documentCount: Int { 0 }

  /// Memory for `rows` rows of a site, to be filled and given to `append`.
  ///
  /// Waits while the blocks that are under way hold more than 256 MiB.
  public func makeBlock(site: Int, rows: Int) throws -> StorageBlock {
    StorageBlock(site: site, rows: rows, byteCount: rows * run.sites[site].rowBytes)
  }

  /// Hands over the rows of one site in this batch.
  public func append(_ block: StorageBlock) throws {}

  /// Hands over the tables of this batch.
  public func append(documents: [DocumentRow], tokens: TokenTable, spans: [SpanRow]) throws {}

  /// Ends a batch.
  /// - Returns: whether the shard is full: the caller then gathers its statistics and calls `closeShard`.
  public func endBatch() throws -> Bool { false }

  /// Closes the shard; it is finished, and safe, some time after the call.
  /// - Parameters:
  ///   - cursor: where a run that is resumed after this shard goes on.
  ///   - statistics: what was gathered since the last shard, by the site's name.
  public func closeShard(cursor: DocumentCursor, statistics: [String: SiteStatistics]) throws {}

  /// Closes the last shard if it holds anything, and completes the store. Returns when all is on the disk.
  public func finish(cursor: DocumentCursor, statistics: [String: SiteStatistics]) throws {}

  /// Stops the writer's thread and drops the unfinished shard; finished ones stay. Also done when the writer is released.
  public func abandon() {}
}
