extension Tokenizer {
  /// The text of a sequence of tokens. Ids without a token are passed over; bytes that are no UTF-8 become U+FFFD.
  ///
  /// - Parameter skipSpecialTokens: Whether special tokens (begin, end and their like) are left out.
  public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = false) -> String {
    let pieces = ids.compactMap { id in skipSpecialTokens && isSpecial(id) ? nil : vocabulary.piece(id) }
    guard let decoder else { return pieces.joined(separator: " ") }
    return decoder.decode(pieces).joined()
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

  private var usesByteFallback: Bool {
    switch model {
    case .bytePairs(let model): model.byteFallback != nil
    case .unigram(let model): model.byteFallback != nil
    default: false
    }
  }
}
