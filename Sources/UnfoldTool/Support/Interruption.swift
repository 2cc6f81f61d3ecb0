import Foundation
import Synchronization

/// The wish to stop: the first SIGINT or SIGTERM asks running work to finish its batch, the second ends the process at
/// once (files under final names are whole at any moment).
final class Interruption: Sendable {
  static let shared = Interruption()

  private let requested = Atomic<Bool>(false)
  // Only touched inside the lock, which keeps the sources alive for the process's life.
  private let sources = Mutex<[any DispatchSourceSignal]>([])

  var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Takes the signals over from now on.
  ///
  /// - Parameter words: What the first of them is answered with.
  func listen(saying words: String = "Stopping at the end of this batch; once more stops at once.") {
    sources.withLock { sources in
      guard sources.isEmpty else { return }
      for signalNumber in [SIGINT, SIGTERM] {
        signal(signalNumber, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: signalNumber, queue: .global(qos: .userInitiated))
        source.setEventHandler { [requested = self] in requested.received(signalNumber, words) }
        source.resume()
        sources.append(source)
      }
    }
  }

  private func received(_ signalNumber: Int32, _ words: String) {
    if requested.exchange(true, ordering: .relaxed) { _exit(128 + signalNumber) }
    Console.standardError("\n" + words)
  }
}
