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
        unfold sae evaluate dictionary unfold-mini demo-corpus --probe korean,citations --absorption

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
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let reconstruction = try dictionary.reconstruction(
      of: source, specialTokens: specialTokens, rows: rows, seed: common.seed
    ) {
      line.update("judged \(Format.count($0)) of \(Format.count(source.rowCount)) rows")
    }
    line.update("comparing directions")
    let directions = dictionary.directionMeasures()
    var splice: SpliceMeasures?
    var siteSplices: [SpliceMeasures] = []
    var probing: [SparseProbing] = []
    var letters: FeatureAbsorption?
    if let loaded {
      if spliceTokens > 0, loaded.model.architecture.head.kind == .nextToken {
        if let sites = reconstruction.sites {
          (splice, siteSplices) = try dictionary.spliceSites(
            into: loaded.model, source: source, means: sites.map(\.mean), specialTokens: specialTokens,
            tokens: spliceTokens, seed: common.seed
          ) { line.update("spliced \(Format.count($0)) tokens") }
        } else {
          splice = try dictionary.splice(
            into: loaded.model, source: source, mean: reconstruction.mean, specialTokens: specialTokens,
            tokens: spliceTokens, seed: common.seed
          ) { line.update("spliced \(Format.count($0)) tokens") }
        }
      }
      for name in probe.map(datasetNames) ?? [] {
        line.update("probing \(name)")
        let beside = TrainedDictionaryArguments.beside(dictionary)
        let set = try arguments.live(loaded, dictionary, corpora: [name], further: beside)
        probing += try dictionary.sparseProbing(of: set, dataset: name, ks: ks, sites: beside, seed: common.seed)
      }
      if absorption {
        letters = try FeatureAbsorption(
          of: dictionary, model: loaded.model, tokenizer: loaded.requireTokenizer(), seed: common.seed
        ) { line.update("absorption: \($0)") }
      }
    } else if probe != nil || absorption {
      throw Fault(
        .usage, "tool.noModel", "The store's model is not here, which probing and absorption need",
        expected: source.origin.model, found: "no such model", advice: "name its folder with --model")
    } else {
      common.note("The store's model is not here, so nothing is spliced in; name its folder with --model.")
    }
    line.clear()
    let evaluation = DictionaryEvaluation(
      dictionary, reconstruction: reconstruction, directions: directions, splice: splice, probing: probing,
      absorption: letters,
      crosscoder: CrosscoderEvaluation(dictionary, reconstruction: reconstruction, splices: siteSplices))
    try common.show(evaluation) { evaluation.report($0) }
  }
}
