import ArgumentParser
import Foundation
import Unfold

extension Concept.Level: ExpressibleByArgument {}
extension Pooling: ExpressibleByArgument {}

struct NeuronsTopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "The neurons that fire most for a text or separate a concept; or one neuron's top examples.",
    discussion: """
      Examples:
        unfold neurons top unfold-mini --text "GET /index.html HTTP/1.1" \\
            --statistics store
        unfold neurons top store --concept korean
        unfold neurons top unfold-mini citations --concept citation
        unfold neurons top store --neuron L2.431
        # of a mixture's experts
        unfold neurons top store --concept korean --sites expert_post
      """)

  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "A text: the neurons of the model named that fire most in it.") var text: String?
  @Option(name: .long, help: "With --text: a store whose statistics say what each neuron does on average.")
  var statistics: String?
  @Option(name: .long, help: "A label of the corpus: the neurons that separate it from all others.")
  var concept: String?
  @Flag(name: .long, help: "The neurons that separate each label best.") var concepts = false
  @Option(name: .long, help: "A neuron, such as L2.431, or L2.E5.43 of an expert: its top examples.") var neuron:
    NeuronArgument?
  @Option(name: .long, help: "The label column.") var label = DocumentTable.defaultLabels
  @Option(name: .long, help: "What carries the labels: document, or token (labelled spans).")
  var level: Concept.Level = .document
  @Option(name: .customLong("pool"), help: "How a document's tokens become one value: max, mean or last.")
  var pooling: Pooling = .max
  @Option(name: .long, help: "The neurons' hook points: mlp_post, expert_post, or full names (default: all neurons).")
  var sites: String?
  @Option(name: .long, help: "Layers: all, last, or such as 0,4-8.") var layers: String?
  @Option(name: [.customShort("n"), .long], help: "How many are listed.") var count = 20
  @OptionGroup var common: CommonOptions

  func validate() throws {
    let asked = [text != nil, concept != nil, concepts, neuron != nil].count { $0 }
    if asked != 1 { throw ValidationError("Give one of --text, --concept, --concepts and --neuron.") }
    if statistics != nil, text == nil { throw ValidationError("--statistics needs --text.") }
    if count < 1 { throw ValidationError("--count must be at least 1, not \(count).") }
  }

  func run() throws {
    common.apply()
    if let text { return try top(ofText: text) }
    let (source, session) = try self.source.open(layers: layers) {
      self.sites ?? neuron?.reference.site ?? $0.architecture.neuronSiteNames
    }
    if let neuron {
      let examples = try NeuronsTop.examples(
        of: neuron.reference, in: source, count: count,
        piece: try (session ?? Session.open(of: source, named: nil))?.piece)
      return try common.show(examples) { examples.report($0, count: count) }
    }
    let sites = try source.select(neurons: self.sites, layers: layers).map(\.name)
    let found = try NeuronsTop.concept(
      Concept(level: level, column: label, positive: concept), in: source, sites: sites, pooling: pooling,
      count: count, seed: common.seed)
    try common.show(found) { style in
      found.report(style)
    }
  }

  private func top(ofText text: String) throws {
    let loaded = try Session.open(source.source)
    let tokenizer = try loaded.requireTokenizer()
    let live = try LiveActivations(
      model: loaded.model, tokenizer: tokenizer, corpus: Corpus(documents: [Document(id: "text", text: text)]),
      settings: CaptureSettings(sites: sites ?? loaded.model.architecture.neuronSiteNames, layers: layers),
      modelName: loaded.name)
    var known: [String: SiteStatistics] = [:]
    if let statistics {
      let store = try ActivationStore.open(statistics)
      try requireSameModel(store.origin, live.origin, file: statistics)
      for site in live.neuronSites { known[site.name] = try store.statistics(of: site.name) }
    }
    let found = try NeuronsTop.text(
      live, statistics: known, count: count, piece: { tokenizer.text(of: $0) ?? "" })
    try common.show(found) { found.report($0) }
  }
}
