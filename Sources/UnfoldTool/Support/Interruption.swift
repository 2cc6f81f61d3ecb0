import Foundation
import Synchronization
import Unfold

/// What happens on SIGINT, SIGTERM and SIGHUP, for every command.
///
/// Work that can be resumed says so by `listen`: the first signal asks it to finish its batch, the second ends the process
/// at once. All other work ends at once, and what it had begun to write is removed: files under final names are whole at any
/// moment. The process always ends with code 75.
final class Interruption: Sendable {
  static let shared = Interruption()

  private let requested = Atomic<Bool>(false)
  private let words = Mutex<String?>(nil)
  // Only touched inside the lock, which keeps the sources alive for the process's life.
  private let sources = Mutex<[any DispatchSourceSignal]>([])

  var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Takes the signals over, once for the process. One that was ignored before, as `nohup` does, stays so.
  func begin() {
    sources.withLock { sources in
      guard sources.isEmpty else { return }
      for signalNumber in [SIGINT, SIGTERM, SIGHUP] {
        var before = sigaction()
        if sigaction(signalNumber, nil, &before) == 0, Self.isIgnored(before) { continue }
        signal(signalNumber, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: signalNumber, queue: .global(qos: .userInitiated))
        source.setEventHandler { [self] in received() }
        source.resume()
        sources.append(source)
      }
      // A file that may not grow further is then an error of its write, and not the end of the process.
      signal(SIGXFSZ, SIG_IGN)
    }
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Darwin)
      return unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self) == 1
    #else
      return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    #endif
  }

  /// Says that the work asks `isRequested` and ends by itself.
  ///
  /// - Parameter words: What the first signal is answered with.
  func listen(saying words: String = "Stopping at the end of this batch; once more stops at once.") {
    self.words.withLock { $0 = words }
  }

  private func received() {
    if let words = words.withLock({ $0 }), !requested.exchange(true, ordering: .relaxed) {
      return Console.standardError("\n" + words)
    }
    UnfinishedOutputs.removeAll()
    Console.standardError("\nStopped; nothing unfinished was left behind.")
    _exit(Fault.Kind.interrupted.rawValue)
  }
}
