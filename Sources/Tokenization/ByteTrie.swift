/// Byte strings that share their beginnings: one walk along a text finds every key that it begins with.
///
/// The edges lie in one open-addressed table at most half full, eight bytes an edge.
struct ByteTrie: Sendable {
  /// More nodes are refused: sixteen times those of the largest vocabulary in use.
  static let maximumNodes = 1 << 24

  /// Upper half: node << 8 | byte; lower half: the child. A free slot is 0, since no edge leads to the root.
  private var slots = [UInt64](repeating: 0, count: 1024)
  private var mask = 1023
  /// For each node, the value of the key that ends there, or −1.
  private var values: [Int32] = [-1]

  /// Sets a key's value in place of the one before; false where the trie is full.
  mutating func insert(_ key: some Sequence<UInt8>, _ value: Int32) -> Bool {
    var node = 0
    for byte in key {
      let edge = UInt64(node) << 8 | UInt64(byte)
      var slot = Self.slot(edge, mask)
      while slots[slot] != 0, slots[slot] >> 32 != edge { slot = (slot + 1) & mask }
      if slots[slot] == 0 {
        guard values.count < Self.maximumNodes else { return false }
        slots[slot] = edge << 32 | UInt64(values.count)
        node = values.count
        values.append(-1)
        if values.count * 2 > slots.count { grow() }
      } else {
        node = Int(slots[slot] & 0xFFFF_FFFF)
      }
    }
    values[node] = value
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    mask = slots.count - 1
    for entry in old where entry != 0 {
      var slot = Self.slot(entry >> 32, mask)
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = entry
    }
  }

  @inline(__always) private static func slot(_ edge: UInt64, _ mask: Int) -> Int {
    Int(truncatingIfNeeded: (edge &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }

  /// Calls `found` with the end and the value of every key that begins at `start`, shortest first.
  @inline(__always) func prefixes(
    of bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ found: (_ end: Int, _ value: Int32) -> Void
  ) {
    slots.withUnsafeBufferPointer { slots in
      values.withUnsafeBufferPointer { values in
        var node = 0
        var position = start
        while position < bytes.count {
          let edge = UInt64(node) << 8 | UInt64(bytes[position])
          var slot = Self.slot(edge, mask)
          while slots[slot] != 0, slots[slot] >> 32 != edge { slot = (slot + 1) & mask }
          if slots[slot] == 0 { return }
          node = Int(slots[slot] & 0xFFFF_FFFF)
          position += 1
          if values[node] >= 0 { found(position, values[node]) }
        }
      }
    }
  }
}
