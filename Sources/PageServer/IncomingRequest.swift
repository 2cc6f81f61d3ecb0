import Diagnostics

/// What a browser asks, before any of it is believed.
struct IncomingRequest: Sendable {
  var method: String
  /// As they stand in the request, percent-encoded: what is in front of the question mark, and behind it.
  var path: String
  var query = ""
  /// By their names in lower case.
  var headers: [String: String] = [:]
  /// What a form sent along.
  var body = ""

  /// The longest path and query that are looked at, in bytes.
  static let longestAddress = 1 << 16
  /// The longest form that is taken, in bytes.
  static let longestBody = 1 << 12

  subscript(header: String) -> String? { headers[header] }

  /// A cookie's value.
  func cookie(_ name: String) -> String? {
    for part in (self["cookie"] ?? "").split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2, pair[0].drop(while: { $0 == " " }) == name { return String(pair[1]) }
    }
    return nil
  }

  /// The parts of the path, decoded; of `/` none.
  /// - Throws: `server.badAddress`.
  func pathParts() throws -> [String] {
    guard path.utf8.count + query.utf8.count <= Self.longestAddress else {
      throw Fault(
        .usage, "server.tooLong", "This address is too long", expected: "at most \(Self.longestAddress) bytes",
        found: "\(path.utf8.count + query.utf8.count)", advice: "give a shorter text")
    }
    guard path.hasPrefix("/") else { throw FormText.badAddress("an address that begins with /", path) }
    let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 1, parts[0].isEmpty { return [] }
    return try parts.map { part in
      let text = try FormText.decode(part, plusIsSpace: false)
      guard !text.isEmpty, text != ".", text != "..", !text.contains("/"), !text.contains("\\") else {
        throw FormText.badAddress("the address of a page", path)
      }
      return text
    }
  }
}

/// Texts as forms send them.
enum FormText {
  /// The fields of a form.
  /// - Throws: `server.badAddress` where a field is there twice, or is no text.
  static func fields(_ text: String) throws -> [String: String] {
    var fields: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try decode(parts[0], plusIsSpace: true)
      guard fields.count < 32, fields[name] == nil else { throw badAddress("each field once", name) }
      fields[name] = parts.count > 1 ? try decode(parts[1], plusIsSpace: true) : ""
    }
    return fields
  }

  /// A text whose bytes stand as `%41`.
  /// - Throws: `server.badAddress` where the bytes are not UTF-8, or hold NUL.
  static func decode(_ text: some StringProtocol, plusIsSpace: Bool) throws -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
          throw badAddress("two hexadecimal digits behind each %", String(text))
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw badAddress("text in UTF-8", String(text))
    }
    return decoded
  }

  /// A text that may stand in an address.
  static func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = Array("0123456789ABCDEF")
        encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
    return encoded
  }

  static func badAddress(_ expected: String, _ found: String) -> Fault {
    Fault(
      .usage, "server.badAddress", "This address cannot be read", expected: expected, found: String(found.prefix(200)),
      advice: "use the forms of the overview")
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
