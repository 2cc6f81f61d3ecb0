import CKernels
import Foundation
import Synchronization

/// The threads that all of Unfold computes with: one pool, started when it is first needed.
///
/// OpenBLAS and oneDNN run on one thread each and are called from this pool, so that two libraries never fill the
/// processor twice. How work is cut depends on its size and on `count` alone, never on which thread is free: results
/// are the same in every run with the same count.
public enum Threads {
  private static let chosen = Atomic<Int>(0)
  /// Asked for once: on Linux each question reads files of the system.
  private static let processors = ProcessInfo.processInfo.activeProcessorCount

  /// The number for what one task calls, whatever the process's: `Threads.$ofTask.withValue(1) { … }`.
  @TaskLocal package static var ofTask: Int?

  /// How many threads share the work, the calling one included: the processor's cores unless set. At least 1.
  public static var count: Int {
    get {
      if let count = ofTask { return count }
      let count = chosen.load(ordering: .relaxed)
      return count > 0 ? count : processors
    }
    set {
      precondition(newValue >= 1, "\(newValue) threads")
      chosen.store(newValue, ordering: .relaxed)
    }
  }

  /// Calls the body once for each of 0..<count, on several threads at once; returns when all calls have returned.
  ///
  /// The body runs concurrently with itself and must write to separate places. Inside another region the calls are
  /// made one after another on the calling thread. An error stops nothing; that of the smallest index is thrown.
  public static func forEach<E: Error>(_ count: Int, _ body: (Int) throws(E) -> Void) throws(E) {
    if count <= 1 || Threads.count == 1 || unfold_inside_region() {
      for index in 0..<max(count, 0) { try body(index) }
      return
    }
    var failures: [(index: Int, error: E)] = []
    let lock = NSLock()
    withUnsafeMutablePointer(to: &failures) { failures in
      run(count) { index in
        do throws(E) {
          try body(index)
        } catch {
          lock.lock()
          failures.pointee.append((index, error))
          lock.unlock()
        }
      }
    }
    if let first = failures.min(by: { $0.index < $1.index }) { throw first.error }
  }

  /// The body's results for each of 0..<count, in order; called as by `forEach`.
  public static func map<Result, E: Error>(_ count: Int, _ body: (Int) throws(E) -> Result) throws(E) -> [Result] {
    var results = [Result?](repeating: nil, count: count)
    var failure: E?
    results.withUnsafeMutableBufferPointer { places in
      guard let start = places.baseAddress else { return }
      do throws(E) {
        try forEach(count) { (index) throws(E) in start[index] = try body(index) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return results.compactMap { $0 }
  }

  /// Cuts the range into pieces of at least `grain` (the last may be shorter) and calls the body for each, as
  /// `forEach`: up to four pieces a thread, so that a slow thread holds up the others little.
  public static func forRanges<E: Error>(
    _ range: Range<Int>, grain: Int, _ body: (Range<Int>) throws(E) -> Void
  ) throws(E) {
    precondition(grain >= 1, "grain \(grain)")
    guard !range.isEmpty else { return }
    let most = Threads.count == 1 ? 1 : Threads.count * 4
    let pieces = max(1, min(range.count / grain, most))
    if pieces == 1 || unfold_inside_region() { return try body(range) }
    try forEach(pieces) { (piece) throws(E) in
      let start = range.lowerBound + range.count * piece / pieces
      let end = range.lowerBound + range.count * (piece + 1) / pieces
      try body(start..<end)
    }
  }

  private static func run(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var body = body
      withUnsafeMutablePointer(to: &body) { address in
        let job = Job(count: count, context: UnsafeMutableRawPointer(address)) { context, index in
          context.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
        }
        Pool.shared.run(job, helpers: min(Threads.count, count) - 1)
      }
    }
  }
}

/// One parallel region: calls numbered from 0, of which each thread takes the next.
///
/// Sendable although it holds a raw address: the region's owner waits until the last call has returned, and a thread
/// reads the address only for a call it has taken.
private final class Job: @unchecked Sendable {  // `next` and `unfinished` are the locks: see above.
  let count: Int
  private let context: UnsafeMutableRawPointer
  private let call: @convention(c) (UnsafeMutableRawPointer, Int) -> Void
  private let next = Atomic<Int>(0)
  private let unfinished: Atomic<Int>
  let helpers = Atomic<Int>(0)

  init(
    count: Int, context: UnsafeMutableRawPointer,
    call: @escaping @convention(c) (UnsafeMutableRawPointer, Int) -> Void
  ) {
    self.count = count
    self.context = context
    self.call = call
    unfinished = Atomic(count)
  }

  var isFinished: Bool { unfinished.load(ordering: .acquiring) == 0 }
  var isTaken: Bool { next.load(ordering: .relaxed) >= count }

  /// Takes calls until none is left. True if this thread returned from the last one.
  func work() -> Bool {
    var last = false
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return last }
      call(context, index)
      last = unfinished.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
  }
}

/// The waiting threads and the regions that still have calls to hand out.
private final class Pool: @unchecked Sendable {  // `condition` guards `jobs` and `workers`.
  static let shared = Pool()
  private let condition = NSCondition()
  private var jobs: [Job] = []
  private var workers = 0
  /// Grows with every region, so that a waiting thread can look without taking the lock.
  private let submitted = Atomic<Int>(0)
  private static let spins = 2000

  func run(_ job: Job, helpers: Int) {
    condition.lock()
    while workers < helpers { startWorker() }
    job.helpers.store(helpers, ordering: .relaxed)
    jobs.append(job)
    submitted.wrappingAdd(1, ordering: .releasing)
    condition.broadcast()
    condition.unlock()

    let before = unfold_set_inside_region(true)
    _ = job.work()
    _ = unfold_set_inside_region(before)

    condition.lock()
    jobs.removeAll { $0 === job }
    condition.unlock()
    for _ in 0..<Self.spins {
      if job.isFinished { return }
      unfold_pause()
    }
    condition.lock()
    while !job.isFinished { condition.wait() }
    condition.unlock()
  }

  private func startWorker() {
    workers += 1
    let thread = Thread { [self] in
      _ = unfold_set_inside_region(true)
      while true { nextJob().work() ? announce() : () }
    }
    thread.name = "unfold \(workers)"
    thread.stackSize = 8 << 20
    thread.qualityOfService = .userInitiated
    thread.start()
  }

  private func announce() {
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  /// Waits for a region that wants another thread: a moment awake, since regions follow each other closely, then asleep.
  private func nextJob() -> Job {
    let seen = submitted.load(ordering: .relaxed)
    for _ in 0..<Self.spins {
      if submitted.load(ordering: .relaxed) != seen { break }
      unfold_pause()
    }
    condition.lock()
    defer { condition.unlock() }
    while true {
      for job in jobs where !job.isTaken {
        let wanted = job.helpers.load(ordering: .relaxed)
        if wanted > 0 {
          job.helpers.store(wanted - 1, ordering: .relaxed)
          return job
        }
      }
      condition.wait()
    }
  }
}
