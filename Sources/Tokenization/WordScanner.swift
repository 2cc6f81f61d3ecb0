/// Hand-written scanners for the patterns that most byte-level vocabularies split by.
///
/// Each gives exactly the matches of its pattern (a property test compares them with Oniguruma), at a
/// hundred times its speed. They are chosen by the pattern's exact text.
enum WordScanner: Sendable, Equatable {
  /// GPT-2's, built into `ByteLevel`.
  case gpt2
  /// That of cl100k and its many relatives; they differ in how many digits make a word.
  case cl100k(digits: Int)

  static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static func cl100kPattern(digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// The scanner for a pattern, if there is one.
  init?(pattern: String) {
    switch pattern {
    case Self.gpt2Pattern: self = .gpt2
    case Self.cl100kPattern(digits: "{1,3}"): self = .cl100k(digits: 3)
    case Self.cl100kPattern(digits: ""): self = .cl100k(digits: 1)
    default: return nil
    }
  }

  /// Gives the words of a range one after another; together they cover it.
  @inline(__always) func scan(
    _ bytes: UnsafePointer<UInt8>, _ range: Range<Int>, _ table: ScalarTablePointers, _ word: (Int, Int) -> Void
  ) {
    var position = range.lowerBound
    let text = ScannedText(bytes: bytes, end: range.upperBound, table: table)
    switch self {
    case .gpt2:
      while position < range.upperBound {
        let end = text.gpt2Word(at: position)
        word(position, end)
        position = end
      }
    case .cl100k(let digits):
      while position < range.upperBound {
        let end = text.cl100kWord(at: position, digits: digits)
        word(position, end)
        position = end
      }
    }
  }
}

private let space: UInt8 = 0x20

/// A text being cut by one of the scanners.
struct ScannedText {
  let bytes: UnsafePointer<UInt8>
  let end: Int
  let table: ScalarTablePointers

  /// The table's entry of the scalar at a position, and where the next one begins.
  @inline(__always) func entry(_ position: Int) -> (entry: UInt8, next: Int) {
    let first = bytes[position]
    if first < 0x80 { return (table.entries[Int(first)], position + 1) }
    let (scalar, next) = UTF8Reading.scalar(bytes, position)
    return (table.entry(scalar), next)
  }

  @inline(__always) func isLetter(_ entry: UInt8) -> Bool { entry & ScalarTable.letter != 0 }
  @inline(__always) func isOther(_ entry: UInt8) -> Bool {
    entry & (ScalarTable.letter | ScalarTable.number | ScalarTable.space) == 0
  }

  /// The end of the run of scalars that have the bit.
  @inline(__always) func run(of bit: UInt8, from start: Int) -> Int {
    var position = start
    while position < end {
      let (entry, next) = entry(position)
      guard entry & bit != 0 else { break }
      position = next
    }
    return position
  }

  @inline(__always) func runOfOthers(from start: Int) -> Int {
    var position = start
    while position < end {
      let (entry, next) = entry(position)
      guard isOther(entry) else { break }
      position = next
    }
    return position
  }

  /// The end of an English contraction that begins with an apostrophe at the position, or the position.
  @inline(__always) func contraction(at position: Int, ignoringCase: Bool) -> Int {
    guard position + 1 < end else { return position }
    let fold: UInt8 = ignoringCase ? 0x20 : 0
    let first = bytes[position + 1] | fold
    switch first {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return position + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return position + 2 < end && bytes[position + 2] | fold == UInt8(ascii: "e") ? position + 3 : position
    case UInt8(ascii: "l"):
      return position + 2 < end && bytes[position + 2] | fold == UInt8(ascii: "l") ? position + 3 : position
    case 0xC5 | fold:
      // "ſ" (U+017F) is an s to a pattern that ignores case.
      let isLongS = ignoringCase && bytes[position + 1] == 0xC5 && bytes[position + 2] == 0xBF
      return isLongS ? position + 3 : position
    default: return position
    }
  }

  /// The end of the word of white space at the position: all but the last of a run before other text.
  @inline(__always) func whiteSpace(at position: Int, runEnd: Int) -> Int {
    if runEnd == end { return runEnd }
    let last = UTF8Reading.previous(bytes, runEnd)
    return last == position ? runEnd : last
  }

  @inline(__always) func gpt2Word(at position: Int) -> Int {
    let first = bytes[position]
    if first == UInt8(ascii: "'") {
      let end = contraction(at: position, ignoringCase: false)
      if end != position { return end }
    }
    var (entry, next) = entry(position)
    if first == space, next < end {
      let following = self.entry(next)
      if following.entry & ScalarTable.space == 0 { (entry, next) = following }
    }
    if entry & ScalarTable.letter != 0 { return run(of: ScalarTable.letter, from: next) }
    if entry & ScalarTable.number != 0 { return run(of: ScalarTable.number, from: next) }
    if entry & ScalarTable.space == 0 { return runOfOthers(from: next) }
    return whiteSpace(at: position, runEnd: run(of: ScalarTable.space, from: next))
  }

  @inline(__always) func cl100kWord(at position: Int, digits: Int) -> Int {
    let first = bytes[position]
    if first == UInt8(ascii: "'") {
      let end = contraction(at: position, ignoringCase: true)
      if end != position { return end }
    }
    let (entry, next) = entry(position)
    if entry & ScalarTable.letter != 0 { return run(of: ScalarTable.letter, from: next) }
    if entry & ScalarTable.number != 0 {
      var position = next
      for _ in 1..<max(1, digits) {
        guard position < end else { break }
        let following = self.entry(position)
        guard following.entry & ScalarTable.number != 0 else { break }
        position = following.next
      }
      return position
    }
    let isLineEnd = first == 0x0A || first == 0x0D
    if next < end, !isLineEnd {
      let following = self.entry(next)
      if isLetter(following.entry) { return run(of: ScalarTable.letter, from: following.next) }
      if first == space, isOther(following.entry) { return lineEnds(from: runOfOthers(from: following.next)) }
    }
    if entry & ScalarTable.space == 0 { return lineEnds(from: runOfOthers(from: next)) }
    // White space: up to the last line end of the run if it holds one.
    var runEnd = position
    var lastLineEnd = -1
    while runEnd < end {
      let (entry, following) = self.entry(runEnd)
      guard entry & ScalarTable.space != 0 else { break }
      if bytes[runEnd] == 0x0A || bytes[runEnd] == 0x0D { lastLineEnd = following }
      runEnd = following
    }
    return lastLineEnd >= 0 ? lastLineEnd : whiteSpace(at: position, runEnd: runEnd)
  }

  @inline(__always) func lineEnds(from start: Int) -> Int {
    var position = start
    while position < end, bytes[position] == 0x0A || bytes[position] == 0x0D { position += 1 }
    return position
  }
}
