import Diagnostics
import Foundation

/// What lies at a path that is said to hold a model.
enum ModelFolder {
  /// Whether there is a folder there, or something else.
  /// - Throws: `Fault`: `checkpoints.missingFolder` or `checkpoints.danglingLink` where there is nothing.
  static func isFolder(_ url: URL) throws -> Bool {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) { return isFolder.boolValue }
    let fault = MappedFile.openingFault(url, code: ENOENT)
    throw fault.name == "checkpoints.danglingLink" ? fault : missing(url)
  }

  /// The names of what a folder holds, in no order.
  static func content(of folder: URL) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      guard FileManager.default.fileExists(atPath: folder.path) else { throw missing(folder) }
      throw Fault(
        .noInput, "checkpoints.unreadable", "This folder cannot be read", file: folder.path,
        found: error.localizedDescription, advice: "check its permissions")
    }
  }

  static func isPickle(_ name: String) -> Bool {
    [".bin", ".pt", ".pth", ".ckpt"].contains { name.hasSuffix($0) } && name != "training_args.bin"
  }

  private static func missing(_ url: URL) -> Fault {
    Fault(
      .noInput, "checkpoints.missingFolder", "There is no such model folder", file: url.path,
      advice: "check the path: names are case-sensitive")
  }
}
