import ArgumentParser
import Foundation
import Unfold

struct NeuronsBenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Judge the measures of `neurons rank` on planted neurons whose meanings are known.",
    discussion: """
      Examples:
        unfold neurons benchmark
        unfold neurons benchmark --markdown --seeds 5
        unfold neurons benchmark --no-text --seeds 1 --each > planted.csv

      Neurons of one concept, one broad meaning (three related concepts), two concepts, five, a single token and noise are
      planted in generated corpora and beside a model's own neurons on real text. All fire equally often. A figure is the
      chance that a neuron of several concepts is ranked above another one. In half of the conditions there are no labels.
      """)

  @Option(name: .long, help: "How many corpora are generated for each condition.") var seeds = 3
  @Option(name: .long, help: "The first corpus's seed; the measures were settled on seeds below 100.")
  var firstSeed: UInt64 = 1001
  @Flag(name: .long, inversion: .prefixedNo, help: "Plant neurons on unfold-mini's activations of demo-corpus too.")
  var text = true
  @Flag(name: .long, help: "Print the tables in Markdown.") var markdown = false
  @Flag(name: .long, help: "Print each planted neuron's measures, as comma-separated values.") var each = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(1...1000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 1000.") }
    if firstSeed > UInt64.max / 2 { throw ValidationError("--first-seed is too large.") }
  }

  func run() throws {
    common.apply()
    let line = ProgressLine(isSilent: common.quiet)
    var benchmark = RankingBenchmark(seeds: (0..<UInt64(seeds)).map { firstSeed + $0 })
    if text {
      line.update("reading unfold-mini's activations of demo-corpus")
      let loaded = try Session.open("unfold-mini")
      benchmark.text = try TextActivations(
        LiveActivations(
          model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus(["demo-corpus"]),
          settings: CaptureSettings(), modelName: loaded.name))
    }
    let measures = NeuronMeasure.allCases
    if each {
      Console.standardOutput(
        (["condition", "noise", "labels", "seed", "kind"] + measures.map(\.rawValue)).joined(separator: ","))
    }
    let result = try benchmark.run(
      progress: { line.update("condition run \($0) of \($1)") },
      each: { condition, kind, neuron in
        guard each else { return }
        let start = [
          condition.name, "\(condition.noise)", "\(condition.labelled)", "\(condition.settings.seed)", kind.rawValue,
        ]
        Console.standardOutput(
          (start + measures.map { neuron[$0].map { "\($0)" } ?? "" }).joined(separator: ","))
      })
    line.clear()
    if each { return }
    try common.show(result) { result.report($0, markdown: markdown) }
  }
}
