import Diagnostics
import Foundation

/// The bytes of a regular file, read with every bound checked: what HDF5 itself would take on trust is read here.
final class FileBytes {
  let path: String
  let size: UInt64
  private let descriptor: Int32

  /// Opens a file. A pipe or device that only has the name of a file is refused without waiting for it.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let code = errno
    guard descriptor >= 0 else {
      let isScarce = code == EMFILE || code == ENFILE || code == ENOMEM || code == EIO
      throw Fault(
        isScarce ? .inputOutput : .noInput, "hdf5.unreadable",
        isScarce ? "The system refused opening a file" : "The file is not there or may not be read", file: path,
        expected: "a readable HDF5 file", found: String(cString: strerror(code)),
        advice: isScarce ? "let more files be open (`ulimit -n`), and run again" : "check the path and its permissions")
    }
    var found = stat()
    guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Fault(
        .badData, "hdf5.notAFile", "What has the name of an HDF5 file is no regular file", file: path,
        expected: "a regular file", found: Self.name(of: found.st_mode), advice: "check the path")
    }
    size = UInt64(max(0, found.st_size))
  }

  deinit { close(descriptor) }

  private static func name(of mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFIFO: "a pipe"
    case S_IFDIR: "a folder"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "something else"
    }
  }

  /// `count` bytes from `start`.
  /// - Throws: `Fault` named `hdf5.damaged` where the file does not reach so far, before anything is allocated.
  func read(_ start: UInt64, _ count: UInt64, _ what: @autoclosure () -> String) throws -> ArraySlice<UInt8> {
    guard start <= size, count <= size - start, let wanted = Int(exactly: count) else {
      throw damaged(what(), "\(count) bytes from byte \(start)", "a file of \(size) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: wanted)
    var done = 0
    while done < wanted {
      let some = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress?.advanced(by: done), wanted - done, off_t(start) + off_t(done))
      }
      if some < 0 && errno == EINTR { continue }
      guard some > 0 else {
        throw Fault(
          .inputOutput, "hdf5.readFailed", "The system refused reading a file", file: path, place: what(),
          found: some < 0 ? String(cString: strerror(errno)) : "the file became shorter meanwhile",
          advice: "run again, on a disk that works")
      }
      done += some
    }
    return bytes[...]
  }

  func damaged(_ place: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .badData, "hdf5.damaged", "The file is damaged", file: path, place: place, expected: expected, found: found,
      advice: "restore the file from a copy, or make it again")
  }
}

extension ArraySlice<UInt8> {
  /// Takes a little-endian number of `bytes` bytes from the front; nil where fewer are left.
  mutating func takeNumber(_ bytes: Int) -> UInt64? {
    guard count >= bytes else { return nil }
    let number = prefix(bytes).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    removeFirst(bytes)
    return number
  }

  /// Takes bytes from the front that are of no interest.
  mutating func skip(_ bytes: Int) { removeFirst(Swift.min(bytes, count)) }
}
