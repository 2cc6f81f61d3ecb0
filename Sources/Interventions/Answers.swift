import Foundation
import LinearAlgebra

/// Two tokens that an intervention is to move the model between, and how logits are judged by them.
public struct Answers: Sendable, Equatable, Codable {
  public var right: Int32
  public var wrong: Int32

  public init(right: Int32, wrong: Int32) {
    self.right = right
    self.wrong = wrong
  }

  /// What a row of logits says of the answers.
  public struct Reading: Sendable, Equatable, Codable {
    /// The right answer's logit less the wrong one's.
    public var difference: Double
    /// The right answer's probability.
    public var probability: Double
  }

  /// - Parameter logits: Shape: [d_vocab].
  public func read(_ logits: ArraySlice<Float>) -> Reading {
    let (right, wrong) = (logits[logits.startIndex + Int(right)], logits[logits.startIndex + Int(wrong)])
    let largest = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
    return Reading(difference: Double(right) - Double(wrong), probability: exp(Double(right) - largest) / sum)
  }
}

/// The Kullback–Leibler divergence, in nats, of the distribution of some logits from that of others: what is lost where the
/// second is taken for the first.
public func divergence(of logits: ArraySlice<Float>, from reference: ArraySlice<Float>) -> Double {
  func logSum(_ values: ArraySlice<Float>) -> Double {
    let largest = Double(values.max() ?? 0)
    return largest + log(values.reduce(0.0) { $0 + exp(Double($1) - largest) })
  }
  let (own, other) = (logSum(logits), logSum(reference))
  return zip(logits, reference).reduce(0.0) { sum, pair in
    let expected = Double(pair.1) - other
    return sum + exp(expected) * (expected - (Double(pair.0) - own))
  }
}
