import LinearAlgebra

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

  /// - Parameter logits: Shape: [d_vocab].
  func read(_ logits: UnsafeBufferPointer<Float>, clean: Distribution) -> Reading {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: logits.count) { weights in
      guard let logits = logits.baseAddress, let weights = weights.baseAddress else {
        return Reading(difference: 0, probability: 0, divergence: 0)
      }
      let own = Distribution(logits, count: clean.count, weights: weights)
      return Reading(
        difference: Double(logits[Int(right)]) - Double(logits[Int(wrong)]),
        probability: own.probability(of: Int(right)),
        divergence: max(0, own.divergence(from: clean)))
    }
  }
}
