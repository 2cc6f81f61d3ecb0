import CFileDriver
import CHDF5
import Diagnostics
import Foundation

/// The HDF5 library as a whole: its one lock, its error stack and its count of what is open.
public enum H5Library {
  /// HDF5 is not thread-safe in every build, and a thread-safe build has one lock for everything. So does this module:
  /// every call into the library happens inside `locked`.
  private static let lock = NSRecursiveLock()

  /// At exit HDF5 would close what is still open, and crashes over a file that a full disk kept it from closing. Whatever
  /// must be on the disk is closed long before.
  private static let noCleaningUpAtExit: Void = { H5dont_atexit() }()

  /// Texts are read by this module, never by HDF5: see `GlobalHeap`.
  private static let readingSafely: Void = {
    // Nor does it follow a link into another file, wherever a chain of links leads there.
    guard unfold_keep_text_references() >= 0, H5Lunregister(H5L_TYPE_EXTERNAL) >= 0 else {
      preconditionFailure("HDF5 does not take the settings")
    }
  }()

  /// Runs calls of the library alone, with HDF5's own printing of errors switched off.
  package static func locked<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    noCleaningUpAtExit
    readingSafely
    // The setting belongs to the thread, so it is made at each call; it costs nanoseconds.
    H5Eset_auto2(unfold_h5e_default(), nil, nil)
    return try body()
  }

  /// The file of every object that is open. Guarded by `lock`.
  nonisolated(unsafe) private static var filesOfObjects: [hid_t: String] = [:]

  /// Notes that an object of a file is open, or with nil that it is closed. Call inside `locked`.
  static func note(_ object: hid_t, of file: String?) { filesOfObjects[object] = file }

  /// How many objects (files, groups, datasets, attributes) of files in a folder are open. For leak tests.
  ///
  /// HDF5 itself is not asked: a file that a full disk kept it from closing has lost its name, and asking for it crashes.
  public static func openObjectCount(inFolder folder: String) -> Int {
    locked { filesOfObjects.values.count { $0.hasPrefix(folder) } }
  }

  /// The version of the library that is linked, such as `1.10.8`.
  public static var version: String {
    locked {
      var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
      H5get_libversion(&major, &minor, &release)
      return "\(major).\(minor).\(release)"
    }
  }

  /// Throws what the library has to say where a call failed.
  @discardableResult
  static func check<Status: BinaryInteger>(
    _ status: Status, _ doing: @autoclosure () -> String, file: @autoclosure () -> String?, writing: Bool = false
  ) throws -> Status {
    if status >= 0 { return status }
    throw fault(doing(), file: file(), writing: writing)
  }

  /// The current thread's error stack as a fault. Must be called inside `locked`, right after the call that failed.
  static func fault(_ doing: String, file: String?, writing: Bool) -> Fault {
    let stack = errorStack()
    let innermost = stack.first ?? "HDF5 gave no reason"
    if stack.contains(where: { $0.contains("errno = 28,") || $0.contains("No space left on device") }) {
      return Fault(
        .inputOutput, "hdf5.outOfSpace", "The disk is full", file: file, place: doing, found: innermost,
        advice: "make room and run again")
    }
    if stack.contains(where: { $0.contains("UD link class") }) {
      return Fault(
        .badData, "hdf5.foreignStorage", "A dataset's content lies outside its own file", file: file, place: doing,
        expected: "data in the file itself", found: "a link into another file",
        advice: "copy the data into one file with h5repack, if you trust where they come from")
    }
    if !writing,
      stack.contains(where: { $0.contains("fletcher32") || $0.contains("checksum") || $0.contains("filter") })
    {
      return Fault(
        .badData, "hdf5.checksum", "Data are damaged: their checksum does not match", file: file, place: doing,
        found: innermost, advice: "restore the file from a copy, or make it again")
    }
    return Fault(
      writing ? .inputOutput : .badData, writing ? "hdf5.writeFailed" : "hdf5.readFailed",
      writing ? "HDF5 could not write" : "HDF5 could not read", file: file, place: doing,
      found: stack.prefix(3).joined(separator: "; "))
  }

  /// The descriptions on the error stack, from where the error arose outwards.
  private static func errorStack() -> [String] {
    final class Lines { var lines: [String] = [] }
    let lines = Lines()
    withExtendedLifetime(lines) {
      _ = H5Ewalk2(
        unfold_h5e_default(), H5E_WALK_UPWARD,
        { _, entry, context in
          guard let entry, let context, let text = entry.pointee.desc else { return 0 }
          Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().lines.append(String(cString: text))
          return 0
        }, Unmanaged.passUnretained(lines).toOpaque())
    }
    return lines.lines
  }
}
