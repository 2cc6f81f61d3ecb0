import Diagnostics

/// SentencePiece's compiled table of characters and what becomes of them.
///
/// The bytes are a length, a trie of that many bytes in the form of Darts-clone's double arrays, and texts that end in a
/// zero byte. Everything reachable is checked when the table is read.
struct CharacterMap: Sendable {
  /// Larger tables are refused; those in use have a quarter of a megabyte.
  private static let maximumBytes = 1 << 24
  /// Longer replacements are refused; the longest in use have some 30 bytes.
  private static let longestText = 256

  private let units: [UInt32]
  private let texts: [UInt8]
  /// Whether a key begins with a byte.
  private var begins = [Bool](repeating: false, count: 256)

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
    for byte in 1...255 {
      let at = Self.offset(units[0]) ^ byte
      begins[byte] = at < units.count && Self.label(units[at]) == UInt32(byte)
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
          guard texts[start...].prefix(Self.longestText + 1).prefix(while: { $0 != 0 }).count <= Self.longestText else {
            return "a text of more than \(Self.longestText) bytes"
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
    guard text.withBytes({ mayChange($0) }) else { return }
    text.rewrite { writer in
      let bytes = writer.old
      guard let base = bytes.baseAddress else { return }
      let string = String(decoding: bytes, as: UTF8.self)
      var rewriting = Rewriting()
      var position = 0
      while position < bytes.count {
        if let end = endOfPlainRun(bytes, position) {
          rewriting.copy(bytes, position, end, &writer)
          position = end
          continue
        }
        let end = Self.graphemeEnd(string, bytes, position)
        if end - position < 6, let found = match(bytes, position, end, longest: false) {
          rewriting.replace(bytes, position, end, with: scalars(found.text), &writer)
          position = end
          continue
        }
        while position < end {
          let (_, next) = UTF8Reading.scalar(base, position)
          if let found = match(bytes, position, next, longest: false) {
            rewriting.replace(bytes, position, next, with: scalars(found.text), &writer)
          } else {
            rewriting.copy(bytes, position, next, &writer)
          }
          position = next
        }
      }
      rewriting.settle(&writer)
    }
  }

  /// The end of the ASCII characters from here on that are graphemes by themselves and begin no key.
  private func endOfPlainRun(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var end = start
    while end < bytes.count, bytes[end] < 0x80, !begins[Int(bytes[end])],
      end + 1 == bytes.count || bytes[end + 1] < 0x80
    {
      end += 1
    }
    return end > start ? end : nil
  }

  /// Whether a key begins anywhere in the text.
  private func mayChange(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    for position in bytes.indices where begins[Int(bytes[position])] {
      if match(bytes, position, bytes.count, longest: false) != nil { return true }
    }
    return false
  }

  /// Writes what replaces a text from start to end, with the alignment that Hugging Face's normalizers give it: of a
  /// shorter replacement the last scalar also stands for what is gone, of a longer one the last are insertions.
  private struct Rewriting {
    /// The last replaced scalar, which waits: a removal after it changes what it stands for.
    private var last: (scalar: UInt32, change: Int)?
    private var isEmpty = true
    /// Whether a removal at the text's start, which no scalar can stand for, has let the places fall behind.
    private var isBehind = false

    mutating func settle(_ writer: inout AlignedText.Writer) {
      if let (scalar, change) = last { writer.write(scalar, change: change) }
      last = nil
    }

    mutating func copy(
      _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ writer: inout AlignedText.Writer
    ) {
      settle(&writer)
      isEmpty = false
      if !isBehind { return writer.copy(to: end) }
      for scalar in String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self).unicodeScalars {
        writer.write(scalar.value, change: 0)
      }
    }

    mutating func replace(
      _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, with text: String.UnicodeScalarView,
      _ writer: inout AlignedText.Writer
    ) {
      var old = 0
      for i in start..<end where !UTF8Reading.isContinuation(bytes[i]) { old += 1 }
      var written = 0
      for scalar in text {
        settle(&writer)
        last = (scalar.value, written < old ? 0 : 1)
        written += 1
        isEmpty = false
      }
      guard written < old else { return }
      if last != nil {
        last?.change -= old - written
      } else if isEmpty {
        isBehind = true
      } else {
        writer.skip(old - written)
      }
    }
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
}
