import Diagnostics
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file mapped into memory, read-only: its bytes are read from disk when they are first touched and never copied whole.
///
/// Opening costs the same for any size. The file must not be truncated while it is mapped: the system ends a process
/// that touches a page beyond the new end (SIGBUS), and nothing in the process can turn that into an error.
public final class MappedFile: Sendable {
  public let url: URL
  /// The file's size in bytes when it was opened.
  public let count: Int
  /// What tells this file, as it was when it was opened, from others and from itself before and after a change.
  let identity: String
  /// Whether the last change lies so far back that one more would have another time.
  let isSettled: Bool
  // The pages are mapped read-only and stay where they are until deinit, so any thread may read them.
  nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer

  /// Maps a regular file.
  /// - Throws: `Fault` of the kind `noInput`: `checkpoints.missingFile`, `checkpoints.danglingLink`,
  ///   `checkpoints.notAFile`, `checkpoints.unreadable`.
  public init(contentsOf url: URL) throws {
    self.url = url
    // Non-blocking, or a pipe without a writer would hang here before it is refused.
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.openingFault(url, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.openingFault(url, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw Fault(
        .noInput, "checkpoints.notAFile", "This is not a regular file", file: url.path, expected: "a regular file",
        found: isFolder ? "a folder" : "a device, pipe or socket")
    }
    count = Int(status.st_size)
    #if canImport(Darwin)
      let (changed, modified) = (status.st_ctimespec, status.st_mtimespec)
    #else
      let (changed, modified) = (status.st_ctim, status.st_mtim)
    #endif
    identity =
      "\(status.st_dev) \(status.st_ino) \(status.st_size) \(modified.tv_sec).\(modified.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec)"
    isSettled = changed.tv_sec < time(nil) - 2
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw Self.openingFault(url, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: start, count: count)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), count) }
  }

  /// Lends the file's bytes; the pointer is valid within `body` alone.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// How a range of the file will be read next.
  public enum Access: Sendable {
    /// It will be read soon, from start to end: the system begins to read it now.
    case soon
    /// It is read next: returns when it is in memory, where it stays until the system needs the place.
    case now
    /// It will not be read for a while: its pages may be given back, and are read from disk again when touched.
    case done
  }

  /// Tells the system how a range of bytes will be used; a hint that never fails.
  public func advise(_ access: Access, on range: Range<Int>) {
    let range = range.clamped(to: 0..<count)
    guard let start = bytes.baseAddress, !range.isEmpty else { return }
    // The call takes whole pages. Pages that are read soon are widened, pages given back are narrowed, so that a
    // neighbour's bytes are never dropped.
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first: Int
    let last: Int
    switch access {
    case .soon, .now:
      first = range.lowerBound / page * page
      last = range.upperBound
    case .done:
      first = (range.lowerBound + page - 1) / page * page
      last = range.upperBound / page * page
    }
    guard last > first else { return }
    let address = UnsafeMutableRawPointer(mutating: start + first)
    switch access {
    case .soon: posix_madvise(address, last - first, POSIX_MADV_WILLNEED)
    case .now: populate(address, last - first, page: page)
    #if canImport(Darwin)
      case .done: madvise(address, last - first, MADV_DONTNEED)
    #else
      // posix_madvise(POSIX_MADV_DONTNEED) does nothing in glibc.
      case .done: madvise(address, last - first, Int32(MADV_DONTNEED))
    #endif
    }
  }

  /// Takes what was read of pages, so that no compiler leaves the reading out.
  private static let touched = Atomic<Int>(0)

  private func populate(_ address: UnsafeMutableRawPointer, _ count: Int, page: Int) {
    #if os(Linux)
      // MADV_POPULATE_READ, from Linux 5.14 on.
      if madvise(address, count, 22) == 0 { return }
    #endif
    var sum = 0
    for offset in stride(from: 0, to: count, by: page) { sum &+= Int((address + offset).load(as: UInt8.self)) }
    Self.touched.add(sum, ordering: .relaxed)
  }

  /// The fault for a path that cannot be opened, telling a link to nothing from a path to nothing.
  static func openingFault(_ url: URL, code: Int32) -> Fault {
    let path = url.path
    if code == ENOENT || code == ENOTDIR {
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
        return Fault(
          .noInput, "checkpoints.danglingLink", "This link points to a file that is not there", file: path,
          expected: target, found: "nothing",
          advice: "download the model again: a cache was moved or cleaned, or a download did not finish")
      }
      return Fault(
        .noInput, "checkpoints.missingFile", "There is no such file", file: path,
        advice: "check the path: names are case-sensitive")
    }
    return Fault(
      .noInput, "checkpoints.unreadable", "This file cannot be read", file: path,
      found: String(cString: strerror(code)), advice: "check its permissions")
  }
}
