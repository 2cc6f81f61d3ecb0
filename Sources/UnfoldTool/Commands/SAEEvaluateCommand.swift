import ArgumentParser
import Foundation
import Unfold

struct SAEEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Judge a dictionary: sparsity, explained variance, what the model loses, what its latents know.",
    discussion: """
      Examples:
        unfold sae evaluate dictionary store
        unfold sae evaluate dictionary unfold-mini demo-corpus \\
            --probe korean,citations --absorption

      With a model the dictionary's output is spliced into its run, and its loss and predictions are compared with those
      of the untouched model and of two ablations. Samples are whole documents, chosen by --seed whatever the order of the
      corpus; intervals are 95 % over documents. Each figure is explained in docs/dictionaries.md.
      """)

  @OptionGroup var arguments: TrainedDictionaryArguments
  @Option(name: .long, help: "Rows to judge by at least, of a sample of documents (default: all).") var rows: Int?
  @Flag(name: .long, help: "Count tokens that the tokenizer added, such as the begin token.") var specialTokens = false
  @Option(
    name: .long, help: "Tokens to run with the dictionary spliced in, of a sample of documents; 0 leaves that out.")
  var spliceTokens = 8192
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Labelled sets to probe latents, neurons and residual stream on, or all that ship.", valueName: "sets|all"))
  var probe: String?
  @Option(name: .long, help: "How many columns a probe may use.") var k = "1,2,5"
  @Flag(name: .long, help: "Measure feature absorption on the first letters of words.") var absorption = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if spliceTokens < 0 { throw ValidationError("--splice-tokens must not be negative.") }
    if let rows, rows < 1 { throw ValidationError("--rows must be at least 1.") }
    if ks.isEmpty || ks.contains(where: { $0 < 1 }) { throw ValidationError("--k takes numbers such as 1,2,5.") }
  }

  private var ks: [Int] { k.split(separator: ",").map { Int($0) ?? 0 } }

  func run() throws {
    common.apply()
    let dictionary = try arguments.load()
    let (source, loaded) = try arguments.open(dictionary, common: common)
    var judging = DictionaryJudging()
    judging.specialTokens = specialTokens
    judging.rows = rows
    judging.spliceTokens = spliceTokens
    judging.datasets = probe.map(datasetNames) ?? []
    judging.ks = ks
    judging.absorption = absorption
    judging.seed = common.seed
    if loaded == nil, probe == nil, !absorption {
      common.note("The store's model is not here, so nothing is spliced in; name its folder with --model.")
    }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let evaluation = try judging.judge(dictionary, on: source, session: loaded) { line.update($0) }
    line.clear()
    try common.show(evaluation) { evaluation.report($0) }
  }
}
