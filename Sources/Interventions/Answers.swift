import Foundation
import LinearAlgebra
import Transformer

/// Two tokens that an intervention is to move the model between.
public struct Answers: Sendable, Equatable, Codable {
  public var right: Int32
  public var wrong: Int32

  public init(right: Int32, wrong: Int32) {
    self.right = right
    self.wrong = wrong
  }

  /// What the logits behind a text say of the answers.
  public struct Reading: Sendable, Equatable, Codable {
    /// The right answer's logit less the wrong one's.
    public var difference: Double
    /// The right answer's probability.
    public var probability: Double
    /// KL(the clean run ‖ this one), in nats.
    public var divergence: Double
  }

  func read(_ logits: UnsafeBufferPointer<Float>, clean: LogitDistribution) -> Reading {
    let sum = logSumExp(logits)
    let (right, wrong) = (Double(logits[Int(right)]), Double(logits[Int(wrong)]))
    return Reading(
      difference: right - wrong, probability: exp(right - sum), divergence: clean.divergence(of: logits, logSum: sum))
  }
}
