import Diagnostics

/// Reads a GGUF header from front to back; every step is held against the bytes that remain.
///
/// What is read is named for messages alone, and the name made only when one is needed: there may be a million strings.
struct GGUFCursor {
  let bytes: UnsafeRawBufferPointer
  let file: String
  var position = 0
  /// What is being read, for messages: `key general.name` or `tensor 3`.
  var subject = "the header"

  var remaining: Int { bytes.count - position }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, _ what: @autoclosure () -> String) throws
    -> T
  {
    try need(MemoryLayout<T>.size, what())
    defer { position += MemoryLayout<T>.size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
  }

  /// A count of things that take at least `size` bytes each: never more than the bytes that remain can hold.
  mutating func count(_ what: @autoclosure () -> String, atLeast size: Int) throws -> Int {
    let place = position
    let count = try integer(UInt64.self, "the number of \(what())")
    guard count <= UInt64(remaining / size) else {
      // A negative number in two's complement is no length of any file.
      if count > UInt64(Int.max) {
        throw invalid("a number of \(what())", found: "\(Int64(bitPattern: count))", at: place)
      }
      throw cutOff("\(count) \(what()) of at least \(size) bytes each", at: place)
    }
    return Int(count)
  }

  /// Where a string's bytes lie, behind the length before them.
  mutating func string(_ what: @autoclosure () -> String) throws -> Range<Int> {
    let length = try count("bytes of \(what())", atLeast: 1)
    defer { position += length }
    return position..<position + length
  }

  /// A string of valid UTF-8 and of limited length.
  mutating func text(_ what: @autoclosure () -> String, limit: Int) throws -> String {
    let place = position
    let range = try string(what())
    guard range.count <= limit, !range.isEmpty else {
      throw invalid("\(what()) of 1 to \(limit) bytes", found: "\(range.count) bytes", at: place)
    }
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
      throw invalid("valid UTF-8 in \(what())", found: "other bytes", at: place)
    }
    return text
  }

  mutating func skip(_ count: Int, _ what: @autoclosure () -> String) throws {
    try need(count, what())
    position += count
  }

  private func need(_ count: Int, _ what: @autoclosure () -> String) throws {
    guard count <= remaining else { throw cutOff("\(what()), \(count) bytes", at: position) }
  }

  func cutOff(_ expected: String, at place: Int) -> Fault {
    Fault(
      .badData, "checkpoints.truncated", "This GGUF file is cut off or damaged", file: file,
      place: "byte \(place), \(subject)", expected: expected, found: "a file of \(bytes.count) bytes",
      advice: "download the file again")
  }

  func invalid(_ expected: String, found: String, at place: Int) -> Fault {
    Fault(
      .badData, "checkpoints.header", "The header of this GGUF file breaks the format's rules", file: file,
      place: "byte \(place), \(subject)", expected: expected, found: found, advice: "download the file again")
  }
}
