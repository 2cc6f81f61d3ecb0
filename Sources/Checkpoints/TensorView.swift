import Diagnostics
import Foundation

/// One tensor of a mapped file: its name, type and shape, and its bytes where they lie.
///
/// The bytes are row-major and little-endian. They need not be aligned to the element's size.
public struct TensorView: Sendable {
  public let name: String
  public let type: ElementType
  /// The length of each axis, outermost first; empty for a scalar. A length may be zero.
  public let shape: [Int]
  public let file: MappedFile
  /// Where the tensor lies in the file.
  public let range: Range<Int>

  /// The number of elements.
  public var count: Int { range.count / type.size }

  /// Lends the tensor's bytes; the pointer is valid within `body` alone.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Tells the system how the tensor's bytes will be used next.
  public func advise(_ access: MappedFile.Access) { file.advise(access, on: range) }

  /// The elements as float32, converted one by one: for small tensors and tests, since large ones have faster ways.
  /// - Throws: `Fault` named `checkpoints.elementType` where the elements are not floating-point numbers of 16 to 64 bits.
  public func floats() throws -> [Float] {
    let size = type.size
    let count = count
    return try withUnsafeBytes { bytes in
      switch type {
      case .float32:
        return (0..<count).map {
          Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: UInt32.self)))
        }
      case .float64:
        return (0..<count).map {
          Float(
            Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: UInt64.self))))
        }
      case .bfloat16:
        return (0..<count).map {
          let bits = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: UInt16.self))
          return Float(bitPattern: UInt32(bits) << 16)
        }
      case .float16:
        return (0..<count).map {
          float(
            fromHalf: UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: UInt16.self)))
        }
      default:
        throw Fault(
          .badData, "checkpoints.elementType", "This tensor does not hold floating-point numbers that can be read",
          file: file.url.path, place: "tensor \(name)", expected: "F64, F32, F16 or BF16", found: type.rawValue)
      }
    }
  }
}

/// The value of an IEEE 754 half-precision number, exactly. (`Float16` does not exist on every platform.)
package func float(fromHalf bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10 & 0x1F)
  let fraction = UInt32(bits & 0x3FF)
  switch exponent {
  case 0:
    // Zero and subnormal numbers: fraction · 2⁻²⁴.
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}
