extension TokenTable {
  /// Which of the tokens came from the text, by their place in the table; the tokenizer added the others.
  public var fromText: [Int] { special.indices.filter { special[$0] == 0 } }
}

extension ActivationSource {
  /// Which of some rows take part, by their place among these: all, or those that came from the text.
  ///
  /// The norm of a token that the tokenizer adds, such as the begin token, can be a hundred times the others'. A row that
  /// stands for a whole document always takes part.
  ///
  /// - Throws: what reading the token table throws.
  public func places(in rows: Range<Int>, countingSpecialTokens: Bool) throws -> [Int] {
    guard rowKind == .token, !countingSpecialTokens else { return Array(0..<rows.count) }
    return try tokens(in: rows).fromText
  }
}
