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
  /// Where the tensor lies in the file; its scales, where they are stored apart, are not in it.
  public let range: Range<Int>
  /// The scales that a safetensors file holds in a tensor of their own, where it does.
  public let scales: TensorScales?

  init(
    name: String, type: ElementType, shape: [Int], file: MappedFile, range: Range<Int>, scales: TensorScales? = nil
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.file = file
    self.range = range
    self.scales = scales
  }

  /// The number of elements.
  public var count: Int {
    if case .exponents? = scales?.layout { return range.count * 2 }
    return range.count / type.size * type.blockLength
  }

  /// The size of the tensor in its files in bytes, its scales included.
  public var byteCount: Int { range.count + (scales?.range.count ?? 0) }

  /// Lends the tensor's bytes as they are stored; the pointer is valid within `body` alone.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Tells the system how the tensor's bytes will be used next.
  public func advise(_ access: MappedFile.Access) {
    file.advise(access, on: range)
    if let scales { scales.file.advise(access, on: scales.range) }
  }

  /// The elements as float32: the whole tensor in memory.
  /// - Throws: `Fault` named `checkpoints.elementType` where the elements are no floating-point or block type.
  public func floats() throws -> [Float] {
    guard type.isFloatingPoint else {
      throw Fault(
        .badData, "checkpoints.elementType", "This tensor does not hold floating-point numbers that can be read",
        file: file.url.path, place: "tensor \(name)",
        expected: ElementType.allCases.filter(\.isFloatingPoint).map(\.rawValue).joined(separator: ", "),
        found: type.rawValue)
    }
    let count = count
    return Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      if let start = buffer.baseAddress { read(0..<count, into: start) }
      initialized = count
    }
  }
}

/// Scales that are stored apart from the elements that they multiply.
public struct TensorScales: Sendable {
  /// The name of the tensor that holds them.
  public let name: String
  public let layout: Layout
  let file: MappedFile
  let range: Range<Int>

  /// Which elements share a scale.
  public enum Layout: Sendable, Equatable {
    /// Tiles of a matrix (the last two axes of the tensor): F32, F16 or BF16 scales, [..., ⌈rows / tile rows⌉,
    /// ⌈columns / tile columns⌉].
    case tiles(rows: Int, columns: Int, type: ElementType)
    /// Runs of 32 elements: a power of two each, stored as one byte (E8M0).
    case exponents
  }
}
