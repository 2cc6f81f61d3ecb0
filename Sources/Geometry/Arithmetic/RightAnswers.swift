import Synchronization

/// How many questions each of several methods answered right, counted from several threads.
final class RightAnswers: Sendable {
  private let counts: Mutex<[Int]>

  init(methods: Int) { counts = Mutex([Int](repeating: 0, count: methods)) }

  /// Adds what the methods made of one question.
  func add(_ right: [Bool]) {
    counts.withLock { counts in
      for (method, isRight) in right.enumerated() where isRight { counts[method] += 1 }
    }
  }

  var totals: [Int] { counts.withLock { $0 } }
}
