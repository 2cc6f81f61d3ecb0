import Diagnostics
import Foundation

/// Writes small GGUF files, version 3, of float32 tensors.
public enum GGUFWriter {
  /// A value of the metadata.
  public enum Value: Sendable, Equatable {
    case string(String)
    case integer(UInt32)
  }

  /// A tensor of float32 elements.
  public struct Tensor: Sendable {
    public let name: String
    /// Outermost first, as in `TensorView`.
    public let shape: [Int]
    public let floats: [Float]

    /// - Precondition: As many elements as the shape says.
    public init(name: String, shape: [Int], floats: [Float]) {
      precondition(shape.reduce(1, *) == floats.count, "\(name): \(floats.count) elements of shape \(shape)")
      self.name = name
      self.shape = shape
      self.floats = floats
    }
  }

  /// What the data of each tensor begins at a multiple of, in bytes; the format's own default.
  static let alignment = 32

  /// Writes metadata and tensors into one file, which appears under its name only when it is complete and on disk.
  ///
  /// Keys and tensors lie in the order given; the same input gives the same bytes.
  /// - Precondition: No key and no tensor's name stands twice.
  /// - Throws: `Fault`: `file.cannotCreate` or `file.write`.
  public static func write(_ tensors: [Tensor], metadata: [(key: String, value: Value)], to url: URL) throws {
    var bytes = Array(GGUFHeader.magic)
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    func append(_ text: String) {
      append(UInt64(text.utf8.count))
      bytes.append(contentsOf: text.utf8)
    }
    func pad() { bytes += [UInt8](repeating: 0, count: (alignment - bytes.count % alignment) % alignment) }

    append(UInt32(3))
    append(UInt64(tensors.count))
    append(UInt64(metadata.count))
    for (key, value) in metadata {
      append(key)
      switch value {
      case .string(let text):
        append(GGUFType.string.rawValue)
        append(text)
      case .integer(let number):
        append(GGUFType.uint32.rawValue)
        append(number)
      }
    }
    var offset: UInt64 = 0
    for tensor in tensors {
      append(tensor.name)
      append(UInt32(tensor.shape.count))
      for length in tensor.shape.reversed() { append(UInt64(length)) }
      append(UInt32(0))  // F32
      append(offset)
      offset += UInt64((tensor.floats.count * 4 + alignment - 1) / alignment * alignment)
    }
    for tensor in tensors {
      pad()
      for value in tensor.floats { append(value.bitPattern) }
    }
    pad()
    try AtomicFile.write(to: url) { file in try bytes.withUnsafeBytes { try file.write($0) } }
  }
}
