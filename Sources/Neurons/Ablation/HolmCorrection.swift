/// Chances corrected for the number of things tried, by Holm's procedure (1979).
///
/// Where the i-th smallest of n chances is p, the corrected one is the largest (n − j + 1)·p_j over j ≤ i, at most 1. Of those
/// that stay at α or below, any at all is a false one with a chance of α at most, however the tries depend on each other.
public enum HolmCorrection {
  public static func corrected(_ chances: [Double]) -> [Double] {
    var result = chances
    var largest = 0.0
    let order = chances.indices.sorted { chances[$0] != chances[$1] ? chances[$0] < chances[$1] : $0 < $1 }
    for (place, index) in order.enumerated() {
      largest = max(largest, min(1, Double(chances.count - place) * chances[index]))
      result[index] = largest
    }
    return result
  }
}

/// One domain that an ablated neuron is said to fire for, put to the test.
public struct VerifiedMeaning: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  public var domain: String
  /// The chance of so large a growth of the loss where the neuron does nothing for the domain.
  public var chance: Double
  /// The same, corrected for all domains of all neurons that were tried.
  public var corrected: Double
  /// Whether the corrected chance is 5 % at most.
  public var isVerified: Bool { corrected <= Self.level }

  static let level = 0.05

  /// Tests each ablated neuron in the domains that it is said to fire for, all together.
  public static func test(_ effects: [NeuronAblation.Effect], domains: (NeuronReference) -> [String]) -> [Self] {
    let tried = effects.flatMap { effect in
      let own = domains(effect.neuron)
      return effect.domains.filter { own.contains($0.domain) }.map { (effect.neuron, $0) }
    }
    let chances = tried.map(\.1.chance)
    return zip(zip(tried, chances), HolmCorrection.corrected(chances)).map { pair, corrected in
      Self(neuron: pair.0.0, domain: pair.0.1.domain, chance: pair.1, corrected: corrected)
    }
  }
}
