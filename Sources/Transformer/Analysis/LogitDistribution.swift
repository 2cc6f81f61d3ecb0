import Foundation
import LinearAlgebra

/// What a row of logits says of the next token, ready to be compared with other rows.
package struct LogitDistribution: Sendable {
  /// Shape: [d_vocab].
  package let probabilities: [Float]
  /// ln Σ exp(logit).
  package let logSum: Double
  /// −Σ p ln p, in nats.
  package let entropy: Double

  package init(_ logits: UnsafeBufferPointer<Float>) {
    let sum = logSumExp(logits)
    probabilities = logits.map { Float(exp(Double($0) - sum)) }
    logSum = sum
    entropy = zip(probabilities, logits).reduce(0) { $0 - Double($1.0) * (Double($1.1) - sum) }
  }

  package init(_ logits: [Float]) { self = logits.withUnsafeBufferPointer(Self.init) }

  /// KL(this ‖ other), in nats: what is lost where other logits are taken for these. At least 0.
  ///
  /// - Parameter otherSum: ln Σ exp of the other's logits.
  package func divergence(of other: UnsafeBufferPointer<Float>, logSum otherSum: Double) -> Double {
    var expected = 0.0
    for token in probabilities.indices { expected += Double(probabilities[token]) * Double(other[token]) }
    return max(0, otherSum - expected - entropy)
  }
}

/// ln Σ exp(x), from the largest value on so that nothing overflows; sums in double precision.
package func logSumExp(_ values: UnsafeBufferPointer<Float>) -> Double {
  guard let start = values.baseAddress else { return -.infinity }
  let scratch = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
  defer { scratch.deallocate() }
  return logSumExp(start, count: values.count, scratch: scratch)
}
