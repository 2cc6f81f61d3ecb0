import LinearAlgebra
import Synchronization
import Testing

@Suite("Threads", .serialized)
struct ThreadsTests {
  @Test("Every call is made once, from nested and from simultaneous regions too")
  func once() async {
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          for round in 0..<50 {
            let count = 1 + (task * 7 + round) % 40
            let calls = (0..<count).map { _ in Counter() }
            Threads.forEach(count) { index in
              calls[index].value.wrappingAdd(1, ordering: .relaxed)
              Threads.forEach(3) { _ in calls[index].value.wrappingAdd(10, ordering: .relaxed) }
            }
            for call in calls { #expect(call.value.load(ordering: .relaxed) == 31) }
          }
        }
      }
    }
  }

  final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }

  struct Failure: Error, Equatable {
    var index: Int
  }

  @Test("Of several errors that of the smallest index is thrown")
  func errors() {
    #expect(throws: Failure(index: 3)) {
      try Threads.forEach(20) { (index) throws(Failure) in
        if index >= 3 { throw Failure(index: index) }
      }
    }
  }

  @Test("Ranges cover everything once, in pieces of the grain at least", arguments: [0, 1, 9, 10, 19, 1_000])
  func ranges(_ count: Int) {
    let pieces = Mutex<[Range<Int>]>([])
    Threads.forRanges(5..<5 + count, grain: 10) { range in pieces.withLock { $0.append(range) } }
    let sorted = pieces.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.flatMap { Array($0) } == Array(5..<5 + count))
    #expect(sorted.allSatisfy { $0.count >= min(10, count) })
  }

  @Test("The same product from many tasks at once is the same product")
  func products() async {
    let (rows, outputs, inputs) = (300, 200, 150)
    let weightValues = normals(outputs * inputs, seed: 2)
    let weights = PreparedWeights(outputs: outputs, inputs: inputs) { _ = $0.update(fromContentsOf: weightValues) }
    let input = normals(rows * inputs)
    let multiply: @Sendable () -> [Float] = {
      var result = [Float](repeating: 0, count: rows * outputs)
      weights.multiply(input, rows: rows, into: &result)
      return result
    }
    let expected = multiply()
    await withTaskGroup(of: [Float].self) { group in
      for _ in 0..<8 { group.addTask { multiply() } }
      for await result in group { #expect(result == expected) }
    }
  }
}
