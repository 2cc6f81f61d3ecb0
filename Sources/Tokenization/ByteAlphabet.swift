/// GPT-2's alphabet: a printable character for every byte, in which byte-level vocabularies are written.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 are numbered from U+0100 on, so that a space becomes "Ġ"
/// and a line feed "Ċ".
enum ByteAlphabet {
  /// The scalar that stands for each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (UInt32(0)...255).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte for each scalar below U+0144; 256 where there is none.
  static let bytes: [UInt16] = {
    var bytes = [UInt16](repeating: 256, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = UInt16(byte) }
    return bytes
  }()

  /// The byte that a scalar stands for, or nil for a scalar outside the alphabet.
  @inline(__always) static func byte(for scalar: UInt32) -> UInt8? {
    guard scalar < 0x144 else { return nil }
    return UInt8(exactly: bytes[Int(scalar)])
  }

  /// The bytes that a piece stands for, or nil where it holds a character outside the alphabet.
  static func bytes(of piece: some Sequence<Unicode.Scalar>) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in piece {
      guard let byte = byte(for: scalar.value) else { return nil }
      result.append(byte)
    }
    return result
  }
}
