extension Tokenizer {
  /// The text of a sequence of tokens. Ids without a token are passed over; bytes that are no UTF-8 become U+FFFD.
  ///
  /// - Parameter skipSpecialTokens: Whether special tokens (begin, end and their like) are left out.
  /// - Throws: `tokenizer.patternTooSlow` where the decoder replaces a pattern that takes too long.
  public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = false) throws -> String {
    let pieces = ids.compactMap { id in skipSpecialTokens && isSpecial(id) ? nil : vocabulary.piece(id) }
    guard let decoder else { return pieces.joined(separator: " ") }
    return try decoder.decode(pieces).joined()
  }

  /// The text that one token stands for within a text, for display: "Ġthe" and "▁the" become " the", bytes that are no
  /// whole character become U+FFFD. Nil for an id without a token.
  public func text(of id: Int32) -> String? {
    guard let piece = vocabulary.piece(id) else { return nil }
    if added.all[id] != nil { return piece }
    if isByteLevel { return String(decoding: Decoder.bytes(ofByteLevel: piece), as: UTF8.self) }
    if let byte = Decoder.byte(ofFallback: piece), usesByteFallback {
      return String(decoding: [byte], as: UTF8.self)
    }
    if case .wordPiece = model { return piece }
    var text = String.UnicodeScalarView()
    for scalar in piece.unicodeScalars { text.append(scalar == "▁" ? " " : scalar) }
    return String(text)
  }

  /// The text that one token stands for as a reader can tell it from others: a token that ends inside a character, whose
  /// bytes are no text, is written by them, such as `<0xEB><0x8B>`. Nil for an id without a token.
  public func shownText(of id: Int32) -> String? {
    guard let text = text(of: id), text.unicodeScalars.contains("\u{FFFD}"), let piece = vocabulary.piece(id) else {
      return text(of: id)
    }
    let bytes =
      isByteLevel
      ? Decoder.bytes(ofByteLevel: piece) : Decoder.byte(ofFallback: piece).map { [$0] } ?? Array(piece.utf8)
    var shown = ""
    var place = 0
    while place < bytes.count {
      // The shortest run of bytes that is one character; a byte alone where there is none.
      let whole = (1...4).lazy.filter { place + $0 <= bytes.count }.compactMap { length in
        String(validating: bytes[place..<place + length], as: UTF8.self).map { (length, $0) }
      }.first
      if let (length, character) = whole {
        shown += character
        place += length
      } else {
        let digits = String(bytes[place], radix: 16, uppercase: true)
        shown += "<0x" + (digits.count < 2 ? "0" : "") + digits + ">"
        place += 1
      }
    }
    return shown
  }

  private var usesByteFallback: Bool {
    switch model {
    case .bytePairs(let model): model.byteFallback != nil
    case .unigram(let model): model.byteFallback != nil
    default: false
    }
  }
}
