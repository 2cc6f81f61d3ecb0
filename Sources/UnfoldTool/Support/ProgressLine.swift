import Foundation
import Synchronization
import Unfold

/// How far a long piece of work is, on standard error: one line that is drawn over on a terminal, a plain line every
/// ten seconds elsewhere, nothing with `--quiet`.
final class ProgressLine: Sendable {
  private struct State {
    var lastShown: ContinuousClock.Instant?
    var isDrawn = false
  }

  private let isSilent: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  init(isSilent: Bool) { self.isSilent = isSilent }

  /// Shows the line if enough time has passed since the last.
  func update(_ text: @autoclosure () -> String) {
    guard !isSilent else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
      if let last = state.lastShown, now - last < pause { return }
      // The first plain line waits its turn too: short work needs none.
      if state.lastShown == nil, !isTerminal {
        state.lastShown = now
        return
      }
      state.lastShown = now
      if isTerminal {
        let width = TerminalStyle.detect(descriptor: STDERR_FILENO).width
        Console.write("\r\u{1B}[K" + text().truncated(toDisplayWidth: width - 1), to: STDERR_FILENO)
        state.isDrawn = true
      } else {
        Console.standardError(text())
      }
    }
  }

  /// Removes the line from the terminal, so that what follows starts clean.
  func clear() {
    state.withLock { state in
      if state.isDrawn { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
      state.isDrawn = false
    }
  }
}
