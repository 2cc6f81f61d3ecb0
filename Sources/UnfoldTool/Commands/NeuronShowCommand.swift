import ArgumentParser
import Foundation
import Unfold

extension NeuronAblation.Replacement: ExpressibleByArgument {}

/// How neurons are ablated.
struct AblationArguments: ParsableArguments {
  @Option(name: .long, help: "What an ablated neuron's activation is replaced by: mean or zero.")
  var replaceBy: NeuronAblation.Replacement = .mean
  @Option(name: .long, help: "Documents of each domain that the model is run on when a neuron is ablated.")
  var domainDocuments = 16

  func validate() throws {
    if domainDocuments < 1 { throw ValidationError("--domain-documents must be at least 1.") }
  }

  func run(
    _ neurons: [NeuronReference], loaded: Session?, source: any ActivationSource, label: String,
    _ common: CommonOptions
  ) throws -> [NeuronAblation.Effect] {
    guard let loaded else {
      throw Fault(
        .usage, "tool.noModel", "A neuron cannot be ablated without its model",
        expected: "--model and a folder or name",
        found: "a model that is not here: \(source.origin.model)", advice: "name the model with --model")
    }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    return try NeuronAblation(
      replacement: replaceBy, column: label, documentsPerDomain: domainDocuments, seed: common.seed
    ).run(
      neurons, model: loaded.model, source: source, piece: loaded.piece,
      progress: { line.update("ablating, batch \($0) of \($1)") })
  }
}

struct NeuronsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "One neuron's card: what it fires for, reads and writes, and what the model loses without it.",
    discussion: """
      Examples:
        unfold neurons show store L2.431
        unfold neurons show store L2.431 --ablate
        unfold neurons show store L2.E5.43             # neuron 43 of expert 5
        unfold neurons show store L2.431 --model ./gpt2 --probe questions.safetensors --dictionary sae

      The model that the store was captured from is found by its name, or given with --model.
      """)

  @Argument(help: "A store with the neuron's activations or its top examples.") var store: String
  @Argument(help: "The neuron, such as L2.431, or L2.E5.43 of an expert.") var neuron: NeuronArgument
  @Option(name: .long, help: "The model of the store, for what the neuron's weights say.") var model: String?
  @Option(name: .long, help: "A probe's file: the concept's direction is compared with the weights; repeatable.")
  var probe: [String] = []
  @Option(name: .long, help: "A dictionary's folder: the features that load on the neuron.") var dictionary: String?
  @Flag(name: .long, help: "Run the model without the neuron and compare the loss by domain.") var ablate = false
  @Option(name: [.customShort("n"), .long], help: "How many examples are shown.") var count = 10
  @OptionGroup var ablation: AblationArguments
  @OptionGroup var ranking: RankingArguments
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 1 { throw ValidationError("--count must be at least 1.") }
  }

  func run() throws {
    common.apply()
    let source = try ActivationStore(opening: URL(filePath: store))
    let loaded = try Session.open(of: source, named: model, common)
    let reference = neuron.reference
    var weights: NeuronWeightSummary?
    if let loaded, neuron.layer != nil {
      weights = try NeuronWeightSummary(of: reference, in: loaded.model, piece: loaded.piece ?? { "[\($0)]" })
    }
    var card = try NeuronCard(
      of: reference, in: source, weights: weights, layers: loaded?.model.architecture.layers, count: count,
      piece: loaded?.piece)
    try addMeanings(to: &card, source, loaded)
    if let loaded, let layer = neuron.layer {
      card.neighbours = try NeuronNeighbours(of: reference, in: loaded.model)
      card.concepts = try concepts(source, loaded, layer: layer)
    }
    if let dictionary {
      card.features = try FeatureLoads.strongest(
        .load(folder: URL(filePath: dictionary)), neuron: reference, model: loaded?.model)
    }
    if ablate {
      card.ablation = try ablation.run(
        [reference], loaded: loaded, source: source, label: ranking.label, common
      ).first
    }
    try common.show(card) { card.report($0, count: count) }
  }

  /// What ranking the neuron's site says of it, where the store allows it.
  private func addMeanings(to card: inout NeuronCard, _ source: ActivationStore, _ loaded: Session?) throws {
    do {
      let measured = try ranking.settings(seed: common.seed).measure(
        source, sites: [card.neuron.site], piece: loaded?.piece)
      guard let own = measured.neurons.first(where: { $0.neuron == card.neuron }) else { return }
      card.measures = own
      card.meanings = try measured.meanings(of: card.neuron, examples: 4)
    } catch let fault as Fault where fault.kind == .badData {
      common.note("What the neuron means is not told: \(fault.problem).")
    }
  }

  private func concepts(
    _ source: ActivationStore, _ loaded: Session, layer: Int
  ) throws -> [ConceptAlignment] {
    var directions: [(concept: String, origin: String, direction: [Float])] = []
    if let known = try ConceptDirections.ofLabels(source, column: ranking.label, layer: layer) {
      directions = known.directions.map { ($0.concept, known.site, $0.direction) }
    }
    for file in probe {
      let probe = try Probe(contentsOf: URL(filePath: file))
      guard probe.record.origin.modelDigest == source.origin.modelDigest else {
        throw Fault(
          .badData, "probe.otherModel", "The probe was trained on another model", file: file,
          expected: source.origin.model, found: probe.record.origin.model,
          advice: "train a probe on the store's model")
      }
      directions += ConceptDirections.of(probe, file: URL(filePath: file).lastPathComponent)
    }
    return try ConceptDirections.alignments(of: neuron.reference, with: directions, in: loaded.model)
  }
}
