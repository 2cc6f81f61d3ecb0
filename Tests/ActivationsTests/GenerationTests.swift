import Architectures
import Diagnostics
import Foundation
import TestFiles
import Testing
import Tokenization
import Transformer

@testable import Activations

/// Text that a model writes, and where it stops.
@Suite struct GenerationTests {
  /// What is shown of some stretches, piece by piece, and what is kept.
  private func show(_ stretches: [String], stops: [String]) -> (shown: [String], text: String, isStopped: Bool) {
    var text = StoppedText(stops: stops)
    var shown = stretches.enumerated().map { text.append($1, isLast: $0 == stretches.count - 1) }
    if stretches.isEmpty { shown = [text.append("", isLast: true)] }
    return (shown, text.given, text.isStopped)
  }

  @Test func aStopStringEndsTheTextWhereverItBegins() {
    // In one stretch, across two, across three.
    #expect(show(["one STOP two"], stops: ["STOP"]) == (["one "], "one ", true))
    #expect(show(["one ST", "OP two"], stops: ["STOP"]) == (["one ", ""], "one ", true))
    #expect(show(["one S", "T", "OP"], stops: ["STOP"]) == (["one ", "", ""], "one ", true))
    // The earliest of several wins, not the first named.
    #expect(show(["a\n\nb END"], stops: ["END", "\n\n"]) == (["a"], "a", true))
    // At once.
    #expect(show(["END"], stops: ["END"]) == ([""], "", true))
  }

  @Test func theBeginOfOneIsHeldBackAndGivenWhereItIsNone() {
    #expect(show(["one ST", "AY"], stops: ["STOP"]) == (["one ", "STAY"], "one STAY", false))
    // Held until the end.
    #expect(show(["one", " STO"], stops: ["STOP"]) == (["one", " STO"], "one STO", false))
    #expect(show(["one ST", ""], stops: ["STOP"]) == (["one ", "ST"], "one ST", false))
    // A stop within what another might become.
    #expect(show(["ab"], stops: ["abc", "b"]) == (["a"], "a", true))
    // A begin within a begin: "aab" begins at the second a.
    #expect(show(["aa", "ab"], stops: ["aab"]) == (["", "a"], "a", true))
    // Bytes of characters are not torn apart.
    #expect(show(["日", "本"], stops: ["本語"]) == (["日", "本"], "日本", false))
    #expect(show(["e\u{301}"], stops: ["e"]) == ([""], "", true))
    #expect(show(["text"], stops: [""]) == (["text"], "text", false))
    #expect(show([], stops: ["x"]) == ([""], "", false))
  }

  @Test func nothingIsShownBehindAStop() {
    var text = StoppedText(stops: ["."])
    #expect(text.append("a.b") == "a")
    #expect(text.append("c") == "")
    #expect(text.given == "a")
  }

  static let mini = Result { try Session("unfold-mini") }

  @Test func aStopStringAcrossTokensEndsGeneration() throws {
    let session = try Self.mini.get()
    let prompt = try session.tokens(of: "Once upon a time")
    let free = try session.generate(after: prompt, count: 24)
    #expect(free.stopped == .length && free.tokens.count == 24)
    // The same text as decoding all at once.
    let tokenizer = try session.requireTokenizer()
    let whole = try tokenizer.decode(prompt + free.tokens, skipSpecialTokens: true)
    #expect(whole == (try tokenizer.decode(prompt, skipSpecialTokens: true)) + free.text)
    // A stop string that begins within one token and ends within another.
    let pieces = try free.tokens.map { try tokenizer.decode([$0], skipSpecialTokens: true) }
    let place = try #require((4..<20).first { pieces[$0].count > 1 && pieces[$0 + 1].count > 1 })
    let stop = String(pieces[place].suffix(1)) + pieces[place + 1].prefix(2)
    let first = try #require(free.text.range(of: stop))
    var shown = ""
    let stopped = try session.generate(after: prompt, count: 24, stops: [stop]) { shown += $0 }
    #expect(stopped.stopped == .stopString)
    #expect(stopped.text == String(free.text[..<first.lowerBound]))
    #expect(shown == stopped.text)
    #expect(stopped.tokens == Array(free.tokens.prefix(stopped.tokens.count)))
    #expect(stopped.tokens.count < 24)
  }

  @Test func severalTextsAreWrittenAsEachAlone() throws {
    let session = try Self.mini.get()
    let texts = try ["Once upon a time", "def main"].map { try session.tokens(of: $0) }
    let sampling = Sampling(temperature: 0.9, topK: 30, seed: 7)
    let together = try session.generate(
      after: texts + [texts[0]], count: 10, sampling: sampling, sharesDraws: true, hooks: { _ in [] })
    for (text, written) in zip(texts + [texts[0]], together) {
      let alone = try session.generate(after: text, count: 10, sampling: sampling)
      #expect(written.tokens == alone.tokens && written.text == alone.text)
    }
    // Without it, equal texts draw their own.
    let apart = try session.generate(after: [texts[0], texts[0]], count: 10, sampling: sampling, hooks: { _ in [] })
    #expect(apart[0].tokens != apart[1].tokens)
  }

  @Test func theContextEndsAText() throws {
    let session = try Self.mini.get()
    let longest = try #require(session.model.architecture.longestDocument)
    let prompt = [Int32](repeating: 50, count: longest - 3)
    let written = try session.generate(after: prompt, count: 10, endsAtEndTokens: false)
    #expect(written.stopped == .context && written.tokens.count == 3)
    let tooLong = #expect(throws: Fault.self) {
      try session.generate(after: [Int32](repeating: 50, count: longest + 1), count: 1)
    }
    #expect(tooLong?.name == "transformer.documentTooLong")
  }

  @Test func anEndTokenEndsATextUnlessItIsIgnored() throws {
    let session = try Self.mini.get()
    let end = try #require(try session.requireTokenizer().endIDs.first)
    let prompt = try session.tokens(of: "Once upon a time")
    // An edit that makes the end token the likeliest.
    let hook = Hook(Site(.unembedOut)) { value in
      for token in value.rows { value[token, Int(end)] = 1e6 }
    }
    let ended = try session.generate(after: prompt, count: 4, hooks: [hook])
    #expect(ended.stopped == .endToken && ended.tokens == [end] && ended.text.isEmpty)
    let ignored = try session.generate(after: prompt, count: 4, endsAtEndTokens: false, hooks: [hook])
    #expect(ignored.stopped == .length && ignored.tokens == [end, end, end, end])
  }

  @Test func logitsThatAreNoNumbersAreRefused() throws {
    let session = try Self.mini.get()
    let prompt = try session.tokens(of: "Once")
    for bad in [Float.nan, .infinity] {
      let hook = Hook(Site(.unembedOut)) { value in
        for token in value.rows { value[token, 3] = bad }
      }
      let fault = #expect(throws: Fault.self) { try session.generate(after: prompt, count: 2, hooks: [hook]) }
      #expect(fault?.name == "transformer.nonfiniteLogits")
    }
    // −∞ forbids a token.
    let free = try session.generate(after: prompt, count: 1).tokens
    let hook = Hook(Site(.unembedOut)) { value in
      for token in value.rows { value[token, Int(free[0])] = -.infinity }
    }
    #expect(try session.generate(after: prompt, count: 1, hooks: [hook]).tokens != free)
  }
}
