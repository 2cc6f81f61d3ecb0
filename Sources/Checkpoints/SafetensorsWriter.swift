import Diagnostics
import Foundation

/// Writes safetensors files.
public enum SafetensorsWriter {
  /// A tensor to be written: row-major, little-endian bytes.
  public struct Tensor: Sendable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    public let bytes: [UInt8]

    /// - Precondition: A type of safetensors, and as many bytes as the shape and the type need.
    public init(name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
      precondition(!type.isQuantized, "\(name): safetensors has no type \(type.rawValue)")
      precondition(
        shape.allSatisfy { $0 >= 0 } && shape.reduce(type.size, *) == bytes.count,
        "\(name): \(bytes.count) bytes for shape \(shape) of \(type.rawValue)")
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }

    /// A tensor of float32 elements.
    public init(name: String, shape: [Int], floats: [Float]) {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(floats.count * 4)
      for value in floats { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
      self.init(name: name, type: .float32, shape: shape, bytes: bytes)
    }

    var lent: LentTensor {
      LentTensor(name: name, type: type, shape: shape) { try bytes.withUnsafeBytes($0) }
    }
  }

  /// Writes tensors and metadata into one file, which appears under its name only when it is complete and on disk.
  ///
  /// The tensors lie in the order given; the same input gives the same bytes.
  /// - Precondition: The names differ from each other and from `__metadata__`.
  /// - Throws: `Fault`: `file.cannotCreate` or `file.write`.
  public static func write(_ tensors: [Tensor], metadata: [String: String] = [:], to url: URL) throws {
    try write(lent: tensors.map(\.lent), metadata: metadata, to: url)
  }

  /// A tensor whose bytes are written from where they lie, without a copy.
  package struct LentTensor {
    package let name: String
    package let type: ElementType
    package let shape: [Int]
    /// Calls its argument with the bytes, in one piece or several; in all as many as the shape and the type need.
    package let lend: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    package var byteCount: Int { shape.reduce(type.size, *) }

    package init(
      name: String, type: ElementType, shape: [Int],
      lend: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      self.name = name
      self.type = type
      self.shape = shape
      self.lend = lend
    }
  }

  /// The same for tensors that are only lent; one after another is asked for its bytes.
  package static func write(lent tensors: [LentTensor], metadata: [String: String] = [:], to url: URL) throws {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for tensor in tensors {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = offset + tensor.shape.reduce(tensor.type.size, *)
      members.append(
        "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    // Spaces up to a multiple of 8, so that the data begins aligned.
    header += Array(repeating: 0x20, count: (8 - header.count % 8) % 8)
    try AtomicFile.write(to: url) { file in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
      try header.withUnsafeBytes { try file.write($0) }
      for tensor in tensors {
        var written = 0
        try tensor.lend { bytes in
          written += bytes.count
          try file.write(bytes)
        }
        precondition(written == tensor.byteCount, "\(tensor.name): \(written) bytes were lent")
      }
    }
  }

  /// A JSON string (RFC 8259) of any text.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
