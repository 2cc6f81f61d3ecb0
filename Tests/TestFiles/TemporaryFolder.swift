import Foundation

/// A folder that goes away with the test.
package final class TemporaryFolder {
  package let url: URL

  /// Makes the folder, empty.
  package init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "unfold-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Where a file of this name lies or would lie.
  package func file(_ name: String) -> URL { url.appending(path: name) }

  /// Writes a file, and the folders on the way to it.
  @discardableResult
  package func write(_ bytes: some Sequence<UInt8>, _ name: String) throws -> URL {
    let file = file(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file
  }

  @discardableResult
  package func write(_ text: String, _ name: String) throws -> URL { try write(text.utf8, name) }
}
