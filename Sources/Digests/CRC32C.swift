import CKernels

/// CRC-32C (Castagnoli; RFC 3720) of bytes that come in pieces.
///
/// With the processor's own instruction, where it has it, above 10 GB/s.
public struct CRC32C: Sendable {
  /// The checksum of everything so far.
  public private(set) var value: UInt32 = 0

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = unfold_crc32c(value, base, bytes.count)
  }

  public mutating func update(_ bytes: some Sequence<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  /// The checksum in lower-case hexadecimal: eight characters.
  public func hexadecimal() -> String { Self.hexadecimal(value) }

  /// A checksum as files write it.
  public static func hexadecimal(_ value: UInt32) -> String {
    Digests.hexadecimal(withUnsafeBytes(of: value.bigEndian) { Array($0) })
  }
}
