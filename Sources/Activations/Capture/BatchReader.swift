import Foundation

/// Reads, tokenizes and groups the next batch on a thread of its own while the one before it is computed.
///
/// What is in a batch, and the order of faults, are those of `BatchMaker`: a fault of the corpus is thrown where its batch is
/// asked for.
// `maker` belongs to the queue's thread until `ready` is signalled, and then to the one who waited.
final class BatchReader: @unchecked Sendable {
  struct Batch {
    var pieces: [DocumentPiece]
    /// Where a run goes on behind it.
    var cursor: DocumentCursor
    /// Whether no further batch will come.
    var isLast: Bool
  }

  private var maker: BatchMaker
  private let queue = DispatchQueue(label: "unfold batches", qos: .userInitiated)
  private let ready = DispatchSemaphore(value: 0)
  private var upcoming: Result<Batch?, any Error> = .success(nil)
  private var isAtEnd = false
  /// Where a run goes on behind the batches returned so far.
  private(set) var cursor: DocumentCursor

  init(_ maker: BatchMaker) {
    self.maker = maker
    cursor = maker.cursor
    prepare()
  }

  /// The next batch, or nil after the last.
  func next() throws -> Batch? {
    if isAtEnd { return nil }
    ready.wait()
    let found = upcoming
    guard case .success(let batch?) = found, !batch.isLast else {
      isAtEnd = true
      let last = try found.get()
      cursor = last?.cursor ?? cursor
      return last
    }
    cursor = batch.cursor
    prepare()
    return batch
  }

  private func prepare() {
    queue.async { [self] in
      upcoming = Result {
        try maker.next().map { Batch(pieces: $0, cursor: maker.cursor, isLast: maker.isAtEnd) }
      }
      ready.signal()
    }
  }
}
