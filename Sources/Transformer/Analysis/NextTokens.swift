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

  /// A token's probability by a row of logits.
  public static func probability(of token: Int32, by logits: [Float]) -> Double {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(logits.count, 1)) { scratch in
      guard let scratch = scratch.baseAddress else { return 0 }
      return logits.withUnsafeBufferPointer { values in
        guard let start = values.baseAddress else { return 0 }
        return exp(Double(values[Int(token)]) - logSumExp(start, count: values.count, scratch: scratch))
      }
    }
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
}
