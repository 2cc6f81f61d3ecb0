import Diagnostics

/// A value of a JSON document together with its file and key path, so that every complaint about it says where it stands.
public struct JSONReader: Sendable {
  public let value: JSONValue
  public let file: String
  /// Such as `rope_scaling.factor` or `merges[3]`; empty for the whole document.
  public let path: String

  public init(_ value: JSONValue, file: String, path: String = "") {
    self.value = value
    self.file = file
    self.path = path
  }

  /// The member of an object, or nil where it is absent or null.
  /// - Throws: `Fault` named `json.unexpected` where this value is no object.
  public func optional(_ key: String) throws -> JSONReader? {
    guard case .object(let object) = value else { throw unexpected("an object") }
    guard let member = object[key], member != .null else { return nil }
    return JSONReader(member, file: file, path: path.isEmpty ? key : "\(path).\(key)")
  }

  /// The member of an object.
  /// - Throws: `Fault` named `json.missing` where it is absent or null.
  public func required(_ key: String) throws -> JSONReader {
    guard let member = try optional(key) else {
      throw Fault(
        .badData, "json.missing", "A required key is missing", file: file, place: path.isEmpty ? nil : path,
        expected: "the key \"\(key)\"", found: "no such key")
    }
    return member
  }

  public func string() throws -> String {
    guard case .string(let text) = value else { throw unexpected("a string") }
    return text
  }

  public func bool() throws -> Bool {
    guard case .bool(let flag) = value else { throw unexpected("true or false") }
    return flag
  }

  /// An integer; a number without a fractional part (`4.0`) counts as one.
  public func integer() throws -> Int {
    if case .integer(let integer) = value { return integer }
    guard let number = finite, let integer = Int(exactly: number) else { throw unexpected("an integer") }
    return integer
  }

  public func number() throws -> Double {
    guard let number = finite else { throw unexpected("a number") }
    return number
  }

  private var finite: Double? {
    switch value {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    case .decimal(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
    default: nil
    }
  }

  public func array() throws -> [JSONReader] {
    guard case .array(let elements) = value else { throw unexpected("an array") }
    return elements.enumerated().map { JSONReader($1, file: file, path: "\(path)[\($0)]") }
  }

  /// The members of an object in the file's order.
  public func members() throws -> [(key: String, value: JSONReader)] {
    guard case .object(let object) = value else { throw unexpected("an object") }
    return object.members.map {
      ($0.key, JSONReader($0.value, file: file, path: path.isEmpty ? $0.key : "\(path).\($0.key)"))
    }
  }

  /// A complaint about this value.
  public func unexpected(_ expected: String, found: String? = nil, advice: String? = nil) -> Fault {
    Fault(
      .badData, "json.unexpected", "A value is not what it must be", file: file,
      place: path.isEmpty ? "the whole document" : path, expected: expected, found: found ?? description,
      advice: advice)
  }

  private var description: String {
    switch value {
    case .bool(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .decimal(let text): String(text.prefix(80))
    case .string(let text): "\"\(text.prefix(80))\""
    default: value.kind
    }
  }
}
