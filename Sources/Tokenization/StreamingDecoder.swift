/// Decodes tokens as they are generated, giving out text as soon as no later token can change it.
///
/// A token may end within a character, and some decoders treat a text's first token apart; so the text of the last few
/// tokens is decoded with and without the newest, and the difference given out once it ends in a whole character.
public struct StreamingDecoder {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The tokens that are still decoded together; those before `given` have had their text given out.
  private var window: [Int32] = []
  private var given = 0

  public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = false) {
    self.tokenizer = tokenizer
    skipsSpecialTokens = skipSpecialTokens
  }

  /// Takes the next token and returns the text that is settled by it, which may be empty.
  ///
  /// - Throws: As `Tokenizer.decode`.
  public mutating func append(_ id: Int32) throws -> String {
    window.append(id)
    return try settle(atEnd: false)
  }

  /// The text still held back, in which an unfinished character is U+FFFD.
  public mutating func finish() throws -> String { try settle(atEnd: true) }

  private mutating func settle(atEnd: Bool) throws -> String {
    let before = Array(try tokenizer.decode(window[..<given], skipSpecialTokens: skipsSpecialTokens).utf8)
    let now = Array(try tokenizer.decode(window, skipSpecialTokens: skipsSpecialTokens).utf8)
    let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
    guard now.count > before.count, atEnd || !now.suffix(3).elementsEqual(replacement) else { return "" }
    window.removeFirst(given)
    given = window.count
    return String(decoding: now[before.count...], as: UTF8.self)
  }
}
