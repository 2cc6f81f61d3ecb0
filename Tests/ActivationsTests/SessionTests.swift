import Activations
import Diagnostics
import Foundation
import Testing
import Tokenization

@Suite struct SessionTests {
  /// A tokenizer of SentencePiece's kind, which puts a space in front of every text.
  private func session() throws -> Session {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "TokenizationTests/Fixtures/llama2.json")
    return Session(model: try Session("unfold-mini").model, tokenizer: try Tokenizer(contentsOf: file), name: "test")
  }

  /// `" Lily"` is the token with its space, though the tokenizer would put a second space in front.
  @Test func namesATokenWithTheSpaceThatTheTokenizerAdds() throws {
    let session = try session()
    let tokenizer = try session.requireTokenizer()
    let token = try #require(tokenizer.id("▁NASA"))
    #expect(try tokenizer.encode(" NASA", addSpecialTokens: false).ids.count > 1)
    #expect(try session.token(named: " NASA") == token)
    #expect(try session.token(named: "NASA") == token)
  }

  /// The token to name instead is none of white space alone.
  @Test func advisesATokenThatSaysSomething() throws {
    let fault = #expect(throws: Fault.self) { try session().token(named: " qzqz jkjk") }
    #expect(fault?.name == "session.notOneToken")
    let named = fault?.advice?.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first ?? ""
    #expect(named.contains { !$0.isWhitespace }, "\(fault?.advice ?? "")")
  }
}
