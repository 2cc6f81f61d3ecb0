import ArgumentParser
import Foundation
import Unfold

struct SteerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steer",
    abstract: "Change a model's activations along a direction while it writes, and measure what that costs.",
    discussion: """
      Examples:
        unfold steer unfold-mini "The weather" --direction korean.safetensors \\
            --strength -1,0,1 --unit stream
        unfold steer unfold-mini "It is" --direction dictionary:12 --clamp 0,5,20 \\
            --target " not"
        unfold steer unfold-mini "I" --positive "I love it" --negative "I hate it" \\
            --sites resid_post --layers 2 \
      --strength 0,4 --save love.gguf

      A direction is a probe's file (PROBE.safetensors[:CLASS]), a dictionary's feature (FOLDER:FEATURE), a vector \
      (FILE.safetensors[:TENSOR]), a control vector (FILE.gguf[:LAYER]), or the difference of prompts: --positive and \
      --negative take a text, or @CORPUS[:LABEL] for the documents of a corpus.

      A strength of 1 adds the direction as it is; with --unit stream, the direction with the mean norm of the activations \
      at its site. --clamp gives a feature an activation in place of its own.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The text to continue; - reads standard input.") var prompt: String?
  @Option(name: .long, help: "What to steer by; may be given several times.") var direction: [String] = []
  @Option(name: .long, help: "A text that shows what is wanted; may be given several times.") var positive: [String] =
    []
  @Option(name: .long, help: "A text that shows the opposite.") var negative: [String] = []
  @Option(name: .customLong("pool"), help: "What stands for such a text: the last token or the mean of all.")
  var pooling: ContrastPrompts.Pooling = .last
  @Flag(name: .long, help: "Steer by random directions of the same norms instead, to compare with.") var random = false
  @Option(name: .long, help: "Where to steer: hook points (default: the direction's own; of prompts resid_post).")
  var sites: String?
  @Option(name: .long, help: "Layers for --sites: all, last, or such as 0,4-8.") var layers: String?
  @Option(
    name: .long, parsing: .unconditional, help: "Strengths, separated by commas, such as -8,0,8.",
    transform: NumberList.numbers)
  var strength: NumberList<Double>?
  @Option(name: .long, help: "What a strength of 1 adds: the vector, or it with the norm of the stream.")
  var unit: SteeringSettings.Unit = .vector
  @Option(
    name: .long, parsing: .unconditional, help: "Activations to give a dictionary's feature, separated by commas.",
    transform: NumberList.numbers)
  var clamp: NumberList<Double>?
  @Option(name: .long, help: "Tokens to steer: all, the last and new ones (last), or new ones alone (new).")
  var at: SteeringSettings.Tokens = .all
  @Option(name: .long, help: "Show this token's probability right after the prompt.") var target: String?
  @Option(name: .long, help: "A probe that reads what is written: PROBE.safetensors[:CLASS].") var probe: String?
  @Option(name: .long, help: "The corpus on which the cost is measured.") var reference = "demo-corpus"
  @Option(name: .long, help: "A text on which the cost is measured, in place of a corpus.") var referenceText: String?
  @Option(name: .long, help: "Documents of the reference, drawn by the seed; 0 leaves the cost out.")
  var referenceDocuments = 32
  @Option(name: .long, help: "Write the directions to this file: .gguf (repeng, llama.cpp) or .safetensors.")
  var save: String?
  @OptionGroup var options: SamplingOptions
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if positive.isEmpty != negative.isEmpty { throw ValidationError("--positive and --negative belong together.") }
    if direction.isEmpty == positive.isEmpty {
      throw ValidationError("Give either --direction, or --positive and --negative.")
    }
    if strength != nil, clamp != nil { throw ValidationError("Give either --strength or --clamp.") }
    if strength == nil, clamp == nil, save == nil {
      throw ValidationError("Give --strength or --clamp, such as --strength -1,0,1 --unit stream.")
    }
    if strength != nil || clamp != nil, prompt == nil { throw ValidationError("Give a prompt to continue.") }
    if !(0...10_000).contains(referenceDocuments) {
      throw ValidationError("--reference-documents must be 0 to 10000, not \(referenceDocuments).")
    }
    if layers != nil, sites == nil, positive.isEmpty { throw ValidationError("--layers needs --sites.") }
  }

  func run() throws {
    common.apply()
    try figure.check()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    var directions = try directions(in: session, line)
    if random { directions = try directions.map { try $0.random(seed: common.seed, in: session.model) } }
    if let save {
      try Direction.write(directions, of: session, to: URL(filePath: save))
      common.note("\(directions.count) direction\(directions.count == 1 ? "" : "s") written to \(save)")
    }
    let change: SteeringSettings.Change
    if let clamp {
      change = .clamp(values: clamp.values)
    } else if let strength {
      change = .add(strengths: strength.values, unit: unit)
    } else {
      return
    }
    let settings = SteeringSettings(
      change: change, tokens: at, count: options.maxTokens, sampling: options.sampling(seed: common.seed),
      stops: options.stops, endsAtEndTokens: !options.ignoreEnd, target: try target.map(session.token(named:)))
    let probe = try self.probe.map(Direction.readProbe)
    let result = try session.steer(
      try TextArgument.given(prompt, for: session), by: directions, settings, reference: reference(in: session),
      probe: probe?.probe,
      named: self.probe ?? "", className: probe?.className
    ) { done, of in line.update("steering: step \(done) of \(of)") }
    line.clear()
    try figure.write(result.figure(), common)
    try common.show(result) { result.report($0) }
  }

  private func directions(in session: Session, _ line: ProgressLine) throws -> [Direction] {
    let places = try sites.map { try session.model.architecture.select(sites: $0, layers: layers) }
    guard positive.isEmpty else {
      let prompts = ContrastPrompts(
        positive: try ContrastPrompts.texts(named: positive), negative: try ContrastPrompts.texts(named: negative),
        pooling: pooling)
      let sites = try places ?? session.model.architecture.select(sites: "resid_post", layers: layers)
      return try Direction.contrast(prompts, at: sites, in: session) { done, of in
        line.update("prompts: \(done) of \(of)")
      }
    }
    return try direction.flatMap { try Direction.load($0, for: session, at: places) }
  }

  private func reference(in session: Session) throws -> ReferenceText? {
    if let referenceText { return try ReferenceText([session.tokens(of: referenceText)], name: "the text given") }
    guard referenceDocuments > 0 else { return nil }
    return try ReferenceText(Corpus([reference]), in: session, documents: referenceDocuments, seed: common.seed)
  }
}

extension SteeringSettings.Unit: ExpressibleByArgument {}
extension SteeringSettings.Tokens: ExpressibleByArgument {}
extension ContrastPrompts.Pooling: ExpressibleByArgument {}
