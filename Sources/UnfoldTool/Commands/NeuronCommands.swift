import ArgumentParser
import Foundation
import Unfold

struct NeuronsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neurons",
    abstract: "List the neurons that fire for a text or a concept, and show what one neuron does.",
    subcommands: [NeuronsTopCommand.self, NeuronsShowCommand.self])
}

/// A neuron as `L3.17` (layer and column) or `blocks.3.mlp.hook_post.17`.
struct NeuronArgument: ExpressibleByArgument {
  let layer: Int?
  let site: String
  let index: Int

  init?(argument: String) {
    let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, let index = Int(last), index >= 0, parts.count >= 2 else { return nil }
    self.index = index
    if parts.count == 2, let number = Int(parts[0].drop { $0 == "L" || $0 == "l" }) {
      layer = number
      site = "blocks.\(number).mlp.hook_post"
    } else {
      layer = parts.count > 2 && parts[0] == "blocks" ? Int(parts[1]) : nil
      site = parts.dropLast().joined(separator: ".")
    }
  }

  var reference: NeuronReference { NeuronReference(site: site, layer: layer, index: index) }
}

struct NeuronsTopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "The neurons that fire most for a text or separate a concept; or one neuron's top examples.",
    discussion: """
      Examples:
        unfold neurons top unfold-mini --text "GET /index.html HTTP/1.1" --statistics store
        unfold neurons top store --concept korean
        unfold neurons top unfold-mini citations --concept citation
        unfold neurons top store --neuron L2.431
      """)

  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "A text: the neurons of the model named that fire most in it.") var text: String?
  @Option(name: .long, help: "With --text: a store whose statistics say what each neuron does on average.")
  var statistics: String?
  @Option(name: .long, help: "A label of the corpus: the neurons that separate it from all others.")
  var concept: String?
  @Flag(name: .long, help: "The neurons that separate each label best.") var concepts = false
  @Option(name: .long, help: "A neuron, such as L2.431: its top examples.") var neuron: NeuronArgument?
  @Option(name: .long, help: "The label column.") var label = DocumentTable.defaultLabels
  @Option(name: .long, help: "What carries the labels: document, or token (labelled spans).")
  var level: Concept.Level = .document
  @Option(name: .long, help: "How a document's tokens become one value: max, mean or last.")
  var pooling: Pooling = .max
  @Option(name: .long, help: "Layers: all, last, or such as 0,4-8.") var layers: String?
  @Option(name: [.customShort("n"), .long], help: "How many are listed.") var count = 20
  @OptionGroup var common: CommonOptions

  func validate() throws {
    let asked = [text != nil, concept != nil, concepts, neuron != nil].count { $0 }
    if asked != 1 { throw ValidationError("Give one of --text, --concept, --concepts and --neuron.") }
    if statistics != nil, text == nil { throw ValidationError("--statistics needs --text.") }
    if count < 1 { throw ValidationError("--count must be at least 1.") }
  }

  func run() throws {
    common.apply()
    if let text { return try top(ofText: text) }
    let source = try self.source.open(sites: "mlp_post", layers: layers)
    if let neuron {
      let examples = try NeuronsTop.examples(of: neuron.reference, in: source, count: count)
      return try common.show(examples) { examples.report($0, count: count) }
    }
    let sites = try source.select(sites: "mlp_post", layers: layers).map(\.name)
    let found = try NeuronsTop.concept(
      Concept(level: level, column: label, positive: concept), in: source, sites: sites, pooling: pooling,
      count: count, seed: common.seed)
    try common.show(found) { style in
      "\(found.neurons) neurons over \(found.examples) examples, judged on \(found.heldOut) others\n"
        + found.table().rendered(style)
    }
  }

  private func top(ofText text: String) throws {
    let loaded = try LoadedModel(source.source)
    let tokenizer = try loaded.requireTokenizer()
    let live = try LiveActivations(
      model: loaded.model, tokenizer: tokenizer, corpus: Corpus(documents: [Document(id: "text", text: text)]),
      settings: CaptureSettings(sites: "mlp_post", layers: layers), modelName: loaded.name)
    var known: [String: SiteStatistics] = [:]
    if let statistics {
      let store = try ActivationStore(opening: URL(filePath: statistics))
      try requireSameModel(store.origin, live.origin, file: statistics)
      for site in live.neuronSites { known[site.name] = try store.statistics(of: site.name) }
    }
    let found = try NeuronsTop.text(
      live, statistics: known, count: count, piece: { tokenizer.text(of: $0) ?? "" })
    try common.show(found) { found.report($0) }
  }
}

struct NeuronsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "One neuron's card: statistics, histogram, top examples, tokens that it promotes and suppresses.",
    discussion: """
      Examples:
        unfold neurons show store L2.431
        unfold neurons show store L2.431 --model ./gpt2

      The model that the store was captured from is found by its name, or given with --model.
      """)

  @Argument(help: "A store with the neuron's activations or its top examples.") var store: String
  @Argument(help: "The neuron, such as L2.431.") var neuron: NeuronArgument
  @Option(name: .long, help: "The model of the store, for what the neuron's weights say.") var model: String?
  @Option(name: [.customShort("n"), .long], help: "How many examples are shown.") var count = 10
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let source = try ActivationStore(opening: URL(filePath: store))
    let loaded = try model(of: source)
    var weights: NeuronWeightSummary?
    if let loaded, neuron.layer != nil {
      weights = try NeuronWeightSummary(
        of: neuron.reference, in: loaded.model, piece: loaded.piece ?? { "[\($0)]" })
    }
    let card = try NeuronCard(
      of: neuron.reference, in: source, weights: weights, layers: loaded?.model.configuration.layers,
      count: count, piece: loaded?.piece)
    try common.show(card) { card.report($0, count: count) }
  }

  /// The model named, or the one whose name the store records if it is here; one that is another is an error where the
  /// user named it, and passed over where not.
  private func model(of source: ActivationStore) throws -> LoadedModel? {
    if let model {
      let loaded = try LoadedModel(model)
      var origin = source.origin
      origin.modelDigest = try loaded.model.checkpoint.digest()
      try requireSameModel(source.origin, origin, file: model)
      return loaded
    }
    guard let loaded = try? LoadedModel(source.origin.model),
      try loaded.model.checkpoint.digest() == source.origin.modelDigest
    else {
      common.note("The store's model, \(source.origin.model), was not found; name it with --model to see its weights.")
      return nil
    }
    return loaded
  }
}

/// Refuses to mix what comes from different models.
func requireSameModel(_ expected: Origin, _ found: Origin, file: String) throws {
  guard expected.modelDigest != found.modelDigest else { return }
  throw Fault(
    .badData, "tool.otherModel", "This belongs to another model", file: file,
    expected: "\(expected.model) (\(expected.modelDigest.prefix(12)))",
    found: "\(found.model) (\(found.modelDigest.prefix(12)))",
    advice: "use the store and the model that belong together")
}
