/// A map from byte strings to numbers: open addressing over one piece of memory.
///
/// Keys are compared byte by byte, so canonically equivalent strings stay apart. Lookups allocate nothing.
struct ByteStringTable: Sendable {
  /// Upper half: half of the key's hash; lower half: the entry's index plus one; 0: free.
  private var slots: [UInt64]
  private var mask: Int
  private var bytes: [UInt8] = []
  /// Where each entry's key begins in `bytes`; one more than there are entries.
  private var starts: [UInt32] = [0]
  private var values: [Int32] = []

  init(minimumCapacity: Int) {
    var size = 16
    while size < minimumCapacity * 2 { size *= 2 }
    slots = [UInt64](repeating: 0, count: size)
    mask = size - 1
    starts.reserveCapacity(minimumCapacity + 1)
    values.reserveCapacity(minimumCapacity)
    bytes.reserveCapacity(minimumCapacity * 8)
  }

  var count: Int { values.count }

  /// Sets the value of a key that is not there yet; returns the value that stands where it is.
  mutating func insert(_ key: UnsafeBufferPointer<UInt8>, _ value: Int32) -> Int32? {
    place(key, value).map { values[$0] }
  }

  /// Sets the value of a key, in place of the one before.
  mutating func set(_ key: UnsafeBufferPointer<UInt8>, _ value: Int32) {
    if let entry = place(key, value) { values[entry] = value }
  }

  /// Adds a key with a value, or gives the entry that holds the key already.
  private mutating func place(_ key: UnsafeBufferPointer<UInt8>, _ value: Int32) -> Int? {
    if (values.count + 1) * 2 > slots.count { grow() }
    let hash = Self.hash(key)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash >> 32 {
        let entry = Int(slots[slot] & 0xFFFF_FFFF) - 1
        if matches(entry, key) { return entry }
      }
      slot = (slot + 1) & mask
    }
    bytes.append(contentsOf: key)
    starts.append(UInt32(bytes.count))
    values.append(value)
    slots[slot] = (hash >> 32) << 32 | UInt64(values.count)
    return nil
  }

  /// The value of a key.
  func value(_ key: UnsafeBufferPointer<UInt8>) -> Int32? {
    let hash = Self.hash(key)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash >> 32 {
        let entry = Int(slots[slot] & 0xFFFF_FFFF) - 1
        if matches(entry, key) { return values[entry] }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  func value(_ key: [UInt8]) -> Int32? { key.withUnsafeBufferPointer { value($0) } }

  func value(_ key: String) -> Int32? {
    var key = key
    return key.withUTF8 { value($0) }
  }

  private func matches(_ entry: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = Int(starts[entry])
    guard Int(starts[entry + 1]) - start == key.count else { return false }
    return bytes.withUnsafeBufferPointer { bytes in
      for i in 0..<key.count where bytes[start + i] != key[i] { return false }
      return true
    }
  }

  private mutating func grow() {
    slots = [UInt64](repeating: 0, count: slots.count * 2)
    mask = slots.count - 1
    bytes.withUnsafeBufferPointer { bytes in
      for entry in values.indices {
        let key = UnsafeBufferPointer(rebasing: bytes[Int(starts[entry])..<Int(starts[entry + 1])])
        let hash = Self.hash(key)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = (hash >> 32) << 32 | UInt64(entry + 1)
      }
    }
  }

  /// Eight bytes at a time, each step a multiplication whose halves are folded together.
  @inline(__always) static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: key.count) &* 0x9E37_79B9_7F4A_7C15
    var position = 0
    guard let base = key.baseAddress.map({ UnsafeRawPointer($0) }) else { return mix(hash, 0) }
    while position + 8 <= key.count {
      hash = mix(hash, base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    var rest: UInt64 = 0
    while position < key.count {
      rest = rest << 8 | UInt64(key[position])
      position += 1
    }
    return mix(hash, rest)
  }

  @inline(__always) static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word ^ 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
  }
}
