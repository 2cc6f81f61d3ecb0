import Diagnostics
import Foundation

/// What the store does to files, each step announced, so that a test can make any of them fail.
package struct StoreOperations: Sendable {
  package enum Step: String, Sendable {
    case makeFolder, create, writeRows, closeFile, checksum, syncFile, rename, syncFolder, writeManifest,
      appendManifest,
      remove
  }

  /// Called before each step; what it throws takes the step's place.
  let before: @Sendable (Step, String) throws -> Void

  package init(before: @escaping @Sendable (Step, String) throws -> Void = { _, _ in }) {
    self.before = before
  }

  package static let standard = StoreOperations()

  func makeFolder(_ url: URL) throws {
    try before(.makeFolder, url.path)
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw Fault(
        .cannotCreate, "store.cannotCreate", "The store's folder cannot be made", file: url.path,
        found: error.localizedDescription, advice: "check that the folder above exists and may be written")
    }
  }

  func remove(_ url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    try before(.remove, url.path)
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      throw Fault(
        .inputOutput, "store.cannotRemove", "A file of the store cannot be removed", file: url.path,
        found: error.localizedDescription, advice: "check its permissions, and those of its folder")
    }
  }

  /// Waits until the file's bytes are on the disk.
  func sync(_ path: String) throws {
    try before(.syncFile, path)
    try withDescriptor(path, O_RDONLY) { descriptor in
      guard fsync(descriptor) == 0 else { throw Self.systemFault("syncing", path) }
    }
  }

  /// Gives a finished, synced file its final name, and waits until the folder knows it.
  func publish(_ part: String, as final: String) throws {
    try before(.rename, final)
    guard rename(part, final) == 0 else { throw Self.systemFault("renaming", part) }
    try syncFolder(of: final)
  }

  func syncFolder(of path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try before(.syncFolder, folder)
    try withDescriptor(folder, O_RDONLY) { descriptor in
      // Some file systems cannot sync a folder; there is nothing better to do on those.
      guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.systemFault("syncing", folder) }
    }
  }

  /// Replaces a file's content at once: readers see the old or the new.
  func replace(_ path: String, with bytes: [UInt8]) throws {
    let part = path + ".part"
    try before(.writeManifest, path)
    try withDescriptor(part, O_WRONLY | O_CREAT | O_TRUNC) { descriptor in
      try Self.write(bytes, to: descriptor, part)
    }
    try sync(part)
    try publish(part, as: path)
  }

  /// Adds bytes to the end of a file and waits until they are on the disk.
  func append(_ bytes: [UInt8], to path: String) throws {
    try before(.appendManifest, path)
    try withDescriptor(path, O_WRONLY | O_APPEND) { descriptor in
      try Self.write(bytes, to: descriptor, path)
      guard fsync(descriptor) == 0 else { throw Self.systemFault("syncing", path) }
    }
  }

  func withDescriptor<Result>(_ path: String, _ flags: Int32, _ body: (Int32) throws -> Result) throws -> Result {
    let descriptor = open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.systemFault("opening", path) }
    defer { close(descriptor) }
    return try body(descriptor)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        #if canImport(Glibc)
          Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        #else
          Darwin.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        #endif
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw systemFault("writing", path) }
      done += count
    }
  }

  /// `errno` as a fault; out of space has its own name.
  static func systemFault(_ doing: String, _ path: String) -> Fault {
    let code = errno
    if code == ENOSPC || code == EDQUOT { return outOfSpace(path) }
    let readOnly = code == EACCES || code == EPERM || code == EROFS
    return Fault(
      readOnly ? .cannotCreate : .inputOutput, readOnly ? "store.readOnly" : "store.system",
      "The system refused \(doing) a file of the store", file: path, found: String(cString: strerror(code)),
      advice: readOnly
        ? "choose a folder that may be written" : Fault.advice(forSystem: code) ?? "run the same command again")
  }

  static func outOfSpace(_ path: String) -> Fault {
    Fault(
      .inputOutput, "store.outOfSpace",
      "The disk is full; the shard that was being written is dropped, and every finished one is kept", file: path,
      found: freeSpace(at: URL(fileURLWithPath: path)).map { "\($0.formatted()) bytes free" },
      advice: "make room, then run the same command with --resume")
  }

  /// Bytes that an ordinary user may still write on the file system of a path, or nil where the system does not say.
  static func freeSpace(at url: URL) -> Int? {
    var place = url
    while !FileManager.default.fileExists(atPath: place.path), place.pathComponents.count > 1 {
      place = place.deletingLastPathComponent()
    }
    var info = statvfs()
    guard statvfs(place.path, &info) == 0 else { return nil }
    return Int(clamping: UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize)).partialValue)
  }
}
