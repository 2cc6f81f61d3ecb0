import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import Probes
import Transformer

extension NeuronCard {
  /// Gathers everything about a neuron that its source, its model, probes and a dictionary tell; what an ablation tells is added
  /// by who runs one.
  ///
  /// - Parameters:
  ///   - session: The source's model, for what the neuron's weights say; nil leaves that out.
  ///   - ranking: How contexts are compared for the neuron's meanings, and the column of labels.
  ///   - measured: What that ranking has measured already, where several cards are gathered.
  ///   - probes: Files of probes whose directions are compared with the weights.
  ///   - dictionary: Whose features' loads on the neuron are listed.
  ///   - note: Told what is left out, and why.
  /// - Throws: `probe.otherModel`, and what `NeuronCard.init(of:in:)`, `NeuronWeightSummary` and `FeatureLoads` throw.
  public init(
    of neuron: NeuronReference, in source: any ActivationSource, session: Session?, ranking: NeuronRanking,
    measured: MeasuredNeurons? = nil, probes: [URL] = [], dictionary: SparseAutoencoder? = nil, count: Int = 20,
    note: (String) -> Void = { _ in }
  ) throws {
    var weights: NeuronWeightSummary?
    if let session, neuron.layer != nil {
      weights = try NeuronWeightSummary(of: neuron, in: session.model, piece: session.piece ?? { "[\($0)]" })
    }
    try self.init(
      of: neuron, in: source, weights: weights, layers: session?.model.architecture.layers, count: count,
      piece: session?.piece)
    try addMeanings(source, ranking, measured, piece: session?.piece, note: note)
    if let session, let layer = neuron.layer {
      neighbours = try NeuronNeighbours(of: neuron, in: session.model)
      let directions = try Self.directions(source, column: ranking.column, layer: layer, probes: probes)
      concepts = try ConceptDirections.alignments(of: neuron, with: directions, in: session.model)
    }
    if let dictionary {
      features = try FeatureLoads.strongest(dictionary, neuron: neuron, model: session?.model)
    }
  }

  /// What ranking the neuron's site says of it, where the source allows it.
  private mutating func addMeanings(
    _ source: any ActivationSource, _ ranking: NeuronRanking, _ known: MeasuredNeurons?,
    piece: (@Sendable (Int32) -> String)?, note: (String) -> Void
  ) throws {
    do {
      let measured = try known ?? ranking.measure(source, sites: [neuron.site], piece: piece)
      guard let own = measured.neurons.first(where: { $0.neuron == neuron }) else { return }
      measures = own
      meanings = try measured.meanings(of: neuron, examples: 4)
    } catch let fault as Fault where fault.kind == .badData {
      note("What the neuron means is not told: \(fault.problem).")
    }
  }

  private static func directions(
    _ source: any ActivationSource, column: String, layer: Int, probes: [URL]
  ) throws -> [(concept: String, origin: String, direction: [Float])] {
    var directions: [(concept: String, origin: String, direction: [Float])] = []
    if let known = try ConceptDirections.ofLabels(source, column: column, layer: layer) {
      directions = known.directions.map { ($0.concept, known.site, $0.direction) }
    }
    for file in probes {
      let probe = try Probe(contentsOf: file)
      guard probe.record.origin.isOfSameModel(as: source.origin) else {
        throw Fault(
          .badData, "probe.otherModel", "The probe was trained on another model", file: file.relativePath,
          expected: source.origin.model, found: probe.record.origin.model,
          advice: "train a probe on the store's model")
      }
      directions += ConceptDirections.of(probe, file: file.lastPathComponent)
    }
    return directions
  }
}
