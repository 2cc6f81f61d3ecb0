import Foundation

/// The end of a process that gets no memory for numbers.
enum OutOfMemory {
  /// The exit code of a process that the system refuses what it needs (`sysexits.h`).
  static let code: Int32 = 71

  /// Says so, and ends the process: no product can be made, and a library that waits for memory would wait for ever.
  static func end(_ bytes: Int, for purpose: String) -> Never {
    let text = """
      error: The system gives no memory for \(purpose)
        expected: \(bytes) bytes
        try:      allow more memory (ulimit -v), close other programs, or take fewer tokens at once

      """
    FileHandle.standardError.write(Data(text.utf8))
    _exit(code)
  }
}
