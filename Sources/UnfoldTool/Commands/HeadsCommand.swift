import ArgumentParser
import Foundation
import Unfold

extension HeadAnalysis.Order: ExpressibleByArgument {}

struct HeadsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heads",
    abstract: "Say what kind each attention head is: where it looks, what it copies, which later heads read it.",
    discussion: """
      Scores are of random tokens that are said twice, and of the corpus's texts where one is named.

      Examples:
        unfold heads unfold-mini
        unfold heads unfold-mini demo-corpus --by previous --figure heads.svg
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: ArgumentHelp("Corpora, as `unfold capture` reads them.", valueName: "corpus"))
  var corpora: [String] = []
  @Option(name: .long, help: "What the heads are listed by.") var by: HeadAnalysis.Order = .induction
  @Option(name: [.customShort("n"), .long], help: "How many are listed.") var count = 12
  @Option(name: .long, help: "Sequences of random tokens.") var sequences = 20
  @Option(name: .long, help: "How many random tokens are said twice.") var period = 50
  @Option(name: .long, help: "The most tokens that are read of the corpus.") var tokens = 50_000
  @Option(name: .long, help: "The longest document, in tokens (default: the model's context, at most 1024).")
  var context: Int?
  @Flag(
    name: .long, inversion: .prefixedNo,
    help: "Compute composition between heads (default: where the heads are at most 512).") var composition: Bool?
  @OptionGroup var corpus: CorpusArguments
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 1 { throw ValidationError("--count must be at least 1, not \(count).") }
  }

  func run() throws {
    common.apply()
    try figure.check()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let found = try HeadAnalysis(
      of: session, on: corpora.isEmpty ? nil : Corpus(corpora, options: corpus.options),
      .init(
        sequences: sequences, period: period, corpusTokens: tokens, context: context, composes: composition,
        seed: common.seed), progress: { text in line.update(text) })
    line.clear()
    try figure.write(found.figure(), common)
    try common.show(found) { found.report($0, by: by, count: count) }
  }
}
