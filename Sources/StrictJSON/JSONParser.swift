import Diagnostics

extension JSONValue {
  /// How deep arrays and objects may nest: far beyond any real file, well within a thread's stack.
  public static let maximumDepth = 256

  /// Parses one JSON document (RFC 8259).
  ///
  /// Duplicate keys (compared by bytes), invalid UTF-8, lone surrogates, trailing text and nesting beyond
  /// `maximumDepth` are refused. Takes time and memory linear in the text.
  ///
  /// - Parameters:
  ///   - bytes: The text; a byte order mark at its start is passed over.
  ///   - file: The name that messages give.
  /// - Throws: `Fault` named `json.invalid`, with line and column.
  public init(parsing bytes: UnsafeRawBufferPointer, file: String) throws {
    var parser = JSONParser(bytes: bytes, file: file, keepsNumbers: false, replacesHalves: false)
    self = try parser.document()
  }

  /// Parses one JSON document of people's texts, which may hold what programs do not write.
  ///
  /// - Parameters:
  ///   - keepsNumbers: Whether numbers with a fraction or an exponent, and those beyond 64 bits, stay as they are written
  ///     (`decimal`).
  ///   - halves: Set to the number of escapes such as `\ud83d` without the other half of their pair, which become U+FFFD.
  /// - Throws: As `init(parsing:file:)`, but for such escapes.
  public init(
    parsing bytes: UnsafeRawBufferPointer, file: String, keepsNumbers: Bool, countingHalves halves: inout Int
  ) throws {
    var parser = JSONParser(bytes: bytes, file: file, keepsNumbers: keepsNumbers, replacesHalves: true)
    self = try parser.document()
    halves = parser.halves
  }

  /// Parses one JSON document held in an array or a `Data`; see `init(parsing:file:)`.
  public init(parsing bytes: some ContiguousBytesSequence, file: String) throws {
    self = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, file: file) }
  }

  /// Parses one JSON document held in a string; see `init(parsing:file:)`.
  public init(parsing text: String, file: String) throws {
    try self.init(parsing: Array(text.utf8), file: file)
  }
}

/// A sequence of bytes that lies in one piece of memory.
public protocol ContiguousBytesSequence: Sequence where Element == UInt8 {
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}

extension Array: ContiguousBytesSequence where Element == UInt8 {}
extension ArraySlice: ContiguousBytesSequence where Element == UInt8 {}

/// A recursive-descent parser over bytes. The position moves forward only.
private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let file: String
  let keepsNumbers: Bool
  let replacesHalves: Bool
  var position = 0
  var depth = 0
  /// Surrogates that stood alone and were replaced.
  var halves = 0

  mutating func document() throws -> JSONValue {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    skipSpace()
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw fault("the end of the document") }
    return value
  }

  private mutating func value() throws -> JSONValue {
    guard position < bytes.count else { throw fault("a value") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try nested { try $0.object() }
    case UInt8(ascii: "["): return try nested { try $0.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("a value")
    }
  }

  private mutating func nested(_ body: (inout Self) throws -> JSONValue) throws -> JSONValue {
    guard depth < JSONValue.maximumDepth else {
      throw fault("at most \(JSONValue.maximumDepth) arrays and objects inside one another")
    }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try body(&self)
  }

  private mutating func object() throws -> JSONValue {
    var members: [JSONObject.Member] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(JSONObject(members: [])) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw fault("a key") }
      let key = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("a colon after the key \"\(key)\"") }
      skipSpace()
      members.append(JSONObject.Member(key: key, value: try value()))
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw fault("a comma or the end of the object") }
      try refuseDuplicates(members)
      return .object(JSONObject(members: members))
    }
  }

  /// Small objects are compared pair by pair, large ones (vocabularies, tensor headers) through a set.
  private func refuseDuplicates(_ members: [JSONObject.Member]) throws {
    var twice: String?
    if members.count <= 8 {
      for i in members.indices.dropFirst() where members[..<i].contains(where: { same($0.key, members[i].key) }) {
        twice = members[i].key
      }
    } else {
      var seen = Set<ExactString>(minimumCapacity: members.count)
      twice = members.first { !seen.insert(ExactString($0.key)).inserted }?.key
    }
    if let twice { throw fault("each key once", found: "the key \"\(twice)\" twice in the object that ends here") }
  }

  private func same(_ a: String, _ b: String) -> Bool { ExactString(a) == ExactString(b) }

  private mutating func array() throws -> JSONValue {
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array([]) }
    while true {
      skipSpace()
      elements.append(try value())
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw fault("a comma or the end of the array") }
      return .array(elements)
    }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
    for i in 0..<word.utf8CodeUnitCount {
      guard position + i < bytes.count, bytes[position + i] == word.utf8Start[i] else { throw fault("\(word)") }
    }
    position += word.utf8CodeUnitCount
    return value
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    var whole = true
    _ = take(UInt8(ascii: "-"))
    let leadingZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
    let digits = takeDigits()
    guard digits > 0, !(leadingZero && digits > 1) else { throw fault("a number") }
    if take(UInt8(ascii: ".")) {
      whole = false
      guard takeDigits() > 0 else { throw fault("digits after the decimal point") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      whole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard takeDigits() > 0 else { throw fault("digits of the exponent") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if whole, let integer = Int(text) { return .integer(integer) }
    if keepsNumbers { return .decimal(text) }
    guard let number = Double(text), number.isFinite else {
      position = start
      throw fault("a number that a 64-bit float can hold", found: text)
    }
    return .number(number)
  }

  private mutating func takeDigits() -> Int {
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
    return position - start
  }

  private mutating func string() throws -> String {
    position += 1
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text = try decoded(start..<position)
        position += 1
        return text
      case UInt8(ascii: "\\"): return try stringWithEscapes(from: start)
      case 0..<0x20: throw fault("an escape in place of a control character")
      default: position += 1
      }
    }
    throw fault("the end of a string")
  }

  private mutating func stringWithEscapes(from start: Int) throws -> String {
    var text = try decoded(start..<position)
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return text
      case UInt8(ascii: "\\"): text.unicodeScalars.append(try escape())
      case 0..<0x20: throw fault("an escape in place of a control character")
      default:
        let run = position
        while position < bytes.count, bytes[position] >= 0x20, bytes[position] != UInt8(ascii: "\""),
          bytes[position] != UInt8(ascii: "\\")
        { position += 1 }
        text += try decoded(run..<position)
      }
    }
    throw fault("the end of a string")
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard position + 1 < bytes.count else { throw fault("an escape") }
    let letter = bytes[position + 1]
    position += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hexadecimal()
      return try Unicode.Scalar(unit) ?? secondHalf(of: unit)
    default:
      position -= 2
      throw fault("an escape")
    }
  }

  /// The scalar whose first half has been read; U+FFFD where the second does not follow and that is let pass.
  private mutating func secondHalf(of unit: UInt32) throws -> Unicode.Scalar {
    let end = position
    if unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 2
      let low = try hexadecimal()
      if 0xDC00..<0xE000 ~= low, let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)) {
        return scalar
      }
    }
    guard replacesHalves else { throw fault("a pair of surrogates") }
    // The escape that follows stands for itself.
    position = end
    halves += 1
    return "\u{FFFD}"
  }

  private mutating func hexadecimal() throws -> UInt32 {
    guard position + 4 <= bytes.count else { throw fault("four hexadecimal digits") }
    var unit: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw fault("four hexadecimal digits") }
      unit = unit << 4 | UInt32(digit)
    }
    position += 4
    return unit
  }

  private func decoded(_ range: Range<Int>) throws -> String {
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
      throw fault("valid UTF-8", found: "other bytes in the string that starts here", at: range.lowerBound)
    }
    return text
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private func fault(_ expected: String, found: String? = nil, at offset: Int? = nil) -> Fault {
    if let pointer = Fault.pointerOfGitLFS(bytes.prefix(32), file: file) { return pointer }
    let offset = min(offset ?? position, bytes.count)
    let before = bytes[..<offset]
    let line = before.reduce(into: 1) { $0 += $1 == 0x0A ? 1 : 0 }
    let column = offset - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
    let rest = bytes[offset..<min(offset + 16, bytes.count)]
    let shown = rest.isEmpty ? "the end of the file" : "\"\(String(decoding: rest, as: UTF8.self))\""
    return Fault(
      .badData, "json.invalid", "This is not valid JSON", file: file,
      place: "line \(line), column \(column) (byte \(offset))", expected: expected, found: found ?? shown)
  }
}
