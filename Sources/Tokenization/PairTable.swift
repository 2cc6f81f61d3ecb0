/// The merges of a byte-pair vocabulary: for a pair of ids, the merge's rank and the id of what it makes.
///
/// Open addressing with linear probing, at most six tenths full, key and value side by side in one cache line.
struct PairTable: Sendable {
  /// Alternately a key (left id << 32 | right id) and a value (rank << 32 | merged id).
  private var slots: [UInt64]
  private var mask: Int
  private var shift: UInt64
  private(set) var count = 0

  static let free = UInt64.max
  /// What `value` gives where a pair does not merge: a rank greater than every other.
  static let none = UInt64.max

  init(minimumCapacity: Int) {
    var bits: UInt64 = 4
    while (1 << bits) * 6 < minimumCapacity * 10 { bits += 1 }
    slots = [UInt64](repeating: Self.free, count: 2 << Int(bits))
    mask = (1 << Int(bits)) - 1
    shift = 64 - bits
  }

  @inline(__always) static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Sets a pair's merge; the last of several for one pair holds, as in Hugging Face's reader.
  mutating func set(_ left: Int32, _ right: Int32, rank: UInt32, merged: Int32) {
    let key = Self.key(left, right)
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[2 * slot] != Self.free, slots[2 * slot] != key { slot = (slot + 1) & mask }
    if slots[2 * slot] == Self.free { count += 1 }
    precondition(count <= mask, "more merges than the table was made for")
    slots[2 * slot] = key
    slots[2 * slot + 1] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merged))
  }

  /// Whether a pair has no merge yet.
  func isFree(_ left: Int32, _ right: Int32) -> Bool {
    withPointers { $0.value(left, right) == Self.none }
  }

  /// A view for loops, which holds while `body` runs.
  func withPointers<R>(_ body: (PairTablePointers) throws -> R) rethrows -> R {
    try slots.withUnsafeBufferPointer { slots in
      guard let base = slots.baseAddress else { preconditionFailure("empty table") }
      return try body(PairTablePointers(slots: base, mask: mask, shift: shift))
    }
  }
}

/// The pair table as pointers.
struct PairTablePointers {
  let slots: UnsafePointer<UInt64>
  let mask: Int
  let shift: UInt64

  /// Rank << 32 | merged id, or `PairTable.none`.
  @inline(__always) func value(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = PairTable.key(left, right)
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while true {
      let found = slots[2 * slot]
      if found == key { return slots[2 * slot + 1] }
      if found == PairTable.free { return PairTable.none }
      slot = (slot + 1) & mask
    }
  }
}
