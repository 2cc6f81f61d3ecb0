#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The tokens of one word: ids, and how many bytes of the word each stands for.
///
/// A length below 0 says that the token after has the same place: several tokens for one stretch of text.
struct WordTokens {
  private(set) var capacity = 256
  private(set) var ids: UnsafeMutablePointer<Int32>
  private(set) var lengths: UnsafeMutablePointer<Int32>
  var count = 0

  init() {
    ids = .allocate(capacity: capacity)
    lengths = .allocate(capacity: capacity)
  }

  func deallocate() {
    ids.deallocate()
    lengths.deallocate()
  }

  @inline(__always) mutating func reserve(_ wanted: Int) {
    if wanted > capacity { grow(wanted) }
  }

  private mutating func grow(_ wanted: Int) {
    let newCapacity = max(wanted, capacity * 2)
    let newIDs = UnsafeMutablePointer<Int32>.allocate(capacity: newCapacity)
    let newLengths = UnsafeMutablePointer<Int32>.allocate(capacity: newCapacity)
    newIDs.update(from: ids, count: count)
    newLengths.update(from: lengths, count: count)
    deallocate()
    (ids, lengths, capacity) = (newIDs, newLengths, newCapacity)
  }

  @inline(__always) mutating func append(_ id: Int32, length: Int) {
    reserve(count + 1)
    ids[count] = id
    lengths[count] = Int32(truncatingIfNeeded: length)
    count += 1
  }
}

/// The tokens of a document as they come: ids, and the bytes of the document each came from.
struct TokenSink {
  private(set) var capacity = 1024
  private(set) var ids: UnsafeMutablePointer<Int32>
  private(set) var starts: UnsafeMutablePointer<Int32>
  private(set) var ends: UnsafeMutablePointer<Int32>
  var count = 0
  /// Added tokens, with the white space at both ends of the text that each one took, in scalars.
  var added: [(index: Int, leading: Int, trailing: Int)] = []

  init() {
    ids = .allocate(capacity: capacity)
    starts = .allocate(capacity: capacity)
    ends = .allocate(capacity: capacity)
  }

  func deallocate() {
    ids.deallocate()
    starts.deallocate()
    ends.deallocate()
  }

  @inline(__always) mutating func reserve(_ additional: Int) {
    if count + additional > capacity { grow(count + additional) }
  }

  private mutating func grow(_ wanted: Int) {
    let newCapacity = max(wanted, capacity * 2)
    func moved(_ old: UnsafeMutablePointer<Int32>) -> UnsafeMutablePointer<Int32> {
      let new = UnsafeMutablePointer<Int32>.allocate(capacity: newCapacity)
      new.update(from: old, count: count)
      old.deallocate()
      return new
    }
    (ids, starts, ends, capacity) = (moved(ids), moved(starts), moved(ends), newCapacity)
  }

  /// Room must have been reserved.
  @inline(__always) mutating func append(_ id: Int32, _ start: Int, _ end: Int) {
    ids[count] = id
    starts[count] = Int32(truncatingIfNeeded: start)
    ends[count] = Int32(truncatingIfNeeded: end)
    count += 1
  }
}

/// The tokens of words met before: a direct-mapped cache of 128-byte lines.
///
/// A line holds a word of at most 39 bytes with its length, and at most sixteen tokens with theirs; a word that falls on
/// the line of another takes its place, so the cache never grows. For words of up to 23 bytes and eight tokens only the
/// first half of the line is touched.
struct WordCache {
  static let lineCount = 1 << 16
  static let maximumBytes = 39
  static let maximumTokens = 16

  /// A line is sixteen 64-bit words. First half: three of the key (its last byte is the word's length), one of token
  /// lengths (a byte each), four of ids. Second half: two of the key, one of lengths, four of ids, one free.
  let lines: UnsafeMutablePointer<UInt64>

  init?() {
    // calloc's pages cost nothing until they are touched, so a short text does not pay for the whole cache.
    guard let memory = calloc(Self.lineCount, 128) else { return nil }
    lines = memory.bindMemory(to: UInt64.self, capacity: Self.lineCount * 16)
  }

  func deallocate() { free(lines) }

  struct Key {
    var a: UInt64, b: UInt64, c: UInt64, d: UInt64, e: UInt64
  }

  /// The key of a word of 1 to 39 bytes. Reads no byte beyond the word.
  @inline(__always) static func key(_ word: UnsafePointer<UInt8>, _ count: Int) -> Key {
    let raw = UnsafeRawPointer(word)
    let length = UInt64(truncatingIfNeeded: count) << 56
    if count < 8 { return Key(a: tail(raw, count), b: 0, c: length, d: 0, e: 0) }
    let a = raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    if count < 16 { return Key(a: a, b: tail(raw + 8, count - 8), c: length, d: 0, e: 0) }
    let b = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    if count < 24 { return Key(a: a, b: b, c: tail(raw + 16, count - 16) | length, d: 0, e: 0) }
    let c = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self) & 0x00FF_FFFF_FFFF_FFFF | length
    if count < 31 { return Key(a: a, b: b, c: c, d: tail(raw + 23, count - 23), e: 0) }
    let d = raw.loadUnaligned(fromByteOffset: 23, as: UInt64.self)
    if count < 39 { return Key(a: a, b: b, c: c, d: d, e: tail(raw + 31, count - 31)) }
    return Key(a: a, b: b, c: c, d: d, e: raw.loadUnaligned(fromByteOffset: 31, as: UInt64.self))
  }

  /// Up to seven bytes as a number.
  @inline(__always) private static func tail(_ raw: UnsafeRawPointer, _ count: Int) -> UInt64 {
    if count >= 4 {
      let low = UInt64(raw.loadUnaligned(as: UInt32.self))
      let high = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      return low | high << UInt64(truncatingIfNeeded: (count - 4) * 8)
    }
    if count == 0 { return 0 }
    let first = UInt64(raw.load(as: UInt8.self))
    let middle = UInt64(raw.load(fromByteOffset: count >> 1, as: UInt8.self))
    let last = UInt64(raw.load(fromByteOffset: count - 1, as: UInt8.self))
    return first | middle << UInt64(truncatingIfNeeded: (count >> 1) * 8)
      | last << UInt64(truncatingIfNeeded: (count - 1) * 8)
  }

  @inline(__always) func line(_ key: Key) -> UnsafeMutablePointer<UInt64> {
    var hash = (key.a ^ key.c ^ (key.d &* 0xA076_1D64_78BD_642F) ^ key.e) &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 32
    hash = (hash ^ key.b) &* 0xD6E8_FEB8_6659_FD93
    return lines + Int(truncatingIfNeeded: hash >> 48) * 16
  }

  @inline(__always) static func holds(_ line: UnsafeMutablePointer<UInt64>, _ key: Key, _ count: Int) -> Bool {
    guard line[0] == key.a, line[1] == key.b, line[2] == key.c else { return false }
    return count < 24 || (line[8] == key.d && line[9] == key.e)
  }

  /// Stores a word's tokens if they fit a line; no token may be longer than 255 bytes or empty.
  static func store(_ line: UnsafeMutablePointer<UInt64>, _ key: Key, _ tokens: WordTokens) {
    guard tokens.count <= maximumTokens else { return }
    var lengths: (UInt64, UInt64) = (0, 0)
    for i in 0..<tokens.count {
      guard tokens.lengths[i] > 0, tokens.lengths[i] < 256 else { return }
      let length = UInt64(tokens.lengths[i])
      if i < 8 { lengths.0 |= length << UInt64(i * 8) } else { lengths.1 |= length << UInt64(i * 8 - 64) }
    }
    (line[0], line[1], line[2], line[3]) = (key.a, key.b, key.c, lengths.0)
    (line[8], line[9], line[10]) = (key.d, key.e, lengths.1)
    line.withMemoryRebound(to: Int32.self, capacity: 32) { words in
      for i in 0..<tokens.count { words[i < 8 ? 8 + i : 14 + i] = tokens.ids[i] }
    }
  }
}

/// The memory one encoding works in, kept from call to call.
///
/// A workspace belongs to one thread at a time: the tokenizer hands it out and takes it back under the lock of its
/// `WorkspacePool`, which is what makes `@unchecked Sendable` true.
final class Workspace: @unchecked Sendable {
  var tokens = WordTokens()
  var sink = TokenSink()
  let cache = WordCache()
  var merging = MergeBuffers()
  var lattice = UnigramLattice()
  /// The first word that needed an unknown token where there is none.
  var refused: String?

  /// Notes that a word cannot be spelt. The token without length that stands for it keeps the word out of the cache.
  func refuse(_ word: UnsafeBufferPointer<UInt8>) {
    if refused == nil { refused = String(decoding: word, as: UTF8.self) }
    tokens.append(0, length: 0)
  }

  deinit {
    tokens.deallocate()
    sink.deallocate()
    cache?.deallocate()
    merging.deallocate()
  }
}
