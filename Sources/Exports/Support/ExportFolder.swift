import Checkpoints
import Diagnostics
import Foundation

/// A folder that appears under its name only when it is complete: it is filled as `NAME.part` and then renamed.
struct ExportFolder {
  /// Where files are written to while the folder is filled.
  let url: URL
  private(set) var files = 0

  /// Fills a folder through `body`; where that throws, nothing is left behind and an older folder stays as it was.
  ///
  /// - Parameter replaces: whether a folder that is there is replaced.
  /// - Throws: `export.outputExists`, `file.cannotCreate`, and what `body` throws.
  static func fill(_ folder: URL, replaces: Bool, _ body: (inout ExportFolder) throws -> Void) throws -> Int {
    let manager = FileManager.default
    try requireFree(folder, replaces: replaces)
    let part = URL(filePath: folder.path + ".part")
    try? manager.removeItem(at: part)
    try AtomicFile.makeFolder(part)
    do {
      var filled = ExportFolder(url: part)
      try body(&filled)
      if replaces { try? manager.removeItem(at: folder) }
      do {
        try manager.moveItem(at: part, to: folder)
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

  /// Where a file of this name is to be written; the folders on the way are made.
  mutating func file(_ name: String) throws -> URL {
    let file = url.appending(path: name)
    try AtomicFile.makeFolder(file.deletingLastPathComponent())
    files += 1
    return file
  }
}

/// Refuses to write over what is there.
///
/// - Throws: `export.outputExists`.
func requireFree(_ url: URL, replaces: Bool) throws {
  guard !replaces, FileManager.default.fileExists(atPath: url.path) else { return }
  throw Fault(
    .cannotCreate, "export.outputExists", "The output exists", file: url.path, expected: "a name that is free",
    advice: "choose another with -o, or give --force to replace it")
}
