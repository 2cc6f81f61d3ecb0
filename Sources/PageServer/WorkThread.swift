import Foundation
import Synchronization

/// A thread that long work runs on, one piece after another.
///
/// A run of the model takes all cores through the pool of `Threads`; what waits for it must not take one of the few threads
/// that Swift's tasks share, or nobody would be answered meanwhile.
final class WorkThread: TaskExecutor {
  private let waiting = Mutex<[UnownedJob]>([])
  private let count = DispatchSemaphore(value: 0)

  init() {
    let thread = Thread { [self] in
      while true {
        count.wait()
        guard let job = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
        job.runSynchronously(on: asUnownedTaskExecutor())
      }
    }
    thread.stackSize = 16 << 20
    thread.name = "pages"
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    waiting.withLock { $0.append(job) }
    count.signal()
  }

  /// Ends the thread once it has done what waits.
  func end() { count.signal() }
}
