import Foundation
import Unfold

/// A text on the command line.
enum TextArgument {
  /// The text; `-` reads standard input, none is empty.
  ///
  /// No more is read than the model could take: tokens of 64 bytes on average are longer than any vocabulary's.
  static func given(_ text: String?, for session: Session) throws -> String {
    guard text == "-" else { return text ?? "" }
    let context = session.model.architecture.longestDocument ?? session.model.architecture.context
    return try standardInput(most: max(1 << 20, min(context, 1 << 24) * 64), context: context)
  }

  /// The text as tokens, no more than the model's context has. Models with learned positions refuse more themselves.
  static func tokens(_ text: String?, for session: Session, addSpecialTokens: Bool) throws -> [Int32] {
    let tokens = try session.tokens(of: given(text, for: session), addSpecialTokens: addSpecialTokens)
    let architecture = session.model.architecture
    guard architecture.longestDocument != nil || tokens.count <= architecture.context else {
      throw Fault(
        .badData, "tool.textTooLong", "The text is longer than the model's context",
        expected: "at most \(Format.count(architecture.context)) tokens", found: Format.count(tokens.count),
        advice: "give a shorter text, or capture it as a corpus, which is split")
    }
    return tokens
  }

  private static func standardInput(most: Int, context: Int) throws -> String {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = block.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw Fault(
          .noInput, "tool.standardInput", "Standard input cannot be read", found: String(cString: strerror(errno)),
          advice: "give the text as an argument, or a file as in `unfold run MODEL - < text.txt`")
      }
      if count == 0 { break }
      bytes += block[..<count]
      guard bytes.count <= most else {
        throw Fault(
          .badData, "tool.textTooLong", "The text on standard input is longer than the model can take",
          expected: "at most \(Format.bytes(most)), for a context of \(Format.count(context)) tokens",
          found: "more", advice: "give a shorter text, or capture a corpus of several documents")
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
