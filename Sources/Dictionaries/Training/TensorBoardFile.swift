import Digests
import Foundation

/// A TensorBoard event file: scalars by step.
///
/// Records of a length (u64), its masked CRC-32C, a protocol-buffer message `Event` and its masked CRC-32C; the first
/// says `brain.Event:2` (tensorflow/core/lib/io/record_writer.h and util/event.proto).
package struct TensorBoardFile {
  private let file: AppendedFile

  /// Opens or makes the file; what lies beyond `length` is cut off.
  package init(_ url: URL, length: Int) throws {
    file = try AppendedFile(url, length: length)
    if file.length == 0 {
      var event = Message()
      event.double(1, Date().timeIntervalSince1970)
      event.bytes(3, Array("brain.Event:2".utf8))
      try file.append(Self.record(event.content))
    }
  }

  package var length: Int { file.length }

  package func append(_ scalars: [(tag: String, value: Double)], step: Int, time: Date = Date()) throws {
    var summary = Message()
    for (tag, value) in scalars {
      var scalar = Message()
      scalar.bytes(1, Array(tag.utf8))
      scalar.float(2, Float(value))
      summary.bytes(1, scalar.content)
    }
    var event = Message()
    event.double(1, time.timeIntervalSince1970)
    event.integer(2, UInt64(bitPattern: Int64(step)))
    event.bytes(5, summary.content)
    try file.append(Self.record(event.content))
  }

  package static func record(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(of: UInt64(data.count))
    return length + bytes(of: masked(length)) + data + bytes(of: masked(data))
  }

  private static func masked(_ data: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(data)
    let value = checksum.value
    return (value >> 15 | value << 17) &+ 0xa282_ead8
  }

  private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// The wire format of protocol buffers, as far as events need it.
  private struct Message {
    var content: [UInt8] = []

    mutating func varint(_ value: UInt64) {
      var rest = value
      while rest >= 0x80 {
        content.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
      }
      content.append(UInt8(rest))
    }

    mutating func integer(_ field: UInt64, _ value: UInt64) {
      varint(field << 3)
      varint(value)
    }

    mutating func double(_ field: UInt64, _ value: Double) {
      varint(field << 3 | 1)
      content += TensorBoardFile.bytes(of: value.bitPattern)
    }

    mutating func float(_ field: UInt64, _ value: Float) {
      varint(field << 3 | 5)
      content += TensorBoardFile.bytes(of: value.bitPattern)
    }

    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
      varint(field << 3 | 2)
      varint(UInt64(value.count))
      content += value
    }
  }
}
