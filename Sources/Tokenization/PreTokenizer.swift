/// A step that cuts the normalized text into words: the `pre_tokenizer` of a tokenizer.json.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case scanner(WordScanner)
  case split(Pattern, SplitBehavior, inverted: Bool)
  /// Cut where a test of single scalars succeeds.
  case characters(CharacterTest, SplitBehavior)
  /// Runs of word characters and runs of other visible characters.
  case whitespaceWords
  /// Put a space before every word that does not begin with one.
  case prefixSpace
  /// Write bytes as characters of GPT-2's alphabet. Where this is the last step, the model reads bytes instead.
  case byteLevel
  case metaspace(Metaspace)
  /// Words of so many characters; the last may be shorter.
  case fixedLength(Int)
  /// Cut before every run of word marks; added by the loader where no merge can cross such a place.
  case beforeWordMarks

  enum CharacterTest: Sendable {
    case whitespace, punctuation, bertPunctuation, digit

    func callAsFunction(_ scalar: UInt32) -> Bool {
      switch self {
      case .whitespace: UnicodeFacts.isWhitespace(scalar)
      case .punctuation, .bertPunctuation: UnicodeFacts.isPunctuation(scalar)
      case .digit: UnicodeFacts.isNumeric(scalar)
      }
    }
  }

  struct Metaspace: Sendable {
    enum Prefix: String, Sendable { case always, first, never }
    var replacement: UInt32
    var prefix: Prefix
    var splits: Bool
  }

  /// Cuts every word further, and rewrites the text where the step asks for it.
  func apply(to text: inout AlignedText, _ words: inout WordRanges) throws {
    switch self {
    case .sequence(let steps): for step in steps { try step.apply(to: &text, &words) }
    case .scanner(let scanner):
      refine(text, &words) { bytes, range, result in
        guard let base = bytes.baseAddress else { return }
        ScalarTable.shared.withPointers { scanner.scan(base, range, $0) { result.append($0, $1) } }
      }
    case .split(let pattern, let behavior, let inverted):
      let finder = try pattern.finder(bytes: text.count)
      try refine(text, &words) { bytes, range, result in
        result.split(range, at: try finder.matches(in: bytes, range), behavior, inverted: inverted)
      }
    case .characters(let test, let behavior): Self.split(text, &words, test, behavior)
    case .whitespaceWords: Self.splitWhitespaceWords(text, &words)
    case .prefixSpace: Self.prefixSpace(&text, &words)
    case .byteLevel: Self.rewrite(&text, &words) { _, writer, end in Self.byteLevel(&writer, to: end) }
    case .metaspace(let options): Self.metaspace(options, &text, &words)
    case .fixedLength(let length):
      refine(text, &words) { bytes, range, result in
        var start = range.lowerBound
        var position = start
        var count = 0
        while position < range.upperBound {
          position += UTF8Reading.length(bytes[position])
          count += 1
          if count == length || position == range.upperBound {
            result.append(start, position)
            (start, count) = (position, 0)
          }
        }
      }
    case .beforeWordMarks: Self.splitBeforeWordMarks(text, &words)
    }
  }

  private func refine(
    _ text: AlignedText, _ words: inout WordRanges,
    _ body: (UnsafeBufferPointer<UInt8>, Range<Int>, inout WordRanges) throws -> Void
  ) rethrows { try Self.refine(text, &words, body) }

  private static func refine(
    _ text: AlignedText, _ words: inout WordRanges,
    _ body: (UnsafeBufferPointer<UInt8>, Range<Int>, inout WordRanges) throws -> Void
  ) rethrows {
    var result = WordRanges()
    try text.withBytes { bytes in
      for i in 0..<words.count { try body(bytes, words[i], &result) }
    }
    words = result
  }

  private static func split(
    _ text: AlignedText, _ words: inout WordRanges, _ test: CharacterTest, _ behavior: SplitBehavior
  ) {
    refine(text, &words) { bytes, range, result in
      guard let base = bytes.baseAddress else { return }
      if behavior == .removed || behavior == .isolated {
        var start = range.lowerBound
        var position = start
        while position < range.upperBound {
          let (scalar, next) = UTF8Reading.scalar(base, position)
          if test(scalar) {
            if start < position { result.append(start, position) }
            if behavior == .isolated { result.append(position, next) }
            start = next
          }
          position = next
        }
        if start < position { result.append(start, position) }
        return
      }
      var matches: [Range<Int>] = []
      var position = range.lowerBound
      while position < range.upperBound {
        let (scalar, next) = UTF8Reading.scalar(base, position)
        if test(scalar) { matches.append(position..<next) }
        position = next
      }
      result.split(range, at: matches, behavior, inverted: false)
    }
  }

  private static func splitWhitespaceWords(_ text: AlignedText, _ words: inout WordRanges) {
    refine(text, &words) { bytes, range, result in
      guard let base = bytes.baseAddress else { return }
      func kind(_ scalar: UInt32) -> Int {
        UnicodeFacts.isWord(scalar) ? 1 : UnicodeFacts.isWhitespace(scalar) ? 0 : 2
      }
      var start = range.lowerBound
      var current = 0
      var position = start
      while position < range.upperBound {
        let (scalar, next) = UTF8Reading.scalar(base, position)
        let kind = kind(scalar)
        if kind != current {
          if current != 0 { result.append(start, position) }
          start = position
          current = kind
        }
        position = next
      }
      if current != 0, start < position { result.append(start, position) }
    }
  }

  /// Rewrites the words one after another; what lies between them is dropped.
  private static func rewrite(
    _ text: inout AlignedText, _ words: inout WordRanges,
    _ body: (_ index: Int, _ writer: inout AlignedText.Writer, _ end: Int) -> Void
  ) {
    var result = WordRanges()
    let old = words
    let before = text
    text.rewrite { writer in
      for i in 0..<old.count {
        let range = old[i]
        let start = writer.bytes.count
        writer.position = range.lowerBound
        writer.sliceStart = range.lowerBound
        writer.base = before.documentRange(range).start
        body(i, &writer, range.upperBound)
        if writer.bytes.count > start { result.append(start, writer.bytes.count) }
      }
    }
    words = result
  }

  private static func byteLevel(_ writer: inout AlignedText.Writer, to end: Int) {
    while writer.position < end {
      let start = writer.position
      let length = UTF8Reading.length(writer.old[start])
      writer.replace(with: ByteAlphabet.scalars[Int(writer.old[start])])
      for i in 1..<max(1, length) { writer.insert(ByteAlphabet.scalars[Int(writer.old[start + i])]) }
    }
  }

  private static func prefixSpace(_ text: inout AlignedText, _ words: inout WordRanges) {
    let needed = text.withBytes { bytes in (0..<words.count).contains { bytes[words[$0].lowerBound] != space } }
    guard needed else { return }
    rewrite(&text, &words) { _, writer, end in
      if writer.old[writer.position] != space { writer.insertWithPlaceOfNext(0x20) }
      writer.copy(to: end)
    }
  }

  private static func metaspace(_ options: Metaspace, _ text: inout AlignedText, _ words: inout WordRanges) {
    var splits: [Int] = []
    let source = text
    let old = words
    var rewritten = WordRanges()
    text.rewrite { writer in
      for i in 0..<old.count {
        let range = old[i]
        let start = writer.bytes.count
        splits.removeAll(keepingCapacity: true)
        writer.position = range.lowerBound
        writer.sliceStart = range.lowerBound
        writer.base = source.documentRange(range).start
        let (first, _) = writer.peek()
        let prepends =
          switch options.prefix {
          case .always: true
          case .first: writer.base == 0
          case .never: false
          }
        if prepends, first != 0x20, first != options.replacement {
          writer.insertWithPlaceOfNext(options.replacement)
          splits.append(start)
        }
        guard let base = writer.old.baseAddress else { continue }
        while writer.position < range.upperBound {
          var end = writer.position
          while end < range.upperBound {
            let (scalar, next) = UTF8Reading.scalar(base, end)
            if scalar == 0x20 || scalar == options.replacement { break }
            end = next
          }
          writer.copy(to: end)
          guard end < range.upperBound else { break }
          splits.append(writer.bytes.count)
          writer.replace(with: options.replacement)
        }
        guard options.splits else {
          rewritten.append(start, writer.bytes.count)
          continue
        }
        // Every mark begins a word, the first of the text too.
        var wordStart = start
        for split in splits where split > start {
          rewritten.append(wordStart, split)
          wordStart = split
        }
        if wordStart < writer.bytes.count { rewritten.append(wordStart, writer.bytes.count) }
      }
    }
    words = rewritten
  }

  /// "▁" is E2 96 81 in UTF-8.
  private static func splitBeforeWordMarks(_ text: AlignedText, _ words: inout WordRanges) {
    refine(text, &words) { bytes, range, result in
      func isMark(_ i: Int) -> Bool { bytes[i] == 0xE2 && bytes[i + 1] == 0x96 && bytes[i + 2] == 0x81 }
      var start = range.lowerBound
      var position = start
      var afterMark = true
      while position < range.upperBound {
        let length = UTF8Reading.length(bytes[position])
        let mark = length == 3 && isMark(position)
        if mark, !afterMark {
          result.append(start, position)
          start = position
        }
        afterMark = mark
        position += length
      }
      if start < position { result.append(start, position) }
    }
  }
}

private let space: UInt8 = 0x20
