import LinearAlgebra

/// Rows cut into chunks that threads share.
///
/// The cuts depend on the number of rows alone, so that sums over chunks don't depend on the number of threads.
struct RowChunks {
  let count: Int
  let chunks: Int

  init(count: Int, most: Int = 16) {
    self.count = count
    chunks = max(1, min(most, (count + 127) / 128))
  }

  func range(_ chunk: Int) -> Range<Int> {
    count * chunk / chunks..<count * (chunk + 1) / chunks
  }

  /// Calls `body` once for every chunk, on the threads of the pool.
  func share(_ body: (_ chunk: Int, _ rows: Range<Int>) -> Void) {
    Threads.forEach(chunks) { chunk in body(chunk, range(chunk)) }
  }
}
