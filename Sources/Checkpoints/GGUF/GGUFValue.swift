/// The types of values that a GGUF file's metadata may have, with the format's numbers
/// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
public enum GGUFType: UInt32, Sendable {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// The size in bytes of a value, or nil where it varies.
  var size: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The word for a value of this type in messages.
  var word: String {
    switch self {
    case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: "an integer"
    case .float32, .float64: "a number"
    case .bool: "a boolean"
    case .string: "a string"
    case .array: "an array"
    }
  }
}

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable {
  /// An integer of any width that fits `Int`.
  case integer(Int)
  /// An unsigned integer beyond `Int`.
  case large(UInt64)
  /// A float of 32 or 64 bits.
  case number(Double)
  case bool(Bool)
  case string(GGUFString)
  case array(GGUFArray)

  /// The word for this kind of value in messages.
  public var kind: String {
    switch self {
    case .integer, .large: "an integer"
    case .number: "a number"
    case .bool: "a boolean"
    case .string: "a string"
    case .array(let array): "an array of \(array.count), each \(array.elementType.word)"
    }
  }

  /// Reads a value of fixed size.
  /// - Precondition: The type is neither `string` nor `array`, and the bytes are there.
  init(_ type: GGUFType, at place: UnsafeRawPointer) {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T {
      T(littleEndian: place.loadUnaligned(as: T.self))
    }
    switch type {
    case .uint8: self = .integer(Int(load(UInt8.self)))
    case .int8: self = .integer(Int(load(Int8.self)))
    case .uint16: self = .integer(Int(load(UInt16.self)))
    case .int16: self = .integer(Int(load(Int16.self)))
    case .uint32: self = .integer(Int(load(UInt32.self)))
    case .int32: self = .integer(Int(load(Int32.self)))
    case .int64: self = .integer(Int(load(Int64.self)))
    case .uint64:
      let value = load(UInt64.self)
      self = Int(exactly: value).map { .integer($0) } ?? .large(value)
    case .float32: self = .number(Double(Float(bitPattern: load(UInt32.self))))
    case .float64: self = .number(Double(bitPattern: load(UInt64.self)))
    case .bool: self = .bool(load(UInt8.self) != 0)
    case .string, .array: preconditionFailure("a \(type) has no fixed size")
    }
  }
}

/// A string as a GGUF file holds it: bytes that are usually, but not always, UTF-8.
public struct GGUFString: Sendable, Hashable {
  /// The string's bytes as they stand in the file.
  public let bytes: [UInt8]

  /// The text, or nil where the bytes are not valid UTF-8.
  public var text: String? { String(validating: bytes, as: UTF8.self) }

  /// The text for messages, cut to 80 characters.
  var shown: String { "\"\(String(decoding: bytes.prefix(320), as: UTF8.self).prefix(80))\"" }
}
