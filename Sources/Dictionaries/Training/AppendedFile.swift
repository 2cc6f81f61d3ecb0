import Diagnostics
import Foundation

/// A file that only grows, and that a resumed run cuts back to where its checkpoint stood.
final class AppendedFile {
  private let handle: FileHandle
  private let path: String
  private(set) var length: Int

  init(_ url: URL, length: Int) throws {
    path = url.path
    self.length = length
    let manager = FileManager.default
    if !manager.fileExists(atPath: url.path) { _ = manager.createFile(atPath: url.path, contents: nil) }
    do {
      handle = try FileHandle(forUpdating: url)
      let size = Int(try handle.seekToEnd())
      // A file that was lost or cut begins anew.
      if size < length { self.length = 0 }
      try handle.truncate(atOffset: UInt64(self.length))
      try handle.seek(toOffset: UInt64(self.length))
    } catch {
      throw Fault(
        .cannotCreate, "file.cannotCreate", "This file cannot be created", file: url.path,
        found: Fault.words(of: error),
        advice: "choose a folder that exists and can be written to")
    }
  }

  func append(_ bytes: [UInt8]) throws {
    do {
      try handle.write(contentsOf: bytes)
      length += bytes.count
    } catch {
      throw Fault(.inputOutput, "file.write", "Writing this file failed", file: path, found: Fault.words(of: error))
    }
  }

  deinit { try? handle.close() }
}
