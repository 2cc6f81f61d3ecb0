/// The tokens that are found in the text before anything else happens to it.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    var id: Int32
    var content: String
    var isSingleWord: Bool
    var stripsLeft: Bool
    var stripsRight: Bool
    var isNormalized: Bool
    var isSpecial: Bool
  }

  /// Finds tokens in a text: at the leftmost place where any begins, the longest.
  struct Matcher: Sendable {
    private var tokens: [Token] = []
    /// Patterns by their bytes; values are indices into `tokens`.
    private var table = ByteStringTable(minimumCapacity: 8)
    /// The lengths of the patterns that begin with each byte, longest first.
    private var lengths: [[Int]] = Array(repeating: [], count: 256)
    /// One bit for each pair of first bytes; a pattern of one byte sets all pairs that begin with it.
    private var pairs = [UInt64](repeating: 0, count: 1024)

    var isEmpty: Bool { tokens.isEmpty }

    mutating func add(_ token: Token, pattern: [UInt8]) {
      guard let first = pattern.first else { return }
      let index = Int32(tokens.count)
      guard pattern.withUnsafeBufferPointer({ table.insert($0, index) }) == nil else { return }
      tokens.append(token)
      var known = lengths[Int(first)]
      if !known.contains(pattern.count) { known.append(pattern.count) }
      lengths[Int(first)] = known.sorted(by: >)
      let seconds = pattern.count > 1 ? pattern[1]...pattern[1] : 0...255
      for second in seconds {
        let pair = Int(first) << 8 | Int(second)
        pairs[pair >> 6] |= 1 << UInt64(pair & 63)
      }
    }

    /// Calls `text` for each stretch without tokens and `token` for each token, in order.
    func split(
      _ bytes: UnsafeBufferPointer<UInt8>, text: (Range<Int>) throws -> Void,
      token: (Token, Range<Int>) throws -> Void
    ) rethrows {
      var start = 0
      var position = 0
      while let (found, range) = next(bytes, from: position) {
        position = range.upperBound
        if found.isSingleWord, touchesWord(bytes, range) { continue }
        var lower = range.lowerBound
        var upper = range.upperBound
        if found.stripsLeft { lower = max(start, Self.whiteSpaceStart(bytes, before: lower)) }
        if found.stripsRight { upper = Self.whiteSpaceEnd(bytes, after: upper) }
        guard lower <= upper else { continue }
        if start < lower { try text(start..<lower) }
        try token(found, lower..<upper)
        start = upper
      }
      if start < bytes.count { try text(start..<bytes.count) }
    }

    private func next(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (Token, Range<Int>)? {
      pairs.withUnsafeBufferPointer { pairs in
        var position = start
        while position < bytes.count {
          let second = position + 1 < bytes.count ? bytes[position + 1] : 0
          let pair = Int(bytes[position]) << 8 | Int(second)
          if pairs[pair >> 6] >> UInt64(pair & 63) & 1 != 0 || position + 1 == bytes.count {
            for length in lengths[Int(bytes[position])] where position + length <= bytes.count {
              let range = position..<position + length
              if let index = table.value(UnsafeBufferPointer(rebasing: bytes[range])) {
                return (tokens[Int(index)], range)
              }
            }
          }
          position += 1
        }
        return nil
      }
    }

    private func touchesWord(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
      guard let base = bytes.baseAddress else { return false }
      if range.lowerBound > 0 {
        let before = UTF8Reading.previous(base, range.lowerBound)
        if UnicodeFacts.isWord(UTF8Reading.scalar(base, before).value) { return true }
      }
      return range.upperBound < bytes.count && UnicodeFacts.isWord(UTF8Reading.scalar(base, range.upperBound).value)
    }

    static func whiteSpaceStart(_ bytes: UnsafeBufferPointer<UInt8>, before end: Int) -> Int {
      guard let base = bytes.baseAddress else { return end }
      var start = end
      while start > 0 {
        let previous = UTF8Reading.previous(base, start)
        guard UnicodeFacts.isWhitespace(UTF8Reading.scalar(base, previous).value) else { break }
        start = previous
      }
      return start
    }

    static func whiteSpaceEnd(_ bytes: UnsafeBufferPointer<UInt8>, after start: Int) -> Int {
      guard let base = bytes.baseAddress else { return start }
      var end = start
      while end < bytes.count {
        let (scalar, next) = UTF8Reading.scalar(base, end)
        guard UnicodeFacts.isWhitespace(scalar) else { break }
        end = next
      }
      return end
    }
  }

  /// Tokens found in the text as it was given.
  var verbatim = Matcher()
  /// Tokens found in the normalized text, by their normalized content.
  var normalized = Matcher()
  var all: [Int32: Token] = [:]
}
