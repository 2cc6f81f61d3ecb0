import Synchronization

/// Counts finished pieces of work on several threads.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  /// The count with this piece.
  func increment() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
