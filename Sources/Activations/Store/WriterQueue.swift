import Diagnostics
import Foundation

/// What passes from the side that computes to the writer's thread.
enum WriterMessage: Sendable {
  /// A site's rows; of a routed site with the token's row of each.
  case rows(StorageBlock, [Int64]?)
  case tables([DocumentRow], TokenTable, [SpanRow])
  /// - isLast: whether `complete` follows, which writes the index.
  case closeShard(DocumentCursor, [String: SiteStatistics], isLast: Bool)
  case index
  case complete
}

/// A queue between two threads that holds a bounded number of bytes.
// `condition` guards all of it.
final class WriterQueue: @unchecked Sendable {
  /// Bytes of blocks that may be under way.
  static let limit = 128 << 20

  private let condition = NSCondition()
  private var messages: [(message: WriterMessage, bytes: Int)] = []
  private var bytes = 0
  /// Shards that are to be closed and are not safe yet.
  private var openShards = 0
  private var isWorking = false
  private var isRunning = false
  private var hasEnded = false
  private var isCancelled = false
  private var failure: (any Error)?

  func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    condition.lock()
    defer { condition.unlock() }
    return try body()
  }

  func rethrow() throws { try locked { try throwFailure() } }

  private func throwFailure() throws {
    if let failure { throw failure }
    precondition(!isCancelled, "a store's writer was used after it was abandoned")
  }

  /// Waits until so many bytes more may be under way. A block larger than the limit waits for an empty queue.
  func waitForRoom(_ wanted: Int) throws {
    try locked {
      while failure == nil && !isCancelled && bytes > 0 && bytes + wanted > Self.limit { condition.wait() }
      try throwFailure()
    }
  }

  func put(_ message: WriterMessage, bytes count: Int) throws {
    try locked {
      try throwFailure()
      messages.append((message, count))
      if case .closeShard = message { openShards += 1 }
      bytes += count
      condition.broadcast()
    }
  }

  /// Waits until every shard handed over is on the disk and in the manifest.
  func waitUntilSafe() throws {
    try locked {
      while failure == nil && !isCancelled && openShards > 0 { condition.wait() }
      try throwFailure()
    }
  }

  func waitUntilIdle() throws {
    try locked {
      while failure == nil && !isCancelled && !(messages.isEmpty && !isWorking) { condition.wait() }
      try throwFailure()
    }
  }

  func waitForEnd() throws {
    try locked {
      while failure == nil && !isCancelled && !hasEnded { condition.wait() }
      try throwFailure()
    }
  }

  /// Stops the writer's thread; returns when it has dropped what it was writing.
  func cancel() {
    locked {
      isCancelled = true
      messages.removeAll()
      condition.broadcast()
      while isRunning { condition.wait() }
    }
  }

  // MARK: The writer's side

  func begin() { locked { isRunning = true } }

  /// The next message, or nil when the writer is to stop.
  func take() -> (message: WriterMessage, bytes: Int)? {
    locked {
      isWorking = false
      condition.broadcast()
      while messages.isEmpty && !isCancelled { condition.wait() }
      if isCancelled { return nil }
      isWorking = true
      return messages.removeFirst()
    }
  }

  func done(_ count: Int) {
    locked {
      bytes -= count
      condition.broadcast()
    }
  }

  func shardIsSafe() {
    locked {
      openShards -= 1
      condition.broadcast()
    }
  }

  func end(_ error: (any Error)?) {
    locked {
      failure = failure ?? error
      hasEnded = true
      isRunning = false
      isWorking = false
      messages.removeAll()
      condition.broadcast()
    }
  }
}
