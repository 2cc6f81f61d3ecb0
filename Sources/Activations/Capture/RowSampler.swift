import LinearAlgebra

/// Draws rows uniformly without replacement from a stream: each row has a priority that follows from the seed and its
/// number alone, and those with the lowest are kept. So samples of parts can be merged into a sample of the whole.
struct RowSampler: Sendable {
  let capacity: Int
  let seed: UInt64
  /// The rows kept, each in a slot of its own: a max-heap by priority and row.
  private var heap: [Entry] = []

  struct Entry: Sendable, Equatable {
    var priority: UInt64
    var row: Int
    var document: Int32
    var slot: Int
  }

  init(capacity: Int, seed: UInt64) {
    self.capacity = capacity
    self.seed = seed
  }

  mutating func reset() { heap.removeAll(keepingCapacity: true) }

  /// The rows kept, lowest priority first.
  var entries: [Entry] { heap.sorted { ($0.priority, $0.row) < ($1.priority, $1.row) } }

  /// Offers a batch's rows.
  /// - Returns: which of the batch's rows were kept, and in which slot each one's values belong.
  mutating func offer(_ batch: CaptureBatch) -> [(row: Int, slot: Int)] {
    offer(batch.datasetRuns) { batch.firstRow + $0 }
  }

  /// Offers the rows in some runs, whose numbers in the store `number` gives.
  mutating func offer(_ runs: [ColumnGatherer.Run], number: (Int) -> Int) -> [(row: Int, slot: Int)] {
    guard capacity > 0 else { return [] }
    var written: [Int: Int] = [:]
    for run in runs {
      for row in run.rows {
        let number = number(row)
        let priority = Self.priority(seed: seed, row: number)
        let slot: Int
        if heap.count < capacity {
          slot = heap.count
          heap.append(Entry(priority: priority, row: number, document: run.document, slot: slot))
          rise(heap.count - 1)
        } else if (priority, number) < (heap[0].priority, heap[0].row) {
          slot = heap[0].slot
          heap[0] = Entry(priority: priority, row: number, document: run.document, slot: slot)
          sink(0)
        } else {
          continue
        }
        written[slot] = row
      }
    }
    return written.map { (row: $0.value, slot: $0.key) }.sorted { $0.slot < $1.slot }
  }

  /// SplitMix64 of the row's number, started from the seed's own mix.
  static func priority(seed: UInt64, row: Int) -> UInt64 {
    mix(mix(seed) &+ UInt64(truncatingIfNeeded: row) &* 0x9E37_79B9_7F4A_7C15)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (heap[a].priority, heap[a].row) > (heap[b].priority, heap[b].row)
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0, isBefore(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, first) { first = child }
      if first == parent { return }
      heap.swapAt(parent, first)
      parent = first
    }
  }
}
