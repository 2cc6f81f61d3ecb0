/// An array of a GGUF file's metadata, read where it lies: a vocabulary costs nothing until it is asked for.
public struct GGUFArray: Sendable {
  /// Never an array.
  public let elementType: GGUFType
  /// The number of elements.
  public let count: Int
  let file: MappedFile
  /// Where the elements lie in the file.
  let range: Range<Int>
  /// Where each string begins, its length of 8 bytes first; empty of other types.
  let starts: [Int]

  /// The element at an index. O(1), or O(length) of a string.
  /// - Precondition: The index lies in 0..<`count`.
  public subscript(index: Int) -> GGUFValue {
    precondition(index >= 0 && index < count, "element \(index) of \(count)")
    guard let size = elementType.size else {
      return .string(GGUFString(bytes: withUnsafeBytes(ofString: index) { Array($0) }))
    }
    return file.withUnsafeBytes { bytes in
      // The header's check has found all elements within the file.
      bytes.baseAddress.map { GGUFValue(elementType, at: $0 + range.lowerBound + index * size) } ?? .integer(0)
    }
  }

  /// Lends a string's bytes; the pointer is valid within `body` alone.
  /// - Precondition: An array of strings, and an index in 0..<`count`.
  public func withUnsafeBytes<R>(ofString index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let start = starts[index] + 8
    let end = index + 1 < count ? starts[index + 1] : range.upperBound
    return try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }

  /// The elements of fixed size, converted one by one; the first index whose element has no place in the result.
  private func converted<Stored: FixedWidthInteger & BitwiseCopyable, T>(
    _: Stored.Type, _ convert: (Stored) -> T?
  ) -> (values: [T], firstMisfit: Int?) {
    var values: [T] = []
    values.reserveCapacity(count)
    let size = MemoryLayout<Stored>.size
    return file.withUnsafeBytes { bytes in
      for index in 0..<count {
        let stored = bytes.loadUnaligned(fromByteOffset: range.lowerBound + index * size, as: Stored.self)
        guard let value = convert(Stored(littleEndian: stored)) else { return (values, index) }
        values.append(value)
      }
      return (values, nil)
    }
  }

  /// The elements as integers; nil of other types. Ends before the first element beyond `Int`.
  func integers() -> (values: [Int], firstMisfit: Int?)? {
    switch elementType {
    case .uint8: converted(UInt8.self) { Int($0) }
    case .int8: converted(Int8.self) { Int($0) }
    case .uint16: converted(UInt16.self) { Int($0) }
    case .int16: converted(Int16.self) { Int($0) }
    case .uint32: converted(UInt32.self) { Int($0) }
    case .int32: converted(Int32.self) { Int($0) }
    case .int64: converted(Int64.self) { Int($0) }
    case .uint64: converted(UInt64.self) { Int(exactly: $0) }
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The elements as numbers; nil of types that are none.
  func numbers() -> [Double]? {
    switch elementType {
    case .float32: converted(UInt32.self) { Double(Float(bitPattern: $0)) }.values
    case .float64: converted(UInt64.self) { Double(bitPattern: $0) }.values
    case .uint64: converted(UInt64.self) { Double($0) }.values
    default: integers().map { $0.values.map(Double.init) }
    }
  }

  /// The elements as booleans; nil of other types.
  func bools() -> [Bool]? { elementType == .bool ? converted(UInt8.self) { $0 != 0 }.values : nil }
}
