/// What `Split` and `Replace` look for: a fixed string or a regular expression.
enum Pattern: Sendable {
  case string([UInt8])
  case regex(RegularExpression)

  /// The matches within ranges of one text, in order, none overlapping another. An empty fixed string never matches.
  struct Finder {
    fileprivate let pattern: Pattern
    /// Shared by all ranges, so that one limit holds for them together.
    fileprivate let search: RegexSearch?

    func matches(in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) throws -> [Range<Int>] {
      switch (pattern, search) {
      case (.regex(let regex), let search?): return try regex.matches(in: bytes, range, search)
      case (.string(let wanted), _): return Pattern.occurrences(of: wanted, in: bytes, range)
      case (.regex, nil): return []
      }
    }
  }

  /// What finds the matches in a text of so many bytes.
  func finder(bytes: Int) throws -> Finder {
    if case .regex = self { return Finder(pattern: self, search: try RegexSearch(bytes: bytes)) }
    return Finder(pattern: self, search: nil)
  }

  static func occurrences(
    of wanted: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) -> [Range<Int>] {
    guard let first = wanted.first else { return [] }
    var found: [Range<Int>] = []
    var position = range.lowerBound
    while position + wanted.count <= range.upperBound {
      if bytes[position] == first, wanted.indices.allSatisfy({ bytes[position + $0] == wanted[$0] }) {
        found.append(position..<position + wanted.count)
        position += wanted.count
      } else {
        position += 1
      }
    }
    return found
  }
}

/// What becomes of the delimiters that a pre-tokenizer finds.
enum SplitBehavior: String, Sendable, CaseIterable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// The words that a text has been cut into so far, as ranges of its bytes: starts and ends by turns.
struct WordRanges {
  var bounds: [Int32] = []

  @inline(__always) mutating func append(_ start: Int, _ end: Int) {
    bounds.append(Int32(truncatingIfNeeded: start))
    bounds.append(Int32(truncatingIfNeeded: end))
  }

  var count: Int { bounds.count / 2 }

  subscript(index: Int) -> Range<Int> { Int(bounds[2 * index])..<Int(bounds[2 * index + 1]) }

  /// Cuts a range at the matches of a pattern, which come in order.
  mutating func split(_ range: Range<Int>, at matches: [Range<Int>], _ behavior: SplitBehavior, inverted: Bool) {
    var pieces: [(range: Range<Int>, isMatch: Bool)] = []
    var position = range.lowerBound
    for match in matches {
      if match.lowerBound > position { pieces.append((position..<match.lowerBound, inverted)) }
      pieces.append((match, !inverted))
      position = match.upperBound
    }
    if position < range.upperBound { pieces.append((position..<range.upperBound, inverted)) }
    switch behavior {
    case .isolated: for piece in pieces { keep(piece.range) }
    case .removed: for piece in pieces where !piece.isMatch { keep(piece.range) }
    case .contiguous: merge(pieces) { $0 == $1 }
    case .mergedWithPrevious: merge(pieces) { !$0 && $1 }
    case .mergedWithNext:
      var joined: [Range<Int>] = []
      var previousIsMatch = false
      for piece in pieces.reversed() {
        if piece.isMatch, !previousIsMatch, let last = joined.last {
          joined[joined.count - 1] = piece.range.lowerBound..<last.upperBound
        } else {
          joined.append(piece.range)
        }
        previousIsMatch = piece.isMatch
      }
      for range in joined.reversed() { keep(range) }
    }
  }

  /// Joins a piece to the one before where `joins(was the one before a match, is this one)` says so.
  private mutating func merge(_ pieces: [(range: Range<Int>, isMatch: Bool)], _ joins: (Bool, Bool) -> Bool) {
    var joined: [Range<Int>] = []
    var previousIsMatch = false
    for piece in pieces {
      if joins(previousIsMatch, piece.isMatch), let last = joined.last {
        joined[joined.count - 1] = last.lowerBound..<piece.range.upperBound
      } else {
        joined.append(piece.range)
      }
      previousIsMatch = piece.isMatch
    }
    for range in joined { keep(range) }
  }

  private mutating func keep(_ range: Range<Int>) {
    if !range.isEmpty { append(range.lowerBound, range.upperBound) }
  }
}
