import Foundation
import Testing

/// Real files that lie beside the package, where they do.
enum SharedData {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["UNFOLD_TEST_DATA"] { return URL(filePath: path) }
    return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data")
      .standardizedFileURL
  }()

  static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: file(path).path) }

  static func file(_ path: String) -> URL { folder.appending(path: path) }
}

/// Files of the test bundle.
enum Fixture {
  static func url(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).appending(path: name)
  }
}
