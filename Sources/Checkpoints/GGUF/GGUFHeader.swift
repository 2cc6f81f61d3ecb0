import Diagnostics
import Foundation
import StrictJSON

/// A GGUF header that has passed every check (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
struct GGUFHeader {
  static let magic = Array("GGUF".utf8)
  static let maximumAlignment = 1 << 20

  struct Entry {
    let name: String
    let type: ElementType
    /// Outermost axis first: the reverse of the file's order.
    let shape: [Int]
    /// Where the tensor lies in the file.
    let range: Range<Int>
  }

  let version: Int
  let alignment: Int
  let metadata: [(key: String, value: GGUFValue)]
  /// Where the metadata of each key lies, in the same order: the key, the type and the value.
  let metadataRanges: [Range<Int>]
  /// The tensors in the order in which they lie in the file.
  let entries: [Entry]
  /// Where the header lies, from the magic to the last tensor's entry.
  let range: Range<Int>

  init(checking bytes: UnsafeRawBufferPointer, of mapped: MappedFile) throws {
    let file = mapped.url.path
    try refuseOtherFormats(bytes, file: file)
    var cursor = GGUFCursor(bytes: bytes, file: file)
    try cursor.skip(4, "the word GGUF")
    version = try Self.version(&cursor)
    let tensorCountPlace = cursor.position
    // A tensor's entry: its name's length, a byte of name, the number of axes, the type, the offset. A key: its
    // length, a byte, the type, a byte of value.
    let tensorCount = try cursor.count("tensors", atLeast: 8 + 1 + 4 + 4 + 8)
    let keyCount = try cursor.count("keys", atLeast: 8 + 1 + 4 + 1)
    guard tensorCount * 25 + keyCount * 14 <= cursor.remaining else {
      throw cursor.cutOff("\(tensorCount) tensors and \(keyCount) keys", at: tensorCountPlace)
    }
    (metadata, metadataRanges) = try Self.metadata(&cursor, count: keyCount, of: mapped)
    alignment = try Self.alignment(metadata, cursor)
    let declared = try Self.declarations(&cursor, count: tensorCount)
    range = 0..<cursor.position
    entries = try Self.layOut(declared, alignment: alignment, cursor: cursor)
  }

  private static func version(_ cursor: inout GGUFCursor) throws -> Int {
    let version = try cursor.integer(UInt32.self, "the version")
    if version & 0xFFFF == 0, version != 0 {
      throw Fault(
        .badData, "checkpoints.ggufByteOrder", "This GGUF file is big-endian", file: cursor.file, place: "byte 4",
        expected: "little-endian numbers", found: "version \(version.byteSwapped) with its bytes reversed",
        advice: "convert the model again on, or for, a little-endian machine")
    }
    guard version == 2 || version == 3 else {
      throw Fault(
        .badData, "checkpoints.ggufVersion", "This version of GGUF cannot be read", file: cursor.file, place: "byte 4",
        expected: "version 2 or 3", found: "version \(version)",
        advice: version == 1
          ? "convert the model again: version 1 was replaced in August 2023" : "download the file again")
    }
    return Int(version)
  }

  private static func metadata(
    _ cursor: inout GGUFCursor, count: Int, of mapped: MappedFile
  ) throws -> ([(key: String, value: GGUFValue)], [Range<Int>]) {
    var entries: [(key: String, value: GGUFValue)] = []
    var ranges: [Range<Int>] = []
    var seen = Set<ExactString>(minimumCapacity: count)
    entries.reserveCapacity(count)
    for index in 0..<count {
      cursor.subject = "key \(index + 1) of \(count)"
      let start = cursor.position
      let key = try cursor.text("a key", limit: 65535)
      cursor.subject = "key \(key.prefix(80))"
      guard seen.insert(ExactString(key)).inserted else {
        throw cursor.invalid("each key once", found: "this key twice", at: start)
      }
      let type = try valueType(&cursor)
      entries.append((key, try value(&cursor, type, of: mapped)))
      ranges.append(start..<cursor.position)
    }
    return (entries, ranges)
  }

  private static func valueType(_ cursor: inout GGUFCursor) throws -> GGUFType {
    let place = cursor.position
    let number = try cursor.integer(UInt32.self, "a value's type")
    guard let type = GGUFType(rawValue: number) else {
      throw cursor.invalid("a value's type from 0 to 12", found: "\(number)", at: place)
    }
    return type
  }

  private static func value(_ cursor: inout GGUFCursor, _ type: GGUFType, of mapped: MappedFile) throws -> GGUFValue {
    switch type {
    case .string:
      let range = try cursor.string("a string")
      return .string(GGUFString(bytes: Array(cursor.bytes[range])))
    case .array: return .array(try array(&cursor, of: mapped))
    default:
      let place = cursor.position
      try cursor.skip(type.size ?? 0, "a value")
      guard let start = cursor.bytes.baseAddress else { preconditionFailure("bytes were read from nowhere") }
      if type == .bool { try checkBools(place..<place + 1, cursor) }
      return GGUFValue(type, at: start + place)
    }
  }

  private static func array(_ cursor: inout GGUFCursor, of mapped: MappedFile) throws -> GGUFArray {
    let place = cursor.position
    let type = try valueType(&cursor)
    if type == .array { throw cursor.invalid("an array of single values", found: "an array of arrays", at: place) }
    let count = try cursor.count("elements of an array", atLeast: type.size ?? 8)
    let start = cursor.position
    var starts: [Int] = []
    if let size = type.size {
      try cursor.skip(count * size, "an array")
      if type == .bool { try checkBools(start..<cursor.position, cursor) }
    } else {
      starts.reserveCapacity(count)
      for _ in 0..<count {
        starts.append(cursor.position)
        _ = try cursor.string("a string")
      }
    }
    return GGUFArray(
      elementType: type, count: count, file: mapped, range: start..<cursor.position, starts: starts)
  }

  private static func checkBools(_ range: Range<Int>, _ cursor: GGUFCursor) throws {
    guard let bad = cursor.bytes[range].firstIndex(where: { $0 > 1 }) else { return }
    throw cursor.invalid("0 or 1 for a boolean", found: "\(cursor.bytes[bad])", at: bad)
  }

  private static func alignment(_ metadata: [(key: String, value: GGUFValue)], _ cursor: GGUFCursor) throws -> Int {
    let key = "general.alignment"
    guard let value = metadata.first(where: { ExactString($0.key) == ExactString(key) })?.value else { return 32 }
    let field = GGUFField(value: value, key: key, file: cursor.file)
    guard case .integer(let alignment) = value, alignment > 0, alignment & (alignment - 1) == 0,
      alignment <= maximumAlignment
    else { throw field.unexpected("a power of two up to \(maximumAlignment)") }
    return alignment
  }
}

/// Names the formats that are often found in the place of GGUF.
private func refuseOtherFormats(_ bytes: UnsafeRawBufferPointer, file: String) throws {
  if bytes.starts(with: GGUFHeader.magic) { return }
  if let pointer = Fault.pointerOfGitLFS(bytes.prefix(32), file: file) { throw pointer }
  let word = String(decoding: bytes.prefix(4), as: UTF8.self)
  if word == "FUGG" {
    throw Fault(
      .badData, "checkpoints.ggufByteOrder", "This GGUF file is big-endian", file: file, place: "byte 0",
      expected: "little-endian numbers", found: "the word GGUF with its bytes reversed",
      advice: "convert the model again on, or for, a little-endian machine")
  }
  if ["lmgg", "fmgg", "tjgg", "algg"].contains(word) {
    throw Fault(
      .badData, "checkpoints.ggufVersion", "This is a file of GGML, the format before GGUF", file: file,
      place: "byte 0", expected: "GGUF, version 2 or 3", found: "the word \(String(word.reversed()))",
      advice: "convert the model again, or download it as GGUF")
  }
  if bytes.count < 4, GGUFHeader.magic.starts(with: bytes) {
    throw Fault(
      .badData, "checkpoints.truncated", "This GGUF file is cut off", file: file, place: "byte \(bytes.count)",
      expected: "the word GGUF", found: "a file of \(bytes.count) bytes", advice: "download the file again")
  }
  throw Fault(
    .badData, "checkpoints.header", "This is not a GGUF file, or its first bytes are damaged", file: file,
    place: "byte 0", expected: "the word GGUF",
    found: "bytes \(bytes.prefix(4).map(String.init).joined(separator: " "))",
    advice: "download the file again")
}
