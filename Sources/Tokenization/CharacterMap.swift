import Diagnostics

/// SentencePiece's compiled table of characters and what becomes of them.
///
/// The bytes are a length, a trie of that many bytes in the form of Darts-clone's double arrays, and texts that end in a
/// zero byte. Everything reachable is checked when the table is read.
struct CharacterMap: Sendable {
  /// Larger tables are refused; those in use have a quarter of a megabyte.
  private static let maximumBytes = 1 << 24

  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Throws: `Fault` named `tokenizer.badCharacterMap`.
  init(_ bytes: [UInt8], file: String, place: String) throws {
    func bad(_ expected: String, _ found: String) -> Fault {
      Fault(
        .badData, "tokenizer.badCharacterMap", "The tokenizer's table of characters is damaged", file: file,
        place: place, expected: expected, found: found, advice: "get the file again")
    }
    guard bytes.count <= Self.maximumBytes else { throw bad("at most 16 MiB", "\(bytes.count) bytes") }
    guard bytes.count >= 4 else { throw bad("a length of four bytes at least", "\(bytes.count) bytes") }
    func word(_ at: Int) -> UInt32 {
      UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }
    let size = Int(word(0))
    guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else {
      throw bad("a trie within the table's \(bytes.count) bytes, in whole units", "one of \(size) bytes")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map(word)
    texts = Array(bytes[(4 + size)...])
    if let offset = texts.withUnsafeBufferPointer({ UTF8Reading.firstInvalid($0) }) {
      throw bad("replacements in UTF-8", "another byte at \(4 + size + offset)")
    }
    if let problem = problem() { throw bad("replacements for the keys of the trie", problem) }
  }

  /// Walks the whole trie, each unit once, and looks for keys without a text.
  private func problem() -> String? {
    var seen = [Bool](repeating: false, count: units.count)
    var pending = [Self.offset(units[0])]
    while let base = pending.popLast() {
      for byte in 1...255 {
        let at = base ^ byte
        guard at < units.count, !seen[at], Self.label(units[at]) == UInt32(byte) else { continue }
        seen[at] = true
        let next = at ^ Self.offset(units[at])
        if Self.hasValue(units[at]) {
          guard next < units.count else { return "a key whose value lies beyond the trie" }
          let start = Self.value(units[next])
          guard start < texts.count, !UTF8Reading.isContinuation(texts[start]) else {
            return "a key whose text would begin at byte \(start) of \(texts.count)"
          }
        }
        pending.append(next)
      }
    }
    return nil
  }

  private static func hasValue(_ unit: UInt32) -> Bool { unit >> 8 & 1 == 1 }
  private static func value(_ unit: UInt32) -> Int { Int(unit & 0x7FFF_FFFF) }
  private static func label(_ unit: UInt32) -> UInt32 { unit & 0x8000_00FF }
  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }

  /// The shortest or the longest key that the bytes from `start` to `end` begin with: its end, and where its text begins.
  func match(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, longest: Bool
  ) -> (end: Int, text: Int)? {
    units.withUnsafeBufferPointer { units in
      var found: (Int, Int)?
      var node = Self.offset(units[0])
      var position = start
      while position < end {
        let byte = bytes[position]
        guard byte != 0 else { break }
        node ^= Int(byte)
        guard node < units.count, Self.label(units[node]) == UInt32(byte) else { break }
        let unit = units[node]
        node ^= Self.offset(unit)
        position += 1
        if Self.hasValue(unit) {
          found = (position, Self.value(units[node]))
          if !longest { break }
        }
      }
      return found
    }
  }

  /// The scalars of the text that begins at an offset.
  func scalars(_ text: Int) -> String.UnicodeScalarView {
    String(decoding: texts[text...].prefix { $0 != 0 }, as: UTF8.self).unicodeScalars
  }

  /// Changes a text as the normalizer `Precompiled` of Hugging Face's tokenizers does.
  ///
  /// A grapheme of fewer than six bytes is replaced whole by the text of the shortest key that it begins with; where
  /// there is none, and in longer graphemes, each scalar by its own.
  func apply(to text: inout AlignedText) {
    let changes = text.withBytes { self.changes($0) }
    guard let changes else { return }
    text.rewrite { writer in
      for (scalar, change) in changes { writer.write(scalar, change: change) }
    }
  }

  /// The new scalars, each with the number of old ones it stands for beyond the first, or 1 for an inserted one; nil where
  /// nothing changes.
  private func changes(_ bytes: UnsafeBufferPointer<UInt8>) -> [(scalar: UInt32, change: Int)]? {
    guard let base = bytes.baseAddress, mayChange(bytes) else { return nil }
    let string = String(decoding: bytes, as: UTF8.self)
    var changes: [(scalar: UInt32, change: Int)] = []
    changes.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      let end = Self.graphemeEnd(string, bytes, position)
      if end - position < 6, let found = match(bytes, position, end, longest: false) {
        replace(bytes, position, end, with: found.text, &changes)
        position = end
        continue
      }
      while position < end {
        let (scalar, next) = UTF8Reading.scalar(base, position)
        if let found = match(bytes, position, next, longest: false) {
          replace(bytes, position, next, with: found.text, &changes)
        } else {
          changes.append((scalar, 0))
        }
        position = next
      }
    }
    return changes
  }

  /// Whether a key begins anywhere in the text.
  private func mayChange(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = 0
    while position < bytes.count {
      if match(bytes, position, bytes.count, longest: false) != nil { return true }
      position += UTF8Reading.length(bytes[position])
    }
    return false
  }

  private static func graphemeEnd(_ string: String, _ bytes: UnsafeBufferPointer<UInt8>, _ position: Int) -> Int {
    if bytes[position] < 0x80 {
      guard position + 1 < bytes.count else { return position + 1 }
      let next = bytes[position + 1]
      if next < 0x80, !(bytes[position] == 0x0D && next == 0x0A) { return position + 1 }
    }
    let utf8 = string.utf8
    let end = string.index(after: utf8.index(utf8.startIndex, offsetBy: position))
    return utf8.distance(from: utf8.startIndex, to: end)
  }

  private func replace(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, with text: Int,
    _ changes: inout [(scalar: UInt32, change: Int)]
  ) {
    var old = 0
    for i in start..<end where !UTF8Reading.isContinuation(bytes[i]) { old += 1 }
    var new = 0
    for scalar in scalars(text) {
      changes.append((scalar.value, 0))
      new += 1
    }
    if new > old {
      for i in changes.count - (new - old)..<changes.count { changes[i].change = 1 }
    } else if new < old, !changes.isEmpty {
      changes[changes.count - 1].change -= old - new
    }
  }
}
