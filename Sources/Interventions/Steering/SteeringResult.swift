import Foundation
import LinearAlgebra
import Probes
import Transformer

/// What a model writes under several strengths of steering, and what each costs.
public struct SteeringResult: Sendable, Codable, Equatable {
  public var model: String
  public var prompt: String
  public var directions: [Place]
  /// `add` or `clamp`.
  public var change: String
  /// Of strengths, what 1 adds.
  public var unit: SteeringSettings.Unit?
  public var tokens: SteeringSettings.Tokens
  public var target: Target?
  public var probe: ProbeName?
  public var reference: Reference?
  /// In the order of the strengths; the untouched model's first, unless a strength is 0.
  public var runs: [Run]

  /// A direction where it is applied.
  public struct Place: Sendable, Codable, Equatable {
    public var name: String
    public var kind: Direction.Kind
    public var site: String
    /// The direction's norm.
    public var norm: Double
    /// The mean norm of the activations at the site, untouched.
    public var streamNorm: Double
  }

  public struct Target: Sendable, Codable, Equatable {
    public var token: Int32
    public var piece: String
  }

  public struct ProbeName: Sendable, Codable, Equatable {
    public var name: String
    public var site: String
    /// The class that a reading above 0 speaks for.
    public var className: String
  }

  public struct Reference: Sendable, Codable, Equatable {
    public var name: String
    public var documents: Int
    public var predictions: Int
  }

  /// One strength.
  public struct Run: Sendable, Codable, Equatable {
    /// The strength, or the value a feature is clamped to; nil: the model is left as it is.
    public var amount: Double?
    /// What is added, in mean norms of the activations at the site; the mean over directions. nil of clamping.
    public var share: Double?
    /// The target's probability right after the prompt.
    public var targetProbability: Double?
    /// The tokens written, what they say, and why they end.
    public var continuation: [Int32]
    public var text: String
    public var stopped: Continuation.Stop
    /// The probe's mean score of the tokens written, read from the untouched model.
    public var probeScore: Double?
    public var cost: Cost?
  }

  /// The loss on the reference text, steered at every token.
  public struct Cost: Sendable, Codable, Equatable {
    /// Nats a prediction.
    public var loss: Double
    /// What is added to the untouched model's.
    public var added: Double
    /// The 95 % interval of what is added, paired over documents (Student's t of a ratio of sums); nil of one document.
    public var interval: Interval?

    init(_ own: [Loss], untouched: [Loss]) {
      let change = PairedChange(
        zip(own, untouched).map { own, untouched in
          PairedChange.Document(
            before: untouched.total, change: own.total - untouched.total, predictions: own.predictions)
        })
      (loss, added, interval) = (change.after, change.change, change.interval)
    }
  }
}
