import Foundation
import StrictJSON
import Testing

/// Real vocabularies and models that lie beside the package, where they do.
enum SharedData {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["UNFOLD_TEST_DATA"] { return URL(filePath: path) }
    return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data")
      .standardizedFileURL
  }()

  /// Folders of further cases, made by the script of the family fixtures, separated by colons.
  static let moreCases = ProcessInfo.processInfo.environment["UNFOLD_TOKENIZER_CASES"]

  /// A file of further cases, made by the script of the patterns' fixture.
  static let morePatternCases = ProcessInfo.processInfo.environment["UNFOLD_PATTERN_CASES"]

  static let moreSentencePieceCases = ProcessInfo.processInfo.environment["UNFOLD_SENTENCEPIECE_CASES"]

  static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: path).path)
  }

  static func file(_ path: String) -> URL { folder.appending(path: path) }

  static func json(_ path: String) throws -> JSONReader {
    let data = [UInt8](try Data(contentsOf: file(path)))
    return JSONReader(try JSONValue(parsing: data, file: path), file: path)
  }
}

/// Files of the test bundle.
enum Fixture {
  static func url(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).appending(path: name)
  }

  static func json(_ name: String) throws -> JSONReader {
    let data = [UInt8](try Data(contentsOf: url(name)))
    return JSONReader(try JSONValue(parsing: data, file: name), file: name)
  }
}

extension JSONReader {
  func integers() throws -> [Int32] { try array().map { Int32(try $0.integer()) } }
}
