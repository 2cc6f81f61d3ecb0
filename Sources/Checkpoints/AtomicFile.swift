import Diagnostics
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that appears under its name only when it is complete and on disk: written beside it as `NAME.XXXXXXXX.part`, a name
/// that no other writer has, flushed, renamed, and its folder flushed.
package struct AtomicFile: ~Copyable {
  private let descriptor: Int32
  private let path: String

  /// Writes a file through `body`; where that throws, nothing is left behind and an older file stays as it was. Of two
  /// writers at once each leaves a whole file, and the last one stays.
  /// - Throws: What `body` throws; `Fault` named `file.cannotCreate` or `file.write`.
  package static func write(to url: URL, _ body: (borrowing AtomicFile) throws -> Void) throws {
    var status = stat()
    if stat(url.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Fault(
        .cannotCreate, "file.notAFile", "This is no file that can be replaced", file: url.path,
        expected: "a name that is free, or a file", found: "a folder, a device or the like",
        advice: "choose another name")
    }
    let (part, descriptor) = try create(for: url)
    defer { UnfinishedOutputs.end(part) }
    let file = AtomicFile(descriptor: descriptor, path: url.path)
    do {
      try body(file)
      guard fsync(descriptor) == 0 else { throw file.writingFault(errno) }
    } catch {
      close(descriptor)
      unlink(part)
      throw error
    }
    guard close(descriptor) == 0, rename(part, url.path) == 0 else {
      let code = errno
      unlink(part)
      throw file.writingFault(code)
    }
    let folder = open(url.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// A fresh file beside the final one.
  private static func create(for url: URL) throws -> (path: String, descriptor: Int32) {
    var code = EEXIST
    for _ in 0..<16 where code == EEXIST {
      let random = String(UInt32.random(in: .min ... .max), radix: 16)
      let part = "\(url.path).\(String(repeating: "0", count: 8 - random.count))\(random).part"
      UnfinishedOutputs.begin(part)
      let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        // Held until the file is closed: whoever looks for what a killed writer left knows by it that this one lives. One that
        // was taken for such before the lock was held is gone, and another name is tried.
        var status = stat()
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, stat(part, &status) == 0 {
          return (part, descriptor)
        }
        close(descriptor)
      }
      code = descriptor >= 0 ? EEXIST : errno
      UnfinishedOutputs.end(part)
    }
    throw Fault(
      .cannotCreate, "file.cannotCreate", "This file cannot be created", file: url.path,
      found: String(cString: strerror(code)),
      advice: Fault.advice(forSystem: code) ?? "choose a folder that exists and can be written to")
  }

  /// Writes a file of these bytes.
  /// - Throws: `Fault` named `file.cannotCreate` or `file.write`.
  package static func write(_ bytes: some Sequence<UInt8>, to url: URL) throws {
    let bytes = Array(bytes)
    try write(to: url) { file in try bytes.withUnsafeBytes { try file.write($0) } }
  }

  /// Removes what writers of this file have left that were killed.
  private static func removeLeftovers(of url: URL) {
    let (folder, name) = (url.deletingLastPathComponent(), url.lastPathComponent + ".")
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    where entry.hasPrefix(name) && entry.hasSuffix(".part") && entry.utf8.count == name.utf8.count + 13 {
      let path = folder.appending(path: entry).path
      let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }

  /// Refuses a name that is taken, before any work is done; what killed writers of it have left is removed.
  ///
  /// - Parameter replaces: Whether what is there may be replaced; nil where there is no way to say so.
  /// - Throws: `Fault` named `file.exists`.
  package static func requireFree(_ url: URL, replaces: Bool? = nil) throws {
    removeLeftovers(of: url)
    guard replaces != true, FileManager.default.fileExists(atPath: url.path) else { return }
    throw Fault(
      .cannotCreate, "file.exists", "The output exists", file: url.relativePath, expected: "a name that is free",
      found: "a file or folder of this name",
      advice: replaces == nil
        ? "choose another name, or remove what is there"
        : "choose another with -o, or give --force to replace it")
  }

  /// Makes a folder and those above it, where they are not there.
  /// - Throws: `Fault` named `file.cannotCreate`.
  package static func makeFolder(_ folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw Fault(
        .cannotCreate, "file.cannotCreate", "This folder cannot be made", file: folder.path,
        found: error.localizedDescription, advice: "choose a folder that can be written to")
    }
  }

  /// Writes all of the bytes behind those written before.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      #if canImport(Darwin)
        let written = Darwin.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      #elseif canImport(Musl)
        let written = Musl.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      #else
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      #endif
      if written < 0 {
        if errno == EINTR { continue }
        throw writingFault(errno)
      }
      rest = rest.dropFirst(written)
    }
  }

  private func writingFault(_ code: Int32) -> Fault {
    Fault(
      .inputOutput, "file.write", "Writing this file failed", file: path, found: String(cString: strerror(code)),
      advice: Fault.advice(forSystem: code) ?? "choose another place, and run it again")
  }
}
