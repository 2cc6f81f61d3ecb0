import CZlib
import Diagnostics
import Foundation

/// Writes `.npz` files: what `numpy.load` opens as a dictionary of arrays.
///
/// A zip archive with a `.npy` file a tensor, not compressed, as `numpy.savez` writes them.
public enum NumPyArchive {
  /// Writes tensors into one file, which appears under its name only when it is complete and on disk.
  ///
  /// - Throws: `Fault`: `file.tooLarge` where a zip archive cannot hold it, `file.cannotCreate` or `file.write`.
  /// - Precondition: The types are float32, float64, int32, int64, uint64 or float16; the names differ.
  public static func write(_ tensors: [SafetensorsWriter.Tensor], to url: URL) throws {
    try write(lent: tensors.map(\.lent), to: url)
  }

  /// The same for tensors that are only lent. Each is asked for its bytes twice, since a zip archive says an entry's
  /// checksum before its bytes.
  package static func write(lent tensors: [SafetensorsWriter.LentTensor], to url: URL) throws {
    let largest = tensors.reduce(0) { $0 + $1.byteCount + 2 * ($1.name.utf8.count + 256) }
    guard largest < Int(UInt32.max), tensors.count < Int(UInt16.max) else {
      throw Fault(
        .usage, "file.tooLarge", "This is too large for an .npz file", file: url.path, expected: "less than 4 GiB",
        found: "\(largest) bytes", advice: "write a .safetensors file")
    }
    try AtomicFile.write(to: url) { file in
      var directory = Bytes()
      var offset = 0
      for tensor in tensors {
        let name = Array("\(tensor.name).npy".utf8)
        let header = header(of: tensor)
        var checksum = header.withUnsafeBytes {
          crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, uInt(header.count))
        }
        try tensor.lend { body in
          // Without bytes, zlib would begin anew.
          guard !body.isEmpty else { return }
          checksum = crc32(checksum, body.bindMemory(to: UInt8.self).baseAddress, uInt(body.count))
        }
        let size = UInt32(header.count + tensor.byteCount)
        var entry = Bytes()
        entry.append(UInt32(0x0403_4B50))
        let common = Bytes(entry: name, checksum: UInt32(checksum), size: size)
        entry.values += common.values
        entry.values += name
        try (entry.values + header).withUnsafeBytes { try file.write($0) }
        var written = 0
        try tensor.lend { bytes in
          written += bytes.count
          try file.write(bytes)
        }
        precondition(written == tensor.byteCount, "\(tensor.name): \(written) bytes were lent")

        directory.append(UInt32(0x0201_4B50))
        directory.append(UInt16(20))
        directory.values += common.values
        for _ in 0..<3 { directory.append(UInt16(0)) }  // No comment, first disk, no attributes.
        directory.append(UInt32(0))
        directory.append(UInt32(offset))
        directory.values += name
        offset += entry.values.count + Int(size)
      }
      let length = directory.values.count
      directory.append(UInt32(0x0605_4B50))
      directory.append(UInt32(0))
      for _ in 0..<2 { directory.append(UInt16(tensors.count)) }
      directory.append(UInt32(length))
      directory.append(UInt32(offset))
      directory.append(UInt16(0))
      try directory.values.withUnsafeBytes { try file.write($0) }
    }
  }

  /// The header of a `.npy` file, version 1.0, padded so that the numbers begin at a multiple of 64.
  private static func header(of tensor: SafetensorsWriter.LentTensor) -> [UInt8] {
    let type =
      switch tensor.type {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int32: "<i4"
      case .int64: "<i8"
      case .uint64: "<u8"
      case .float16: "<f2"
      default: preconditionFailure("\(tensor.name): NumPy has no type \(tensor.type.rawValue)")
      }
    let shape = tensor.shape.map { "\($0)" }.joined(separator: ", ") + (tensor.shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }".utf8)
    text += Array(repeating: UInt8(ascii: " "), count: (64 - (text.count + 11) % 64) % 64) + [UInt8(ascii: "\n")]
    var bytes = Bytes()
    bytes.values = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.append(UInt16(text.count))
    return bytes.values + text
  }

  /// Numbers in a row, little-endian.
  private struct Bytes {
    var values: [UInt8] = []

    init() {}

    /// What an entry of the archive and its line in the directory have in common: not compressed, names in UTF-8, and the
    /// earliest date that there is, so that the same arrays give the same bytes.
    init(entry name: [UInt8], checksum: UInt32, size: UInt32) {
      append(UInt16(20))
      append(UInt16(1 << 11))
      append(UInt16(0))
      append(UInt32(0x0021_0000))
      append(checksum)
      append(size)
      append(size)
      append(UInt16(name.count))
      append(UInt16(0))
    }

    mutating func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { values += $0 }
    }
  }
}
