/// Merges the symbols of a word in the order of their ranks, the leftmost first among equals.
///
/// Short words are searched from end to end at each step, which needs no bookkeeping and is fastest; long ones keep
/// their pairs in a heap, so that a word of n symbols takes n log n steps.
struct MergeBuffers {
  private static let heapThreshold = 64

  private var capacity = 128
  /// For each symbol, the merge with the one after it: rank << 32 | merged id.
  private var pairs: UnsafeMutablePointer<UInt64>
  private var next: UnsafeMutablePointer<Int32>
  private var previous: UnsafeMutablePointer<Int32>
  private var heap: [HeapEntry] = []

  private struct HeapEntry {
    /// The merge's rank and the symbol's position, in this order of weight.
    var priority: UInt64
    var position: Int32
    var merged: Int32
  }

  init() {
    pairs = .allocate(capacity: capacity)
    next = .allocate(capacity: capacity)
    previous = .allocate(capacity: capacity)
  }

  func deallocate() {
    pairs.deallocate()
    next.deallocate()
    previous.deallocate()
  }

  private mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    deallocate()
    capacity = max(count, capacity * 2)
    pairs = .allocate(capacity: capacity)
    next = .allocate(capacity: capacity)
    previous = .allocate(capacity: capacity)
  }

  /// Merges the symbols in `tokens`, in place.
  mutating func merge(_ tokens: inout WordTokens, _ table: PairTablePointers) {
    guard tokens.count > 1 else { return }
    reserve(tokens.count)
    if tokens.count <= Self.heapThreshold { mergeShort(&tokens, table) } else { mergeLong(&tokens, table) }
  }

  /// Tokenizes a word of bytes: its bytes' ids, merged.
  mutating func mergeBytes(
    _ word: UnsafePointer<UInt8>, _ count: Int, _ tokens: inout WordTokens, _ table: PairTablePointers,
    _ byteIDs: UnsafePointer<Int32>, _ bytePairs: UnsafePointer<UInt64>
  ) {
    tokens.reserve(count)
    tokens.count = count
    reserve(count)
    let ids = tokens.ids
    let lengths = tokens.lengths
    for i in 0..<count {
      ids[i] = byteIDs[Int(word[i])]
      lengths[i] = 1
    }
    if count > Self.heapThreshold {
      mergeLong(&tokens, table)
    } else if count > 1 {
      for i in 0..<count - 1 { pairs[i] = bytePairs[Int(word[i]) << 8 | Int(word[i + 1])] }
      mergePaired(&tokens, table)
    }
  }

  private func mergeShort(_ tokens: inout WordTokens, _ table: PairTablePointers) {
    let ids = tokens.ids
    for i in 0..<tokens.count - 1 { pairs[i] = table.value(ids[i], ids[i + 1]) }
    mergePaired(&tokens, table)
  }

  /// Merges symbols whose `pairs` are filled in.
  private func mergePaired(_ tokens: inout WordTokens, _ table: PairTablePointers) {
    let ids = tokens.ids
    let lengths = tokens.lengths
    let pairs = pairs
    var count = tokens.count
    while count > 1 {
      var best = PairTable.none
      var at = 0
      for i in 0..<count - 1 where pairs[i] < best {
        best = pairs[i]
        at = i
      }
      if best == PairTable.none { break }
      ids[at] = Int32(truncatingIfNeeded: best & 0xFFFF_FFFF)
      lengths[at] += lengths[at + 1]
      count -= 1
      var i = at + 1
      while i < count {
        ids[i] = ids[i + 1]
        lengths[i] = lengths[i + 1]
        pairs[i - 1] = pairs[i]
        i += 1
      }
      if at > 0 { pairs[at - 1] = table.value(ids[at - 1], ids[at]) }
      if at < count - 1 { pairs[at] = table.value(ids[at], ids[at + 1]) }
    }
    tokens.count = count
  }

  private mutating func mergeLong(_ tokens: inout WordTokens, _ table: PairTablePointers) {
    let ids = tokens.ids
    let lengths = tokens.lengths
    let count = tokens.count
    heap.removeAll(keepingCapacity: count < 1 << 20)
    for i in 0..<count {
      next[i] = Int32(truncatingIfNeeded: i + 1 < count ? i + 1 : -1)
      previous[i] = Int32(truncatingIfNeeded: i - 1)
      pairs[i] = PairTable.none
      if i + 1 < count { offer(i, i + 1, ids, table) }
    }
    while let entry = popLeast() {
      let at = Int(entry.position)
      // Stale where the symbol is gone or has another neighbour by now.
      guard pairs[at] >> 32 == entry.priority >> 32, pairs[at] != PairTable.none else { continue }
      let right = Int(next[at])
      guard right >= 0 else { continue }
      ids[at] = entry.merged
      lengths[at] += lengths[right]
      lengths[right] = 0
      pairs[right] = PairTable.none
      pairs[at] = PairTable.none
      next[at] = next[right]
      if next[at] >= 0 {
        previous[Int(next[at])] = entry.position
        offer(at, Int(next[at]), ids, table)
      }
      if previous[at] >= 0 { offer(Int(previous[at]), at, ids, table) }
    }
    var kept = 0
    for i in 0..<count where lengths[i] != 0 {
      ids[kept] = ids[i]
      lengths[kept] = lengths[i]
      kept += 1
    }
    tokens.count = kept
  }

  private mutating func offer(_ left: Int, _ right: Int, _ ids: UnsafeMutablePointer<Int32>, _ table: PairTablePointers)
  {
    let value = table.value(ids[left], ids[right])
    pairs[left] = value
    guard value != PairTable.none else { return }
    push(
      HeapEntry(
        priority: (value >> 32) << 32 | UInt64(left), position: Int32(truncatingIfNeeded: left),
        merged: Int32(truncatingIfNeeded: value & 0xFFFF_FFFF)))
  }

  private mutating func push(_ entry: HeapEntry) {
    heap.append(entry)
    heap.withUnsafeMutableBufferPointer { heap in
      var child = heap.count - 1
      while child > 0 {
        let parent = (child - 1) / 4
        guard heap[parent].priority > entry.priority else { break }
        heap[child] = heap[parent]
        child = parent
      }
      heap[child] = entry
    }
  }

  private mutating func popLeast() -> HeapEntry? {
    guard let least = heap.first, let last = heap.popLast() else { return nil }
    heap.withUnsafeMutableBufferPointer { heap in
      guard !heap.isEmpty else { return }
      var parent = 0
      while true {
        let firstChild = 4 * parent + 1
        guard firstChild < heap.count else { break }
        var smallest = firstChild
        for child in firstChild..<min(firstChild + 4, heap.count) where heap[child].priority < heap[smallest].priority {
          smallest = child
        }
        guard heap[smallest].priority < last.priority else { break }
        heap[parent] = heap[smallest]
        parent = smallest
      }
      heap[parent] = last
    }
    return least
  }
}
