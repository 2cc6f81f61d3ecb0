import ArgumentParser
import Foundation
import Unfold

struct LensCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lens",
    abstract: "Read what a model would say if it ended at each of its layers; train a lens that reads better.",
    discussion: """
      Examples:
        unfold lens unfold-mini "The king and the queen"
        unfold lens train unfold-mini demo-corpus -o mini-lens.safetensors
      """,
    subcommands: [LensReadCommand.self, LensTrainCommand.self], defaultSubcommand: LensReadCommand.self)
}

struct LensReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read",
    abstract: "The likeliest next tokens at every layer and position of a text (the logit lens).",
    discussion: """
      The residual stream of each layer goes through the model's own final norm and unembedding. The first row is the
      embeddings, the last the model's own output.

      Examples:
        unfold lens unfold-mini "The capital of France is"
        unfold lens unfold-mini "The capital of France is" --target Paris \\
            --figure lens.svg
        unfold lens unfold-mini "She sat down" --sites resid_mid,resid_post
        unfold lens unfold-mini "She sat down" --tuned mini-lens.safetensors
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The text.") var text: String
  @Option(name: .long, help: "A token whose probability and rank are told.") var target: String?
  @Option(
    name: .long,
    help: "Where the stream is read: resid_pre, resid_mid (behind attention), resid_post (default: behind each layer).")
  var sites: String?
  @Option(name: .long, help: "Layers: all, last, or such as 0,4-8.") var layers: String?
  @Option(name: .long, help: "A tuned lens that `unfold lens train` has written.") var tuned: String?
  @Option(name: .long, help: "The token of the text that the table is of, by position or text (default: the last).")
  var position: String?
  @Option(name: [.customShort("n"), .long], help: "How many tokens are listed.") var count = 5
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let tokens = try session.tokens(of: text)
    let place = try position.map { try session.position(of: $0, in: tokens) } ?? tokens.count - 1
    let settings = LogitLens.Settings(
      sites: sites, layers: layers, count: count, target: try target.map(session.token(named:)))
    let tuned = try tuned.map { try TunedLens(contentsOf: URL(filePath: $0)) }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let lens = try LogitLens(of: tokens, in: session, settings, tuned: tuned) { read in
      line.update("\(read) of \(tokens.count) positions")
    }
    line.clear()
    try figure.write(lens.figure(), common)
    try common.show(lens) { lens.report($0, position: place) }
  }
}

struct LensTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a tuned lens: for each layer an affine map after which the model's head says what the model says.",
    discussion: """
      Prints the divergence from the model's output on documents that no step saw, beside that of the plain lens.

      Examples:
        unfold lens train unfold-mini demo-corpus -o mini-lens.safetensors
        unfold lens train unfold-mini corpus.jsonl -o lens.safetensors --steps 500 \\
            --sites resid_mid,resid_post
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: ArgumentHelp("Corpora, as `unfold capture` reads them.", valueName: "corpus")) var corpora: [String]
  @Option(name: .shortAndLong, help: "The safetensors file of the lens.") var output: String
  @Option(name: .long, help: "Where the stream is read (default: the embeddings, and behind each layer).") var sites:
    String?
  @Option(name: .long, help: "Steps.") var steps = 250
  @Option(name: .long, help: "Tokens that a step sees.") var batchTokens = 512
  @Option(name: .long, help: "Adam's learning rate; it falls to 0.") var learningRate = 1e-3
  @Option(name: .long, help: "The longest document, in tokens (default: the model's context).") var context: Int?
  @Option(name: .long, help: "The share of documents that no step sees.") var heldOut = 0.1
  @Option(name: .long, help: "The most tokens that are judged by.") var heldOutTokens = 8192
  @Option(name: .long, help: "The most tokens that are read of the corpus.") var tokens = 2_000_000
  @OptionGroup var corpus: CorpusArguments
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let output: String
    let lens: TunedLens.Record
  }

  func validate() throws {
    if corpora.isEmpty { throw ValidationError("Name at least one corpus.") }
  }

  func run() throws {
    common.apply()
    try figure.check(output)
    // Not only found out when the work is done.
    let folder = URL(filePath: output).deletingLastPathComponent()
    guard FileManager.default.isWritableFile(atPath: folder.path) else {
      throw Fault(
        .cannotCreate, "tool.outputFolder", "The output's folder is not there or cannot be written to",
        file: folder.path,
        expected: "a folder that exists", advice: "make it, or choose another")
    }
    let session = try Session.open(model.model, compute: compute.compute)
    let training = try TunedLensTraining(
      of: session, on: Corpus(corpora, options: corpus.options),
      .init(
        sites: sites, steps: steps, batchTokens: batchTokens, learningRate: learningRate, context: context,
        heldOutShare: heldOut, heldOutTokens: heldOutTokens, corpusTokens: tokens, seed: common.seed))
    if training.isCut { common.note("of the corpus the first \(Format.count(tokens)) tokens are read") }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let lens = try training.run(
      progress: {
        line.update(
          "step \(Format.count($0.step)) of \(Format.count($0.steps)), KL \(Format.fixed($0.loss, 3)), "
            + "\(Format.duration(seconds: $0.secondsLeft)) left")
      })
    line.clear()
    try lens.write(to: URL(filePath: output))
    try figure.write(lens.record.figure(), common)
    try common.show(Result(output: output, lens: lens.record)) {
      lens.record.report($0) + "\nwritten to \(output)"
    }
  }
}
