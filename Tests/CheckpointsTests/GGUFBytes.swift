/// The bytes of a GGUF file that may break any rule.
struct GGUFBytes {
  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  /// Where set, what the header says instead of the true number.
  var tensorCount: UInt64?
  var keyCount: UInt64?
  var keys: [[UInt8]] = []
  var tensors: [[UInt8]] = []
  var alignment = 32
  /// Bytes behind the padded header.
  var data = 0

  static func number<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func string(_ bytes: [UInt8], length: UInt64? = nil) -> [UInt8] {
    number(length ?? UInt64(bytes.count)) + bytes
  }

  static func string(_ text: String, length: UInt64? = nil) -> [UInt8] { string(Array(text.utf8), length: length) }

  static func key(_ name: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] { string(name) + number(type) + value }

  static func integer(_ name: String, _ value: UInt32) -> [UInt8] { key(name, 4, number(value)) }

  static func text(_ name: String, _ value: String) -> [UInt8] { key(name, 8, string(value)) }

  static func array(_ name: String, of type: UInt32, count: UInt64, _ elements: [UInt8]) -> [UInt8] {
    key(name, 9, number(type) + number(count) + elements)
  }

  static func strings(_ name: String, _ values: [String]) -> [UInt8] {
    array(name, of: 8, count: UInt64(values.count), values.flatMap { string($0) })
  }

  /// A tensor's entry; the lengths innermost first.
  static func tensor(
    _ name: String, _ lengths: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, axes: UInt32? = nil
  ) -> [UInt8] {
    string(name) + number(axes ?? UInt32(lengths.count)) + lengths.flatMap { number($0) } + number(type)
      + number(offset)
  }

  var bytes: [UInt8] {
    var result = magic + Self.number(version)
    result += Self.number(tensorCount ?? UInt64(tensors.count)) + Self.number(keyCount ?? UInt64(keys.count))
    result += keys.flatMap { $0 } + tensors.flatMap { $0 }
    if data > 0 || !tensors.isEmpty {
      result += Array(repeating: 0, count: (alignment - result.count % alignment) % alignment)
    }
    return result + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
  }
}
