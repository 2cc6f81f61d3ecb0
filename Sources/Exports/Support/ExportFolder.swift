import Checkpoints
import Diagnostics
import Foundation

/// A folder that appears under its name only when it is complete: it is filled under a name of its own and then renamed.
struct ExportFolder {
  /// Where files are written to while the folder is filled.
  let url: URL
  private(set) var files = 0

  /// Lies in every folder that an export has written: only such a folder is ever replaced.
  static let mark = ".unfold-export"

  /// Fills a folder through `body`; where that throws, nothing is left behind and an older folder stays as it was.
  ///
  /// - Parameter replaces: whether an older export that is there is replaced; nothing else ever is.
  /// - Throws: `file.exists`, `export.notAnExport`, `file.cannotCreate`, and what `body` throws.
  static func fill(_ folder: URL, replaces: Bool, _ body: (inout ExportFolder) throws -> Void) throws -> Int {
    let manager = FileManager.default
    try AtomicFile.requireFree(folder, replaces: replaces)
    try requireExport(folder)
    // A name that no other writer has.
    let part = URL(filePath: "\(folder.path).\(UUID().uuidString).part")
    UnfinishedOutputs.begin(part.path)
    defer { UnfinishedOutputs.end(part.path) }
    try AtomicFile.makeFolder(part)
    do {
      var filled = ExportFolder(url: part)
      try body(&filled)
      try AtomicFile.write(
        "This folder was written by `unfold export`, which may replace it as a whole.\n".utf8,
        to: part.appending(path: mark))
      do {
        try put(part, in: folder)
      } catch {
        throw Fault(
          .cannotCreate, "file.cannotCreate", "This folder cannot be put in its place", file: folder.path,
          found: error.localizedDescription, advice: "choose another name")
      }
      return filled.files
    } catch {
      try? manager.removeItem(at: part)
      throw error
    }
  }

  /// Renames a folder to the place of another, which is removed when the new one stands there, and put back where it cannot.
  private static func put(_ part: URL, in folder: URL) throws {
    let manager = FileManager.default
    guard manager.fileExists(atPath: folder.path) else { return try manager.moveItem(at: part, to: folder) }
    // A name that nobody else's folder has.
    let old = URL(filePath: "\(folder.path).\(UUID().uuidString).old")
    try manager.moveItem(at: folder, to: old)
    do {
      try manager.moveItem(at: part, to: folder)
    } catch {
      try? manager.moveItem(at: old, to: folder)
      throw error
    }
    try? manager.removeItem(at: old)
  }

  /// Refuses to replace what no export has written: a store, the folder that one stands in, somebody's work.
  private static func requireExport(_ folder: URL) throws {
    let manager = FileManager.default
    guard manager.fileExists(atPath: folder.path), !manager.fileExists(atPath: folder.appending(path: mark).path) else {
      return
    }
    if let inside = try? manager.contentsOfDirectory(atPath: folder.path), inside.isEmpty { return }
    throw Fault(
      .cannotCreate, "export.notAnExport", "This is no folder that an export has written", file: folder.path,
      expected: "a name that is free, an empty folder, or an older export (it has a file \(mark))",
      found: "something else, which is left as it is", advice: "choose another name with -o")
  }

  /// Where a file of this name is to be written; the folders on the way are made.
  mutating func file(_ name: String) throws -> URL {
    let file = url.appending(path: name)
    try AtomicFile.makeFolder(file.deletingLastPathComponent())
    files += 1
    return file
  }
}
