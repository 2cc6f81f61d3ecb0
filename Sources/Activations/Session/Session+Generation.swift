import Diagnostics
import Foundation
import Tokenization
import Transformer

/// A text that a model wrote.
public struct GeneratedText: Sendable, Equatable, Codable {
  /// The tokens added to the text given.
  public var tokens: [Int32]
  /// What they say, up to the stop string where one ended it.
  public var text: String
  public var stopped: Continuation.Stop
  /// New tokens a second: those behind the first, since the first waits for the text to be read and for the weights. Of a
  /// single token, over the whole time; 0 of none.
  public var tokensPerSecond: Double
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
    try generate(
      after: [tokens], count: count, sampling: sampling, stops: stops, endsAtEndTokens: endsAtEndTokens,
      hooks: { _ in hooks }, show: { show($1) })[0]
  }

  /// Continues several texts at once, each until it ends by itself.
  ///
  /// - Parameters:
  ///   - sharesDraws: Whether the same random numbers choose the tokens of all.
  ///   - hooks: Edits of a run over some of the texts, whose numbers are given in the order of the batch.
  /// - Throws: `session.noTokenizer` and those of `Model.generate`.
  public func generate(
    after texts: [[Int32]], count: Int, sampling: Sampling = Sampling(), stops: [String] = [],
    endsAtEndTokens: Bool = true, sharesDraws: Bool = false, hooks: (_ texts: [Int]) -> [Hook],
    show: (_ text: Int, _ stretch: String) -> Void = { _, _ in }
  ) throws -> [GeneratedText] {
    let tokenizer = try requireTokenizer()
    // What comes first in a text may lose its space: the text given is decoded before.
    var decoders = try texts.map { tokens in
      var decoder = StreamingDecoder(tokenizer, skipSpecialTokens: true)
      for token in tokens { _ = try decoder.append(token) }
      return decoder
    }
    var written = texts.map { _ in StoppedText(stops: stops) }
    let start = DispatchTime.now().uptimeNanoseconds
    var times = texts.map { _ in [UInt64]() }
    let continuations = try model.generate(
      after: texts, count: count, sampling: sampling, ends: endsAtEndTokens ? Set(tokenizer.endIDs) : [],
      sharesDraws: sharesDraws, hooks: hooks,
      each: { number, token in
        times[number].append(DispatchTime.now().uptimeNanoseconds)
        show(number, written[number].append(try decoders[number].append(token)))
        return written[number].isStopped ? .stopString : nil
      })
    return try continuations.enumerated().map { number, continuation in
      if !written[number].isStopped {
        show(number, written[number].append(try decoders[number].finish(), isLast: true))
      }
      let own = times[number]
      let (from, counted) = own.count > 1 ? (own[0], own.count - 1) : (start, own.count)
      let seconds = Double((own.last ?? start) - from) * 1e-9
      return GeneratedText(
        tokens: continuation.tokens, text: written[number].given,
        stopped: written[number].isStopped ? .stopString : continuation.stopped,
        tokensPerSecond: seconds > 0 ? Double(counted) / seconds : 0)
    }
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
