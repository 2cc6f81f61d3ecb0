import Diagnostics

struct RegularExpression: Sendable {
  init(_ pattern: String, file: String, place: String) throws {
    throw Fault(.badData, "tokenizer.unsupportedPattern", "not yet", file: file, place: place, found: pattern)
  }
  func matches(in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) throws -> [Range<Int>] { [] }
}
