import ArgumentParser
import Foundation
import Unfold

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Let a model continue a text.",
    discussion: """
      Examples:
        unfold generate unfold-mini "Once upon a time" --max-tokens 60
        unfold generate unfold-mini "The king" --temperature 0.8 --top-k 40 --seed 3
        unfold generate unfold-mini "def main():" --stop "\\n\\n" --json

      The text appears as it is written. Without TEXT the model begins from its begin token; - reads standard input. In
      --stop, \\n stands for the end of a line.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The text; - reads standard input.") var text: String?
  @OptionGroup var options: SamplingOptions
  @Flag(name: .long, help: "Add no begin token or its like.") var noSpecialTokens = false
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let promptTokens: Int
    let tokens: [Int32]
    let text: String
    let stopped: Continuation.Stop
    let tokensPerSecond: Double
  }

  func run() throws {
    common.apply()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let prompt = try TextArgument.tokens(text, for: session, addSpecialTokens: !noSpecialTokens)
    let write = common.json ? { _ in } : Console.said
    write(try session.requireTokenizer().decode(prompt, skipSpecialTokens: true))
    let written = try session.generate(
      after: prompt, count: options.maxTokens, sampling: options.sampling(seed: common.seed), stops: options.stops,
      endsAtEndTokens: !options.ignoreEnd, show: write)
    write("\n")
    let result = Result(
      promptTokens: prompt.count, tokens: written.tokens, text: written.text, stopped: written.stopped,
      tokensPerSecond: written.tokensPerSecond)
    if common.json { return try Console.json(result) }
    common.note(
      "\(result.tokens.count) tokens, \(Format.fixed(result.tokensPerSecond, 1)) a second; ended by "
        + result.stopped.words)
  }
}
