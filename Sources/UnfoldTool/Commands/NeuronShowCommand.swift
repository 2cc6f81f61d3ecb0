import ArgumentParser
import Foundation
import Unfold

extension AblationReplacement: ExpressibleByArgument {}

/// How neurons are ablated.
struct AblationArguments: ParsableArguments {
  @Option(name: .long, help: "What an ablated neuron's activation is replaced by: mean, zero or resample.")
  var replaceBy: AblationReplacement = .mean
  @Option(name: .long, help: "Documents of each domain that the model is run on when a neuron is ablated.")
  var domainDocuments = 16

  func validate() throws {
    if domainDocuments < 1 { throw ValidationError("--domain-documents must be at least 1.") }
  }

  func run(
    _ neurons: [NeuronReference], loaded: Session?, source: any ActivationSource, label: String,
    _ common: CommonOptions
  ) throws -> [AblatedNeuron] {
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
      progress: { done, all in line.update("ablating, run \(done) of \(all)") })
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
        unfold neurons show store L2.431 --model ./gpt2 \\
            --probe questions.safetensors --dictionary sae

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
    if count < 1 { throw ValidationError("--count must be at least 1, not \(count).") }
  }

  func run() throws {
    common.apply()
    let source = try ActivationStore.open(store)
    let loaded = try Session.open(of: source, named: model, common)
    let reference = neuron.reference
    var card = try NeuronCard(
      of: reference, in: source, session: loaded, ranking: ranking.settings(seed: common.seed),
      probes: probe.map { URL(filePath: $0) },
      dictionary: dictionary.map { try SparseAutoencoder.load(folder: URL(filePath: $0)) }, count: count,
      note: common.note)
    if ablate {
      card.ablation = try ablation.run(
        [reference], loaded: loaded, source: source, label: ranking.label, common
      ).first
    }
    try common.show(card) { card.report($0, count: count) }
  }
}
