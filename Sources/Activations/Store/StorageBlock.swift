/// Memory for some rows of one site in its storage type: filled by the side that computes, written by the writer's thread.
///
/// Only one thread holds a block at a time: the one that took it from `StoreWriter.makeBlock` until it gives it back with
/// `StoreWriter.append`, then the writer's.
// The lock of the writer's queue orders the two threads.
public final class StorageBlock: @unchecked Sendable {
  /// The index of the site in `StoreRun.sites`.
  public let site: Int
  public let rows: Int
  /// rows · `StoredSite.rowBytes`, aligned to a page, uninitialised.
  public let bytes: UnsafeMutableRawBufferPointer

  /// The same and four bytes more, where the writer puts a chunk's checksum for a moment.
  let memory: UnsafeMutableRawBufferPointer

  private let pool: BlockPool
  private let whole: UnsafeMutableRawBufferPointer

  init(site: Int, rows: Int, byteCount: Int, pool: BlockPool = BlockPool()) throws {
    self.site = site
    self.rows = rows
    self.pool = pool
    whole = try pool.take(byteCount + 4)
    memory = UnsafeMutableRawBufferPointer(rebasing: whole[..<(byteCount + 4)])
    bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount])
  }

  deinit { pool.giveBack(whole) }
}
