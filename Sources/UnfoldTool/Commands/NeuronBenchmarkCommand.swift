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
        unfold neurons benchmark --seeds 1 --each > planted.csv

      Neurons of one concept, two, five, a single token and noise are planted in generated corpora; a figure is the
      chance that a neuron of several concepts is ranked above another one. In half of the conditions the corpus has no
      labels.
      """)

  @Option(name: .long, help: "How many corpora are generated for each condition.") var seeds = 3
  @Option(name: .long, help: "The first corpus's seed; the consensus was settled on seeds below 100.")
  var firstSeed: UInt64 = 1001
  @Flag(name: .long, help: "Print the tables in Markdown.") var markdown = false
  @Flag(name: .long, help: "Print each planted neuron's measures, as comma-separated values.") var each = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if seeds < 1 { throw ValidationError("--seeds must be at least 1.") }
    if firstSeed > UInt64.max / 2 { throw ValidationError("--first-seed is too large.") }
  }

  func run() throws {
    common.apply()
    let benchmark = RankingBenchmark(seeds: (0..<UInt64(seeds)).map { firstSeed + $0 })
    let line = ProgressLine(isSilent: common.quiet)
    let measures = NeuronMeasure.allCases
    if each {
      Console.standardOutput(
        (["condition", "noise", "labels", "kind"] + measures.map(\.rawValue)
          + measures.map { "\($0.rawValue) less lexical" }).joined(separator: ","))
    }
    let result = try benchmark.run(
      progress: { line.update("condition run \($0) of \($1)") },
      each: { condition, kind, neuron, without in
        guard each else { return }
        let start = [condition.name, "\(condition.noise)", "\(condition.labelled)", kind.rawValue]
        Console.standardOutput(
          (start + [neuron, without].flatMap { some in measures.map { some[$0].map { "\($0)" } ?? "" } }).joined(
            separator: ","))
      })
    line.clear()
    if each { return }
    try common.show(result) { result.report($0, markdown: markdown) }
  }
}
