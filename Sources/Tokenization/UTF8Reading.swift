/// Reading of scalars from valid UTF-8.
///
/// Every text is validated before it comes here (a `String` always is), so that these need not look for errors.
enum UTF8Reading {
  /// The number of bytes of the scalar that begins with this byte.
  @inline(__always) static func length(_ first: UInt8) -> Int {
    if first < 0x80 { return 1 }
    if first < 0xE0 { return 2 }
    return first < 0xF0 ? 3 : 4
  }

  /// The scalar at `position` and the position after it.
  @inline(__always) static func scalar(_ bytes: UnsafePointer<UInt8>, _ position: Int) -> (value: UInt32, end: Int) {
    let first = UInt32(bytes[position])
    if first < 0x80 { return (first, position + 1) }
    let second = UInt32(bytes[position + 1] & 0x3F)
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, position + 2) }
    let third = UInt32(bytes[position + 2] & 0x3F)
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, position + 3) }
    let fourth = UInt32(bytes[position + 3] & 0x3F)
    return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, position + 4)
  }

  /// Where the scalar that ends before `position` begins.
  @inline(__always) static func previous(_ bytes: UnsafePointer<UInt8>, _ position: Int) -> Int {
    var start = position - 1
    while bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// Whether a byte is the second, third or fourth of its scalar.
  @inline(__always) static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  /// Appends a scalar's bytes and returns their number.
  @inline(__always) @discardableResult static func append(_ scalar: UInt32, to bytes: inout [UInt8]) -> Int {
    switch scalar {
    case 0..<0x80:
      bytes.append(UInt8(truncatingIfNeeded: scalar))
      return 1
    case 0x80..<0x800:
      bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
      return 2
    case 0x800..<0x10000:
      bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
      return 3
    default:
      bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
      return 4
    }
  }
}

extension UTF8Reading {
  /// The offset of the first byte that is not part of valid UTF-8.
  static func firstInvalid(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    var position = 0
    while position < bytes.count {
      let first = bytes[position]
      if first < 0x80 {
        position += 1
        continue
      }
      let length: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch first {
      case 0xC2...0xDF: length = 2
      case 0xE0: (length, low) = (3, 0xA0)
      case 0xED: (length, high) = (3, 0x9F)
      case 0xE1...0xEF: length = 3
      case 0xF0: (length, low) = (4, 0x90)
      case 0xF1...0xF3: length = 4
      case 0xF4: (length, high) = (4, 0x8F)
      default: return position
      }
      guard position + length <= bytes.count, bytes[position + 1] >= low, bytes[position + 1] <= high else {
        return position
      }
      for i in 2..<max(2, length) where !isContinuation(bytes[position + i]) { return position }
      position += length
    }
    return nil
  }
}
