import Activations
import Diagnostics
import Foundation

extension MeasuredNeurons {
  /// The neurons ordered by a measure, those that it says to mean most things first.
  ///
  /// - Parameters:
  ///   - least: from the other end: those that mean one thing.
  ///   - layers: only neurons of these layers.
  /// - Throws: `neurons.measureNotAvailable`, `neurons.noSuchLayer`.
  public func ranked(
    by measure: NeuronMeasure = .consensus, count: Int = 20, least: Bool = false, layers: Set<Int>? = nil,
    examples: Int = 1
  ) throws -> [RankedNeuron] {
    let chosen = try chosen(measure, layers: layers)
    let sign = measure.sign * (least ? -1 : 1)
    let keys = chosen.map { sign * (neurons[$0][measure] ?? 0) }
    func places(_ keys: [Double]) -> [Int] {
      let order = keys.indices.sorted { keys[$0] != keys[$1] ? keys[$0] > keys[$1] : $0 < $1 }
      var places = [Int](repeating: 0, count: keys.count)
      for (place, index) in order.enumerated() { places[index] = place + 1 }
      return places
    }
    let own = places(keys)
    let withoutLexical = withoutLexical(measure, sign: sign, of: chosen).map { places($0) }
    let table = null.table(measure, sign: sign)
    var reader = try ContextReader(source: source, piece: piece)
    return try chosen.indices.sorted { own[$0] < own[$1] }.prefix(count).map { index in
      let measures = neurons[chosen[index]]
      let (value, site) = (measures[measure] ?? 0, measures.neuron.site)
      return RankedNeuron(
        neuron: measures.neuron, rank: own[index], rankWithoutLexical: withoutLexical?[index], measures: measures,
        directionsReaching: table.share(reaching: value, .directions, site: site),
        rotationsReaching: table.share(reaching: value, .rotations, site: site),
        isAboveNull: table.isPassed(by: value, site: site),
        meanings: try meanings(of: measures.neuron, examples: examples, reader: &reader),
        aurocs: aurocs(of: measures.neuron))
    }
  }

  /// The neurons that have a measure, of the layers named.
  private func chosen(_ measure: NeuronMeasure, layers: Set<Int>?) throws -> [Int] {
    var chosen = neurons.indices.filter { neurons[$0][measure] != nil }
    guard !chosen.isEmpty else { throw Self.notAvailable(measure, among: neurons.first?.present ?? []) }
    if let layers {
      chosen = chosen.filter { neurons[$0].neuron.layer.map(layers.contains) ?? false }
      guard !chosen.isEmpty else {
        let held = Set(neurons.compactMap(\.neuron.layer)).sorted()
        throw Fault(
          .usage, "neurons.noSuchLayer", "The source holds no neurons of this layer",
          place: layers.sorted().map { "layer \($0)" }.joined(separator: ", "),
          expected: "a layer among \(held.map(String.init).joined(separator: ", "))", found: "none of them")
      }
    }
    return chosen
  }

  /// How the neurons stand against random directions by a measure.
  ///
  /// - Returns: nil where no random direction was measured by it.
  /// - Throws: what `ranked` throws.
  public func againstNull(
    by measure: NeuronMeasure, least: Bool = false, layers: Set<Int>? = nil
  ) throws -> NullComparison? {
    let chosen = try chosen(measure, layers: layers)
    let sign = measure.sign * (least ? -1 : 1)
    let table = null.table(measure, sign: sign)
    let sites = Set(chosen.map { neurons[$0].neuron.site })
    let kinds = NullKind.allCases.compactMap { null.summary(measure, $0, sign: sign, sites: sites) }
    guard let smallest = kinds.map(\.count).min() else { return nil }
    let values = chosen.map { sign * (neurons[$0][measure] ?? 0) }
    let above = chosen.count {
      table.isPassed(by: neurons[$0][measure] ?? 0, site: neurons[$0].neuron.site) == true
    }
    // Both the neurons above and the level, which rests on a sample of directions, vary by chance.
    let (n, level) = (Double(chosen.count), RankingNull.level)
    let deviation = (n * level * (1 - level) * (1 + n / Double(smallest))).squareRoot()
    return NullComparison(
      measure: measure, neurons: chosen.count, reached5: sign * RankingNull.reached(values, by: 0.05),
      reached1: sign * RankingNull.reached(values, by: 0.01), kinds: kinds, above: above,
      byChance: Int((n * level + 1.645 * deviation).rounded(.up)))
  }

  /// What orders neurons by a measure with the lexical effect taken out: the measure without each neuron's most
  /// frequent token, or, where documents do not give it, its ranks less what the token's share explains.
  ///
  /// - Returns: nil where the tokens are not known.
  func withoutLexical(_ measure: NeuronMeasure, sign: Double, of chosen: [Int]) -> [Double]? {
    guard chosen.allSatisfy({ neurons[$0][.lexicalShare] != nil }) else { return nil }
    let keys = chosen.map { sign * (neurons[$0][measure] ?? 0) }
    guard chosen.contains(where: { controlled[$0][measure] != nil }) else {
      return LexicalControl.residuals(keys, share: chosen.map { neurons[$0][.lexicalShare] ?? 0 })
    }
    return zip(chosen, keys).map { index, key in controlled[index][measure].map { sign * $0 } ?? key }
  }

  static func notAvailable(_ measure: NeuronMeasure, among present: [NeuronMeasure]) -> Fault {
    Fault(
      .badData, "neurons.measureNotAvailable", "The source cannot give this measure", place: measure.rawValue,
      expected: measure.need, found: "a source that gives \(present.map(\.rawValue).joined(separator: ", "))",
      advice: "rank by one of those, or give what is missing")
  }

  func aurocs(of neuron: NeuronReference) -> [String: Double] {
    guard let classes = contexts.classes, let site = siteNumbers[neuron.site],
      responses[site].gathered == nil
    else { return [:] }
    let kinds = Kinds(labels: contexts.labels, count: classes.count)
    let auroc = responses[site].profile(neuron.index, kinds).profile.auroc
    return Dictionary(uniqueKeysWithValues: zip(classes, auroc))
  }
}
