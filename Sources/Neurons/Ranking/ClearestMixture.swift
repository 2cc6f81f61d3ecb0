import Activations
import Diagnostics
import Foundation

extension NeuronRanking {
  /// Of the 64 most polysemantic neurons of a site that with the most even mixture of clear meanings.
  ///
  /// - Throws: `Fault` named `neurons.noPolysemanticNeuron` where none means two things, and those of `measure`.
  public func clearestMixture(
    in source: any ActivationSource, site: String, piece: (@Sendable (Int32) -> String)? = nil
  ) throws -> NeuronReference {
    let measured = try measure(source, sites: [site], piece: piece)
    guard let found = try measured.ranked(count: 64).max(by: { $0.mixture < $1.mixture }), found.mixture > 1 else {
      throw Fault(
        .badData, "neurons.noPolysemanticNeuron", "No neuron of the layer fires for two unrelated labels", place: site,
        advice: "name a neuron, such as --neuron L0.17")
    }
    return found.neuron
  }
}

extension RankedNeuron {
  /// e^H of the meanings' shares of the top examples, times what they cover and the least separation: how many clear
  /// meanings the neuron has, and how evenly.
  var mixture: Double { Self.mixture(of: meanings.map { ($0.topShare, $0.separation) }) }

  static func mixture(of meanings: [(share: Double, separation: Double?)]) -> Double {
    let shares = meanings.map(\.share).filter { $0 > 0 }
    let total = shares.reduce(0, +)
    guard shares.count > 1 else { return 0 }
    let entropy = -shares.reduce(0) { $0 + $1 / total * log($1 / total) }
    return exp(entropy) * total * (meanings.compactMap(\.separation).min() ?? 1)
  }
}
