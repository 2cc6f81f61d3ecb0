import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// What a model says after a text.
public struct Continuation: Sendable, Equatable, Codable {
  /// The tokens added; the end token, where one ended it, is the last.
  public var tokens: [Int32] = []
  public var stopped: Stop = .length

  public enum Stop: String, Sendable, Codable {
    /// As many tokens as were asked for.
    case length
    case endToken = "end_token"
    case stopString = "stop_string"
    /// The model's positions end here.
    case context
  }

  public init() {}
}

extension Model {
  /// Continues documents token by token, with the keys and values of what was read before kept.
  ///
  /// Equal to running the whole text again for each token, but for rounding. A run reads the weights once for all
  /// documents.
  /// - Parameters:
  ///   - documents: Each at least one token.
  ///   - count: How many tokens to add to each at most; fewer where the model's positions end.
  ///   - sharesDraws: Whether the same random numbers choose the tokens of all documents, so that they differ by their
  ///     logits alone.
  ///   - ends: Tokens after which a document is finished.
  ///   - hooks: The edits of a run over some of the documents, whose numbers are given in the order of the batch: first
  ///     over the whole texts, then over each one's newest token.
  ///   - body: Called with each token as it is chosen, and its document; a reason ends the document there.
  /// - Throws: `Fault` named `transformer.noNextToken` for models that are not causal, `transformer.emptyText`,
  ///   `transformer.nonfiniteLogits`, and those of `run`.
  public func generate(
    after documents: [[Int32]], count: Int, sampling: Sampling = Sampling(), ends: Set<Int32> = [],
    sharesDraws: Bool = false, hooks: (_ documents: [Int]) -> [Hook] = { _ in [] },
    each body: (_ document: Int, _ token: Int32) throws -> Continuation.Stop? = { _, _ in nil }
  ) throws -> [Continuation] {
    try requireNextToken("it cannot continue a text")
    guard documents.allSatisfy({ !$0.isEmpty }) else {
      throw Fault(
        .usage, "transformer.emptyText", "There is nothing to continue", expected: "at least one token",
        found: "none", advice: "give a text, or the begin token")
    }
    var result = documents.map { _ in Continuation() }
    var generators = documents.indices.map {
      SeededGenerator(seed: sampling.seed, stream: "generate \(sharesDraws ? 0 : $0)")
    }
    let caches = documents.map { _ in KeyValueCache(for: architecture) }
    func text(_ document: Int) -> [Int32] { documents[document] + result[document].tokens }
    var going = count > 0 ? Array(documents.indices) : []
    while !going.isEmpty {
      let batch = TokenBatch(
        documents: going.map { document in
          let (text, cache) = (text(document), caches[document])
          if !architecture.keysHold(from: cache.count, to: text.count) { cache.truncate(to: 0) }
          return Array(text[cache.count...])
        })
      let start = RunStart(pasts: going.map { .extending(caches[$0]) })
      guard let logits = try run(batch, from: start, hooks: hooks(going), logits: .lastOfEachDocument) else { break }
      let running = going
      for (row, document) in running.enumerated() {
        let own = logits.row(row)
        try requireUsable(own)
        let token = sampling.choose(own, after: text(document), &generators[document])
        result[document].tokens.append(token)
        var stop = try body(document, token)
        if stop == nil, ends.contains(token) { stop = .endToken }
        if stop == nil, result[document].tokens.count == count { stop = .length }
        if stop == nil, text(document).count >= architecture.longestDocument ?? .max { stop = .context }
        guard let stop else { continue }
        result[document].stopped = stop
        going.removeAll { $0 == document }
      }
    }
    return result
  }

  /// Refuses logits that no token can be chosen by; −∞ alone says that a token cannot come.
  ///
  /// - Throws: `Fault` named `transformer.nonfiniteLogits`.
  package func requireUsable(_ logits: [Float]) throws {
    let bad = logits.withUnsafeBufferPointer { values in
      values.baseAddress.map { Kernels.countNonfinite($0, count: values.count) } ?? 0
    }
    guard bad > 0, bad == logits.count || logits.contains(where: { $0.isNaN || $0 == .infinity }) else { return }
    throw Fault(
      .badData, "transformer.nonfiniteLogits", "The model's logits are NaN or infinite", file: folder.path,
      expected: "finite logits", found: "\(bad) of \(logits.count) that are not",
      advice: "make the run's edits smaller, or check the weights")
  }

  /// - Throws: `Fault` named `transformer.noNextToken` where the model does not predict next tokens.
  package func requireNextToken(_ consequence: String) throws {
    guard architecture.head.kind != .nextToken else { return }
    guard architecture.hasLogits else { throw noLogits }
    throw Fault(
      .usage, "transformer.noNextToken", "This model does not predict next tokens, so \(consequence)",
      file: folder.path, expected: "a causal language model", found: architecture.modelType)
  }
}
