import Diagnostics

/// A step that changes the text before it is cut into words: the `normalizer` of a tokenizer.json.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case unicode(UnicodeNormalization)
  case lowercase
  case stripAccents
  case strip(left: Bool, right: Bool)
  case replace(Pattern, with: [UInt32])
  case prepend([UInt32])
  case bert(BertNormalization)
  case byteLevel
  /// SentencePiece's `nmt`: control characters go, unusual white space becomes a space.
  case nmt
  case characterMap(CharacterMap)
  case sentencePiece(SentencePieceNormalization)

  /// Changes the text in place, leaving it untouched where there is nothing to change.
  func apply(to text: inout AlignedText) throws {
    switch self {
    case .sequence(let steps):
      for step in steps {
        try step.apply(to: &text)
        try Self.check(text.count, of: text)
      }
    case .unicode(let form): form.apply(to: &text)
    case .lowercase: Self.lowercase(&text)
    case .stripAccents: Self.filter(&text) { !UnicodeFacts.isCombiningMark($0) }
    case .strip(let left, let right): Self.strip(&text, left: left, right: right)
    case .replace(let pattern, let content): try Self.replace(pattern, with: content, in: &text)
    case .prepend(let content):
      if text.count > 0 { text.rewrite { Self.prepend(content, &$0) } }
    case .bert(let options): options.apply(to: &text)
    case .byteLevel: Self.byteLevel(&text)
    case .nmt: Self.nmt(&text)
    case .characterMap(let map): map.apply(to: &text)
    case .sentencePiece(let options): options.apply(to: &text)
    }
  }

  /// Writes `content` before the text; its characters share the place of the text's first.
  static func prepend(_ content: [UInt32], _ writer: inout AlignedText.Writer) {
    for scalar in content { writer.insertWithPlaceOfNext(scalar) }
    writer.copy(to: writer.old.count)
  }

  /// Every scalar's full lower-case mapping, whatever stands around it.
  static func lowercase(_ text: inout AlignedText) {
    guard text.withBytes({ bytes in bytes.contains { $0 >= 0x80 || ($0 >= 0x41 && $0 <= 0x5A) } }) else { return }
    text.rewrite { writer in
      while !writer.atEnd {
        let (scalar, end) = writer.peek()
        if scalar < 0x80 {
          writer.replace(with: scalar >= 0x41 && scalar <= 0x5A ? scalar | 0x20 : scalar)
        } else {
          Self.writeLowercase(of: scalar, end: end, &writer)
        }
      }
    }
  }

  static func writeLowercase(of value: UInt32, end: Int, _ writer: inout AlignedText.Writer) {
    guard let scalar = Unicode.Scalar(value), scalar.properties.changesWhenLowercased || value == 0x130 else {
      writer.copy(to: end)
      return
    }
    var first = true
    for lower in scalar.properties.lowercaseMapping.unicodeScalars {
      if first { writer.replace(with: lower.value) } else { writer.insert(lower.value) }
      first = false
    }
  }

  static func filter(_ text: inout AlignedText, keep: (UInt32) -> Bool) {
    let keepsAll = text.withBytes { bytes in
      guard let base = bytes.baseAddress else { return true }
      var position = 0
      while position < bytes.count {
        let (scalar, end) = UTF8Reading.scalar(base, position)
        if !keep(scalar) { return false }
        position = end
      }
      return true
    }
    if keepsAll { return }
    text.rewrite { writer in
      while !writer.atEnd {
        let (scalar, end) = writer.peek()
        if keep(scalar) { writer.copy(to: end) } else { writer.skip() }
      }
    }
  }

  static func strip(_ text: inout AlignedText, left: Bool, right: Bool) {
    let kept = text.withBytes { bytes -> Range<Int> in
      guard let base = bytes.baseAddress else { return 0..<0 }
      var start = 0
      var end = bytes.count
      while left, start < end {
        let (scalar, next) = UTF8Reading.scalar(base, start)
        guard UnicodeFacts.isWhitespace(scalar) else { break }
        start = next
      }
      while right, start < end {
        let previous = UTF8Reading.previous(base, end)
        guard UnicodeFacts.isWhitespace(UTF8Reading.scalar(base, previous).value) else { break }
        end = previous
      }
      return start..<end
    }
    if kept.count == text.count { return }
    text.rewrite { writer in
      writer.position = kept.lowerBound
      writer.copy(to: kept.upperBound)
    }
  }

  /// Refuses a text that steps have made many times longer than the document's: some could double it each time.
  static func check(_ count: Int, of text: AlignedText) throws {
    let limit = text.source.count * 64 + (1 << 24)
    guard count > limit else { return }
    throw Fault(
      .badData, "tokenizer.textGrows", "The tokenizer makes a text many times longer",
      place: "normalizer or pre_tokenizer",
      expected: "at most \(limit) bytes of a text of \(text.source.count)", found: "\(count)",
      advice: "use another tokenizer")
  }

  /// Each match gives way to `content`, which takes the place of the match's last character.
  static func replace(_ pattern: Pattern, with content: [UInt32], in text: inout AlignedText) throws {
    let finder = try pattern.finder(bytes: text.count)
    let matches = try text.withBytes { try finder.matches(in: $0, 0..<$0.count) }
    if matches.isEmpty { return }
    let bytes = content.reduce(0) { $0 + ($1 < 0x80 ? 1 : $1 < 0x800 ? 2 : $1 < 0x10000 ? 3 : 4) }
    let (added, overflows) = matches.count.multipliedReportingOverflow(by: bytes)
    try check(overflows ? Int.max : text.count + added, of: text)
    text.rewrite { writer in
      for match in matches {
        writer.copy(to: match.lowerBound)
        writer.position = match.upperBound
        for scalar in content { writer.insert(scalar) }
      }
      writer.copy(to: writer.old.count)
    }
  }

  /// Writes each byte as its character of GPT-2's alphabet.
  static func byteLevel(_ text: inout AlignedText) {
    text.rewrite { byteLevel(&$0) }
  }

  static func byteLevel(_ writer: inout AlignedText.Writer) {
    while !writer.atEnd {
      let start = writer.position
      let length = UTF8Reading.length(writer.old[start])
      writer.replace(with: ByteAlphabet.scalars[Int(writer.old[start])])
      for i in 1..<max(1, length) { writer.insert(ByteAlphabet.scalars[Int(writer.old[start + i])]) }
    }
  }
}

extension Normalizer {
  fileprivate static func nmt(_ text: inout AlignedText) {
    filter(&text) { scalar in
      switch scalar {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: false
      default: true
      }
    }
    func isSpace(_ scalar: UInt32) -> Bool {
      switch scalar {
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: true
      default: false
      }
    }
    text.rewrite { writer in
      while !writer.atEnd {
        let (scalar, end) = writer.peek()
        if isSpace(scalar) { writer.replace(with: 0x20) } else { writer.copy(to: end) }
      }
    }
  }
}

/// Questions about scalars that normalizers and pre-tokenizers share.
enum UnicodeFacts {
  static func isWhitespace(_ scalar: UInt32) -> Bool {
    scalar < 0x80
      ? scalar == 0x20 || (scalar >= 0x09 && scalar <= 0x0D)
      : ScalarTable.shared.entry(of: scalar) & ScalarTable.space != 0
  }

  /// Whether the scalar was assigned in a version of Unicode or before.
  ///
  /// The normalizers of Hugging Face's tokenizers know older versions than their patterns do, and vocabularies are made
  /// with them: normalization forms know version 9, BERT's classes version 8.
  static func isAssigned(_ scalar: UInt32, by version: Int) -> Bool {
    guard let age = Unicode.Scalar(scalar)?.properties.age else { return false }
    return age.major <= version
  }

  /// Unicode 9's general category M.
  static func isCombiningMark(_ scalar: UInt32) -> Bool {
    guard scalar >= 0x300 else { return false }
    if scalar == 0x1CF2 || scalar == 0x1CF3 { return true }
    if scalar == 0x111C9 { return false }
    let category = category(scalar)
    return category >= 5 && category <= 7 && isAssigned(scalar, by: 9)
  }

  /// Unicode 8's general category Mn.
  static func isNonspacingMark(_ scalar: UInt32) -> Bool {
    guard scalar >= 0x300 else { return false }
    switch scalar {
    case 0x1734, 0x1171E: return true
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    default: return category(scalar) == 5 && isAssigned(scalar, by: 8)
    }
  }

  static func category(_ scalar: UInt32) -> UInt8 {
    ScalarTable.shared.entry(of: scalar) & ScalarTable.categoryMask
  }

  static func isASCIIPunctuation(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    default: false
    }
  }

  /// ASCII punctuation and symbols, and Unicode 8's general category P.
  static func isPunctuation(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return isASCIIPunctuation(scalar) }
    if scalar == 0x166D || scalar == 0x111C9 { return true }
    let category = category(scalar)
    return category >= 11 && category <= 17 && isAssigned(scalar, by: 8)
  }

  /// Unicode's general category N.
  static func isNumeric(_ scalar: UInt32) -> Bool {
    scalar < 0x80
      ? scalar >= 0x30 && scalar <= 0x39 : ScalarTable.shared.entry(of: scalar) & ScalarTable.number != 0
  }

  /// What `\w` matches in Rust's regular expressions: alphabetic, marks, decimal numbers, connectors, joiners.
  static func isWord(_ value: UInt32) -> Bool {
    if value < 0x80 {
      return value == 0x5F || (value >= 0x30 && value <= 0x39) || (value | 0x20 >= 0x61 && value | 0x20 <= 0x7A)
    }
    let category = category(value)
    if category <= 8 || category == 11 || value == 0x200C || value == 0x200D { return true }
    if category == ScalarTable.category(.unassigned) { return false }
    return Unicode.Scalar(value)?.properties.isAlphabetic ?? false
  }
}

/// The options of BERT's normalizer.
struct BertNormalization: Sendable {
  var cleanText: Bool
  var handleChineseCharacters: Bool
  var stripAccents: Bool
  var lowercase: Bool

  func apply(to text: inout AlignedText) {
    if cleanText { clean(&text) }
    if handleChineseCharacters { separateIdeographs(&text) }
    if stripAccents {
      UnicodeNormalization.canonicalDecomposition.apply(to: &text)
      Normalizer.filter(&text) { !UnicodeFacts.isNonspacingMark($0) }
    }
    if lowercase { Normalizer.lowercase(&text) }
  }

  /// Removes control characters, U+0000 and U+FFFD, and turns every white space into a space.
  private func clean(_ text: inout AlignedText) {
    let isClean = text.withBytes { bytes in bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
    if isClean { return }
    text.rewrite { writer in
      while !writer.atEnd {
        let (scalar, end) = writer.peek()
        if scalar >= 0x20, scalar < 0x7F {
          writer.copy(to: end)
        } else if UnicodeFacts.isWhitespace(scalar) && !(scalar == 0x0B || scalar == 0x0C || scalar == 0x85) {
          writer.replace(with: 0x20)
        } else if scalar == 0 || scalar == 0xFFFD || Self.isControl(scalar) {
          writer.skip()
        } else {
          writer.copy(to: end)
        }
      }
    }
  }

  /// Unicode 8's general categories Cc, Cf, Cs and Co; tab, line feed and carriage return count as white space instead.
  private static func isControl(_ scalar: UInt32) -> Bool {
    let category = UnicodeFacts.category(scalar)
    return category >= 25 && category <= 28 && UnicodeFacts.isAssigned(scalar, by: 8)
  }

  /// Puts a space on either side of each CJK ideograph.
  private func separateIdeographs(_ text: inout AlignedText) {
    let has = text.withBytes { bytes -> Bool in
      guard let base = bytes.baseAddress else { return false }
      var position = 0
      while position < bytes.count {
        let (scalar, end) = UTF8Reading.scalar(base, position)
        if Self.isIdeograph(scalar) { return true }
        position = end
      }
      return false
    }
    if !has { return }
    text.rewrite { writer in
      while !writer.atEnd {
        let (scalar, end) = writer.peek()
        if Self.isIdeograph(scalar) {
          writer.insertWithPlaceOfNext(0x20)
          writer.replace(with: scalar)
          writer.insert(0x20)
        } else {
          writer.copy(to: end)
        }
      }
    }
  }

  /// The blocks that BERT calls Chinese.
  private static func isIdeograph(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
