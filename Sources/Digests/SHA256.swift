import CKernels

/// SHA-256 (FIPS 180-4) of bytes that come in pieces.
///
/// With the processor's own instructions, where it has them, about 1.5 GB/s.
public struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Fewer than 64 bytes that wait for a whole block.
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length &+= UInt64(bytes.count)
    var rest = bytes
    if !pending.isEmpty {
      let taken = min(64 - pending.count, rest.count)
      pending.append(contentsOf: rest.prefix(taken))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken))
      if pending.count == 64 {
        pending.withUnsafeBytes { Self.compress(&state, $0, blocks: 1) }
        pending.removeAll(keepingCapacity: true)
      }
    }
    let blocks = rest.count / 64
    Self.compress(&state, rest, blocks: blocks)
    pending.append(contentsOf: rest.dropFirst(64 * blocks))
  }

  public mutating func update(_ bytes: some Sequence<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  public mutating func update(_ text: String) {
    update(text.utf8)
  }

  /// The 32 bytes of the digest of everything so far; more may follow.
  public func digest() -> [UInt8] {
    var state = state
    var last = pending + [0x80]
    last.append(contentsOf: repeatElement(0, count: (120 - last.count) % 64))
    withUnsafeBytes(of: (length &* 8).bigEndian) { last.append(contentsOf: $0) }
    last.withUnsafeBytes { Self.compress(&state, $0, blocks: last.count / 64) }
    return state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
  }

  /// The digest in lower-case hexadecimal: 64 characters.
  public func hexadecimal() -> String { Digests.hexadecimal(digest()) }

  /// The digest of bytes that are all there, in lower-case hexadecimal.
  public static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexadecimal()
  }

  private static func compress(_ state: inout [UInt32], _ bytes: UnsafeRawBufferPointer, blocks: Int) {
    guard blocks > 0, let base = bytes.baseAddress else { return }
    state.withUnsafeMutableBufferPointer { unfold_sha256($0.baseAddress, base, blocks) }
  }
}

/// Bytes in lower-case hexadecimal.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
