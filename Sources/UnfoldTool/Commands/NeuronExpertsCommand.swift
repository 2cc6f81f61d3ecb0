import ArgumentParser
import Foundation
import Unfold

struct NeuronsExpertsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experts",
    abstract:
      "Rank a mixture's experts by the concepts that wake them, and show how evenly the router spreads its load.",
    discussion: """
      Examples:
        unfold neurons experts ./olmoe demo-corpus
        unfold capture ./olmoe demo-corpus -o routing \\
            --sites expert_indices,router_logits
        unfold neurons experts routing
        unfold neurons experts routing --label language --layers 4-8 --json
        unfold neurons experts routing --level token      # by labelled spans

      For each expert and label: the share of the label's tokens that wake the expert, against its base rate, the share of
      all tokens. Tokens of one document are alike, so the intervals take documents (or the corpus's groups) for
      independent, not tokens. Experts are ordered by the lower end of their best label's interval over the base rate.
      """)

  @OptionGroup var source: SourceArguments
  @Option(
    name: .long, help: "The label column that names the concepts (default: the corpus's label, where it has one).")
  var label: String?
  @Option(name: .long, help: "What carries the labels: document, or token (labelled spans).")
  var level: Concept.Level = .document
  @Option(name: .long, help: "Layers: all, last, or such as 0,4-8.") var layers: String?
  @Option(name: .long, help: "The intervals' confidence.") var confidence = 0.95
  @Option(name: [.customShort("n"), .long], help: "How many experts are listed; 0 for all.") var count = 20
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 0 { throw ValidationError("--count must not be negative, and is \(count).") }
    if !(confidence > 0 && confidence < 1) { throw ValidationError("--confidence must lie between 0 and 1.") }
  }

  func run() throws {
    common.apply()
    var score = Experts.Router.Score.softmax
    let (source, _) = try self.source.open(layers: layers) { model in
      let experts = model.architecture.blocks.lazy.compactMap(\.experts).first
      guard let experts else { throw Model.noExperts(model) }
      score = experts.router.score
      return "expert_indices,router_logits"
    }
    if let store = source as? ActivationStore {
      score = store.run.settings["router"].flatMap(Experts.Router.Score.init) ?? score
    }
    let wanted = try layers.map {
      Set(try source.select(sites: "expert_indices", layers: $0).compactMap(\.layer))
    }
    let line = ProgressLine(isSilent: common.quiet)
    let profile = try ExpertProfiling(
      level: level, column: label ?? DocumentTable.defaultLabels, needsLabels: label != nil, score: score,
      confidence: confidence
    ).profile(source, layers: wanted) { rows, all in
      line.update("counting experts, \(Format.count(rows)) of \(Format.count(all)) rows")
    }
    line.clear()
    try common.show(profile) { profile.report($0, count: count == 0 ? .max : count) }
  }
}
