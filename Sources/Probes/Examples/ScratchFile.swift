import Diagnostics
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Numbers in a file without a name in the folder for temporary files (`TMPDIR`), mapped into memory. The system frees its
/// space with the object, and however the process ends.
final class ScratchFile: Sendable {
  let count: Int
  // Mapped until deinit; who shares it reads alone.
  nonisolated(unsafe) private let values: UnsafeMutableBufferPointer<Float>

  /// Zeros.
  ///
  /// All of its space is reserved now: a disk that is full would end the process at a write later (SIGBUS).
  ///
  /// - Throws: `probe.scratch`.
  init(count: Int) throws {
    precondition(count > 0, "\(count) numbers")
    self.count = count
    let bytes = count * MemoryLayout<Float>.stride
    let folder = FileManager.default.temporaryDirectory
    func fault(_ doing: String, _ code: Int32) -> Fault {
      Fault(
        .cannotCreate, "probe.scratch", "A scratch file for activations cannot be \(doing)",
        file: folder.path,
        expected: "\(bytes) free bytes", found: String(cString: strerror(code)),
        advice: "set TMPDIR to a folder with more space, or learn from fewer examples")
    }
    var path = Array(folder.appending(path: "unfold-rows-XXXXXX").path.utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw fault("made", errno) }
    defer { close(descriptor) }
    unlink(path)
    #if canImport(Darwin)
      var store = fstore_t(
        fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0,
        fst_length: off_t(bytes),
        fst_bytesalloc: 0)
      guard fcntl(descriptor, F_PREALLOCATE, &store) >= 0, ftruncate(descriptor, off_t(bytes)) == 0
      else {
        throw fault("given its space", errno)
      }
    #else
      let failure = posix_fallocate(descriptor, 0, off_t(bytes))
      guard failure == 0 else { throw fault("given its space", failure) }
    #endif
    guard let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      start != MAP_FAILED
    else {
      throw fault("mapped", errno)
    }
    values = UnsafeMutableBufferPointer(
      start: start.bindMemory(to: Float.self, capacity: count), count: count)
  }

  deinit { munmap(values.baseAddress, count * MemoryLayout<Float>.stride) }

  func withUnsafeElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(self) { try body(values) }
  }
}
