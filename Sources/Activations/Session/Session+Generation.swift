import Diagnostics
import Tokenization
import Transformer

/// A text that a model wrote.
public struct GeneratedText: Sendable, Equatable, Codable {
  /// The tokens added to the text given.
  public var tokens: [Int32]
  /// What they say, up to the stop string where one ended it.
  public var text: String
  public var stopped: Continuation.Stop
}

extension Session {
  /// Continues a text token by token; see `Model.generate`.
  ///
  /// - Parameters:
  ///   - tokens: The text so far, at least one token.
  ///   - stops: Texts that end it where they appear; they are not part of the result's text.
  ///   - endsAtEndTokens: Whether a token that the tokenizer knows as an end ends it.
  ///   - hooks: Edits of every run: over the text, then over each new token.
  ///   - show: Called with each new stretch of text as soon as no later token can change it.
  /// - Throws: `session.noTokenizer` and those of `Model.generate`.
  public func generate(
    after tokens: [Int32], count: Int, sampling: Sampling = Sampling(), stops: [String] = [],
    endsAtEndTokens: Bool = true, hooks: [Hook] = [], show: (String) -> Void = { _ in }
  ) throws -> GeneratedText {
    let tokenizer = try requireTokenizer()
    let ends = endsAtEndTokens ? Set(tokenizer.endIDs) : []
    // What comes first in a text may lose its space: the text given is decoded before.
    var decoder = StreamingDecoder(tokenizer, skipSpecialTokens: true)
    for token in tokens { _ = decoder.append(token) }
    var text = StoppedText(stops: stops)
    let continuation = try model.generate(
      after: [tokens], count: count, sampling: sampling, ends: ends, hooks: { _ in hooks },
      each: { _, token in
        show(text.append(decoder.append(token)))
        return text.isStopped ? .stopString : nil
      })[0]
    if !text.isStopped { show(text.append(decoder.finish(), isLast: true)) }
    return GeneratedText(
      tokens: continuation.tokens, text: text.given, stopped: text.isStopped ? .stopString : continuation.stopped)
  }
}

/// A text that grows until one of some strings appears in it; what may be the beginning of one is held back.
struct StoppedText {
  let stops: [[UInt8]]
  private(set) var given = ""
  private(set) var isStopped = false
  private var held: [UInt8] = []

  init(stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// Takes the next stretch; returns what is settled by it.
  mutating func append(_ stretch: String, isLast: Bool = false) -> String {
    guard !isStopped else { return "" }
    held += stretch.utf8
    var settled = held.count
    search: for start in held.indices {
      let rest = held[start...]
      for stop in stops {
        if rest.starts(with: stop) {
          isStopped = true
          settled = start
          break search
        }
        if !isLast, settled > start, stop.starts(with: rest) { settled = start }
      }
    }
    let text = String(decoding: held[..<settled], as: UTF8.self)
    held.removeFirst(settled)
    given += text
    return text
  }
}
