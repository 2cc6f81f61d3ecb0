import Activations
import Transformer

/// How a model is steered, and what it writes meanwhile.
public struct SteeringSettings: Sendable {
  /// What is done to the activations along a direction.
  public enum Change: Sendable, Equatable {
    /// The direction times each strength is added, in one run each.
    case add(strengths: [Double], unit: Unit)
    /// A dictionary's feature is given each activation, in one run each: what is added is (value − activation) · direction.
    case clamp(values: [Double])

    /// The strengths or the values.
    var amounts: [Double] {
      switch self {
      case .add(let strengths, _): strengths
      case .clamp(let values): values
      }
    }
  }

  /// What a strength of 1 adds.
  public enum Unit: String, Sendable, Codable, CaseIterable {
    /// The direction as it is: of a feature a unit of its activation, of a control vector repeng's coefficient.
    case vector
    /// The direction with the mean norm of the activations at its site, over the reference text behind its first tokens.
    case stream
  }

  /// Which tokens' activations are changed.
  public enum Tokens: String, Sendable, Codable, CaseIterable {
    /// All, the prompt's too.
    case all
    /// The prompt's last and every new one: those that a new token is predicted from.
    case last
    /// New ones alone, so that the first of them is chosen by the untouched model.
    case new
  }

  public var change: Change
  public var tokens: Tokens
  /// New tokens at most.
  public var count: Int
  public var sampling: Sampling
  public var stops: [String]
  public var endsAtEndTokens: Bool
  /// The token whose probability right after the prompt is read.
  public var target: Int32?

  public init(
    change: Change, tokens: Tokens = .all, count: Int = 40, sampling: Sampling = Sampling(), stops: [String] = [],
    endsAtEndTokens: Bool = true, target: Int32? = nil
  ) {
    self.change = change
    self.tokens = tokens
    self.count = count
    self.sampling = sampling
    self.stops = stops
    self.endsAtEndTokens = endsAtEndTokens
    self.target = target
  }
}
