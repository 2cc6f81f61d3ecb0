import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// A token that may come next.
public struct TokenPrediction: Sendable, Equatable, Codable {
  public var token: Int32
  public var logit: Float
  public var probability: Double

  public init(token: Int32, logit: Float, probability: Double) {
    self.token = token
    self.logit = logit
    self.probability = probability
  }

  /// The most probable tokens of a row of logits, best first.
  public static func top(_ count: Int, of logits: [Float]) -> [TokenPrediction] {
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: max(logits.count, 1))
    defer { scratch.deallocate() }
    return logits.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return [] }
      let total = logSumExp(start, count: values.count, scratch: scratch)
      return topK(count, of: values).map {
        TokenPrediction(token: Int32($0.index), logit: $0.value, probability: exp(Double($0.value) - total))
      }
    }
  }
}

extension Model {
  /// The tokens that are most probable after each document's last (of BERT: in place of it), best first.
  public func nextTokens(after batch: TokenBatch, count: Int, hooks: [Hook] = []) throws -> [[TokenPrediction]] {
    guard let logits = try run(batch, hooks: hooks, logits: .lastOfEachDocument) else { return [] }
    return (0..<logits.rows).map { TokenPrediction.top(count, of: logits.row($0)) }
  }

  /// Continues a document with the most probable token, over and over.
  ///
  /// - Parameters:
  ///   - tokens: The document so far, at least one token.
  ///   - count: How many tokens to add at most; fewer where the model's positions end.
  ///   - ends: Tokens after which to stop; such a token is included.
  ///   - body: Called with each token as it is chosen; false stops.
  /// - Returns: The tokens added.
  /// - Throws: `Fault` named `transformer.noNextToken` for models that are not causal, and those of `run`.
  public func continueGreedily(
    _ tokens: [Int32], count: Int, ends: Set<Int32> = [], hooks: [Hook] = [], each body: (Int32) -> Bool = { _ in true }
  ) throws -> [Int32] {
    guard architecture.head.kind == .nextToken else {
      throw Fault(
        .usage, "transformer.noNextToken", "This model does not predict next tokens, so it cannot continue a text",
        file: folder.path, expected: "a causal language model", found: architecture.modelType)
    }
    guard !tokens.isEmpty else {
      throw Fault(
        .usage, "transformer.emptyText", "There is nothing to continue", expected: "at least one token",
        found: "none", advice: "give a text, or the begin token")
    }
    var text = tokens
    while text.count < tokens.count + count, text.count < architecture.longestDocument ?? .max {
      let batch = TokenBatch(documents: [text])
      guard let next = try nextTokens(after: batch, count: 1, hooks: hooks).first?.first?.token else { break }
      text.append(next)
      if !body(next) || ends.contains(next) { break }
    }
    return Array(text[tokens.count...])
  }
}
