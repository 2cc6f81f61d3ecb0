/// A JSON document as it was written: members keep their order and their exact bytes.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without fraction or exponent that fits `Int`.
  case integer(Int)
  case number(Double)
  /// A number that is no `integer`, as it was written; only where the parser was asked for it.
  case decimal(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The word for this kind of value in messages.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number, .decimal: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object, in the order of the file. No key stands twice.
public struct JSONObject: Sendable, Equatable {
  public struct Member: Sendable, Equatable {
    public let key: String
    public let value: JSONValue

    public static func == (a: Self, b: Self) -> Bool {
      ExactString(a.key) == ExactString(b.key) && a.value == b.value
    }
  }

  public let members: [Member]

  init(members: [Member]) { self.members = members }

  /// - Precondition: No key stands twice.
  package init(_ members: [(key: String, value: JSONValue)]) {
    precondition(Set(members.map { ExactString($0.key) }).count == members.count, "a key stands twice")
    self.members = members.map { Member(key: $0.key, value: $0.value) }
  }

  /// The value of a key whose UTF-8 bytes equal `key`'s, found by a linear search.
  public subscript(key: String) -> JSONValue? {
    let wanted = ExactString(key)
    return members.first { ExactString($0.key) == wanted }?.value
  }
}
