import Diagnostics
import StrictJSON

/// The metadata of a GGUF file: values by key, in the order of the file.
public struct GGUFMetadata: Sendable {
  /// Keys and values, in the order of the file; no key stands twice.
  public let entries: [(key: String, value: GGUFValue)]
  /// The file's path, for messages.
  public let file: String
  private let indices: [ExactString: Int]

  /// - Precondition: No key stands twice.
  init(_ entries: [(key: String, value: GGUFValue)], file: String) {
    self.entries = entries
    self.file = file
    indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { (ExactString($1.key), $0) })
  }

  /// The value of a key, compared by bytes. O(1).
  public subscript(key: String) -> GGUFValue? { indices[ExactString(key)].map { entries[$0].value } }

  /// The value of a key, to be read as what it must be; nil where there is none.
  public func optional(_ key: String) -> GGUFField? { self[key].map { GGUFField(value: $0, key: key, file: file) } }

  /// The value of a key, to be read as what it must be.
  /// - Throws: `Fault` named `checkpoints.metadataMissing` where there is none.
  public func required(_ key: String) throws -> GGUFField {
    guard let field = optional(key) else {
      throw Fault(
        .badData, "checkpoints.metadataMissing", "The file's metadata lacks a key", file: file,
        expected: "the key \"\(key)\"", found: "\(entries.count) other keys",
        advice: "convert or download the model again: it was written by an old or incomplete converter")
    }
    return field
  }
}

/// A value of a GGUF file's metadata with its file and key, so that every complaint about it says where it stands.
///
/// Every way of reading it throws a `Fault` named `checkpoints.metadata` where the value is of another type.
public struct GGUFField: Sendable {
  public let value: GGUFValue
  public let key: String
  /// The file's path.
  public let file: String

  /// An integer of any width; a float without a fractional part counts as one.
  public func integer() throws -> Int {
    switch value {
    case .integer(let value): return value
    case .number(let number):
      guard let value = Int(exactly: number) else { throw unexpected("an integer") }
      return value
    default: throw unexpected("an integer")
    }
  }

  /// A float, or an integer as the nearest one.
  public func number() throws -> Double {
    switch value {
    case .integer(let value): return Double(value)
    case .large(let value): return Double(value)
    case .number(let number): return number
    default: throw unexpected("a number")
    }
  }

  /// A boolean; integers do not count as one.
  public func bool() throws -> Bool {
    guard case .bool(let flag) = value else { throw unexpected("a boolean") }
    return flag
  }

  /// A string of valid UTF-8.
  public func string() throws -> String {
    guard case .string(let string) = value else { throw unexpected("a string") }
    guard let text = string.text else { throw unexpected("valid UTF-8", found: "other bytes: \(string.shown)") }
    return text
  }

  /// A string of any bytes.
  public func bytes() throws -> [UInt8] {
    guard case .string(let string) = value else { throw unexpected("a string") }
    return string.bytes
  }

  /// An array of any type, to be read element by element.
  public func array() throws -> GGUFArray {
    guard case .array(let array) = value else { throw unexpected("an array") }
    return array
  }

  /// An array of integers of any width.
  public func integers() throws -> [Int] {
    guard let (values, misfit) = try array().integers() else { throw unexpected("an array of integers") }
    if let misfit { throw unexpected("integers up to \(Int.max)", found: "a larger one at index \(misfit)") }
    return values
  }

  /// An array of floats or integers.
  public func numbers() throws -> [Double] {
    guard let values = try array().numbers() else { throw unexpected("an array of numbers") }
    return values
  }

  /// An array of booleans.
  public func bools() throws -> [Bool] {
    guard let values = try array().bools() else { throw unexpected("an array of booleans") }
    return values
  }

  /// An array of strings of valid UTF-8. About 0.1 µs a string.
  public func strings() throws -> [String] {
    let array = try strings(of: array())
    return try (0..<array.count).map { index in
      guard let text = array.withUnsafeBytes(ofString: index, { String(validating: $0, as: UTF8.self) }) else {
        let shown = GGUFString(bytes: array.withUnsafeBytes(ofString: index) { Array($0) }).shown
        throw unexpected("valid UTF-8", found: "other bytes at index \(index): \(shown)")
      }
      return text
    }
  }

  /// An array of strings of any bytes.
  public func byteStrings() throws -> [[UInt8]] {
    let array = try strings(of: array())
    return (0..<array.count).map { array.withUnsafeBytes(ofString: $0) { Array($0) } }
  }

  private func strings(of array: GGUFArray) throws -> GGUFArray {
    guard array.elementType == .string else { throw unexpected("an array of strings") }
    return array
  }

  /// A complaint about this value.
  public func unexpected(_ expected: String, found: String? = nil, advice: String? = nil) -> Fault {
    Fault(
      .badData, "checkpoints.metadata", "A value of the file's metadata is not what it must be", file: file,
      place: "key \(key)", expected: expected, found: found ?? description, advice: advice)
  }

  private var description: String {
    switch value {
    case .integer(let value): "\(value)"
    case .large(let value): "\(value)"
    case .number(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let value): value.shown
    case .array: value.kind
    }
  }
}
