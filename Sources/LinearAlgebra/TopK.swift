/// A value and where it stood.
public struct Ranked: Sendable, Equatable, Codable {
  public var index: Int
  public var value: Float

  public init(index: Int, value: Float) {
    self.index = index
    self.value = value
  }
}

/// The largest values, largest first; of equal values the one with the smaller index comes first. NaN is passed over.
///
/// O(n + n' · log k), n' the number of values that enter the list on the way.
public func topK(_ count: Int, of values: UnsafeBufferPointer<Float>) -> [Ranked] {
  precondition(count >= 0, "the top \(count)")
  guard count > 0 else { return [] }
  // A heap whose root is the weakest of those kept: the smallest value, of equal ones the largest index.
  func weaker(_ a: Ranked, _ b: Ranked) -> Bool { a.value != b.value ? a.value < b.value : a.index > b.index }
  var heap: [Ranked] = []
  heap.reserveCapacity(min(count, values.count))
  func sink(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && weaker(heap[child], heap[least]) {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
  for (index, value) in values.enumerated() where !value.isNaN {
    if heap.count < count {
      heap.append(Ranked(index: index, value: value))
      if heap.count == count { for start in (0..<count / 2).reversed() { sink(start) } }
    } else if value > heap[0].value {
      heap[0] = Ranked(index: index, value: value)
      sink(0)
    }
  }
  return heap.sorted { weaker($1, $0) }
}

/// The largest values of an array; see the form for buffers.
public func topK(_ count: Int, of values: [Float]) -> [Ranked] {
  values.withUnsafeBufferPointer { topK(count, of: $0) }
}
