/// A step from pieces back to text: the `decoder` of a tokenizer.json.
indirect enum Decoder: Sendable {
  case sequence([Decoder])
  case byteLevel
  case byteFallback
  case fuse
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case replace(Pattern, with: String)
  case metaspace(Unicode.Scalar, stripsFirst: Bool)
  case wordPiece(prefix: String, cleansUp: Bool)
  case bytePair(suffix: String)
  /// Of a speech model: repeated pieces are one, padding is silence.
  case ctc(padding: String, delimiter: String, cleansUp: Bool)

  /// Turns the pieces of a sequence into texts, which joined are the sequence's text.
  ///
  /// - Throws: `tokenizer.patternTooSlow`.
  func decode(_ pieces: [String]) throws -> [String] {
    switch self {
    case .sequence(let steps): return try steps.reduce(pieces) { try $1.decode($0) }
    case .byteLevel: return [String(decoding: pieces.flatMap(Self.bytes(ofByteLevel:)), as: UTF8.self)]
    case .byteFallback: return Self.byteFallback(pieces)
    case .fuse: return [pieces.joined()]
    case .strip(let content, let start, let stop):
      return pieces.map { Self.strip($0, content, start: start, stop: stop) }
    case .replace(let pattern, let content):
      let finder = try pattern.finder(bytes: pieces.reduce(0) { $0 + $1.utf8.count })
      return try pieces.map { piece in
        var piece = piece
        return try piece.withUTF8 { Self.replace(try finder.matches(in: $0, 0..<$0.count), with: content, in: $0) }
      }
    case .metaspace(let mark, let stripsFirst):
      return pieces.enumerated().map { index, piece in
        var text = String.UnicodeScalarView()
        for scalar in piece.unicodeScalars {
          if scalar != mark { text.append(scalar) } else if index > 0 || !stripsFirst { text.append(" ") }
        }
        return String(text)
      }
    case .wordPiece(let prefix, let cleansUp):
      return pieces.enumerated().map { index, piece in
        var text = piece
        if index > 0 { text = Self.dropping(prefix, from: piece) ?? " " + piece }
        return cleansUp ? Self.cleanUp(text) : text
      }
    case .bytePair(let suffix):
      return pieces.enumerated().map { index, piece in
        Self.replacing(suffix, by: index == pieces.count - 1 ? "" : " ", in: piece)
      }
    case .ctc(let padding, let delimiter, let cleansUp):
      return pieces.indices.compactMap { index in
        let piece = pieces[index]
        if index > 0, pieces[index - 1].utf8.elementsEqual(piece.utf8) { return nil }
        var text = Self.replacing(padding, by: "", in: piece)
        if cleansUp { text = Self.replacing(delimiter, by: " ", in: Self.cleanUp(text)) }
        return text.isEmpty ? nil : text
      }
    }
  }

  /// The bytes that a piece of a byte-level vocabulary stands for; a piece with other characters stands for itself.
  static func bytes(ofByteLevel piece: String) -> [UInt8] {
    ByteAlphabet.bytes(of: piece.unicodeScalars) ?? Array(piece.utf8)
  }

  /// The byte of a piece such as `<0x0A>`.
  static func byte(ofFallback piece: String) -> UInt8? {
    let text = Array(piece.utf8)
    guard text.count == 6, text.starts(with: Array("<0x".utf8)), text[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: text[3...4], as: UTF8.self), radix: 16)
  }

  /// Runs of byte pieces become the text they spell, or one U+FFFD for each byte where they spell none.
  private static func byteFallback(_ pieces: [String]) -> [String] {
    var result: [String] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if let text = String(validating: bytes, as: UTF8.self) {
        result.append(text)
      } else {
        result += bytes.map { _ in "\u{FFFD}" }
      }
      bytes.removeAll()
    }
    for piece in pieces {
      if let byte = byte(ofFallback: piece) {
        bytes.append(byte)
      } else {
        flush()
        result.append(piece)
      }
    }
    flush()
    return result
  }

  private static func strip(_ piece: String, _ content: Unicode.Scalar, start: Int, stop: Int) -> String {
    var scalars = Array(piece.unicodeScalars)[...]
    for _ in 0..<start where scalars.first == content { scalars.removeFirst() }
    for _ in 0..<stop where scalars.last == content { scalars.removeLast() }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func replace(
    _ matches: [Range<Int>], with content: String, in bytes: UnsafeBufferPointer<UInt8>
  ) -> String {
    var text: [UInt8] = []
    var position = 0
    for match in matches {
      text += bytes[position..<match.lowerBound]
      text += content.utf8
      position = match.upperBound
    }
    text += bytes[position...]
    return String(decoding: text, as: UTF8.self)
  }

  /// The text after a prefix, compared by bytes.
  private static func dropping(_ prefix: String, from text: String) -> String? {
    let bytes = text.utf8
    guard bytes.starts(with: prefix.utf8) else { return nil }
    return String(decoding: bytes.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  private static func replacing(_ wanted: String, by content: String, in text: String) -> String {
    var text = text
    return text.withUTF8 {
      replace(Pattern.occurrences(of: Array(wanted.utf8), in: $0, 0..<$0.count), with: content, in: $0)
    }
  }

  /// Undoes the spaces that English tokenization puts before punctuation and contractions.
  private static func cleanUp(_ text: String) -> String {
    var text = text
    for (wanted, content) in [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
      (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ] { text = replacing(wanted, by: content, in: text) }
    return text
  }
}
