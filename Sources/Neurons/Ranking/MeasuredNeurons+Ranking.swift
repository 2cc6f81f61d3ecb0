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
    var chosen = neurons.filter { $0[measure] != nil }
    guard !chosen.isEmpty else { throw Self.notAvailable(measure, among: neurons.first?.present ?? []) }
    if let layers {
      chosen = chosen.filter { $0.neuron.layer.map(layers.contains) ?? false }
      guard !chosen.isEmpty else {
        let held = Set(neurons.compactMap(\.neuron.layer)).sorted()
        throw Fault(
          .usage, "neurons.noSuchLayer", "The source holds no neurons of this layer",
          place: layers.sorted().map { "layer \($0)" }.joined(separator: ", "),
          expected: "a layer among \(held.map(String.init).joined(separator: ", "))", found: "none of them")
      }
    }
    let sign = measure.sign * (least ? -1 : 1)
    let keys = chosen.map { sign * ($0[measure] ?? 0) }
    func places(_ keys: [Double]) -> [Int] {
      let order = keys.indices.sorted { keys[$0] != keys[$1] ? keys[$0] > keys[$1] : $0 < $1 }
      var places = [Int](repeating: 0, count: keys.count)
      for (place, index) in order.enumerated() { places[index] = place + 1 }
      return places
    }
    let own = places(keys)
    var controlled: [Int]?
    if chosen.allSatisfy({ $0[.lexicalShare] != nil }) {
      controlled = places(LexicalControl.residuals(keys, share: chosen.map { $0[.lexicalShare] ?? 0 }))
    }
    var reader = try ContextReader(source: source, piece: piece)
    return try chosen.indices.sorted { own[$0] < own[$1] }.prefix(count).map { index in
      RankedNeuron(
        neuron: chosen[index].neuron, rank: own[index], rankWithoutLexical: controlled?[index],
        measures: chosen[index],
        meanings: try meanings(of: chosen[index].neuron, examples: examples, reader: &reader),
        aurocs: aurocs(of: chosen[index].neuron))
    }
  }

  static func notAvailable(_ measure: NeuronMeasure, among present: [NeuronMeasure]) -> Fault {
    Fault(
      .badData, "neurons.measureNotAvailable", "The source cannot give this measure", place: measure.rawValue,
      expected: measure.need, found: "a source that gives \(present.map(\.rawValue).joined(separator: ", "))",
      advice: "rank by one of those, or give what is missing")
  }

  func aurocs(of neuron: NeuronReference) -> [String: Double] {
    guard let classes = contexts.classes, let site = siteNumbers[neuron.site] else { return [:] }
    let kinds = Kinds(labels: contexts.labels, count: classes.count)
    let profile = ConceptProfile(
      values: responses[site].values(neuron.index), labels: kinds.labels, counts: kinds.counts)
    return Dictionary(uniqueKeysWithValues: zip(classes, profile.auroc))
  }
}
