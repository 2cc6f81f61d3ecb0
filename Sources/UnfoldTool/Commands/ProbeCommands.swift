import ArgumentParser
import Foundation
import Unfold

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Train, compare and apply linear probes for concepts.",
    subcommands: [
      ProbeTrainCommand.self, ProbeSweepCommand.self, ProbeEvaluateCommand.self, ProbeApplyCommand.self,
      ProbeShowCommand.self, ProbeListCommand.self,
    ])
}

/// A probe file.
struct ProbeFileArgument: ParsableArguments {
  @Argument(help: "A probe file that `unfold probe train` has written.") var probe: String

  func read() throws -> Probe { try Probe(contentsOf: URL(filePath: probe)) }
}

struct ProbeEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Judge a probe on another store or corpus of the same model.",
    discussion: """
      Example:
        unfold probe evaluate sentiment.safetensors unfold-mini more-reviews.jsonl
      """)

  @OptionGroup var file: ProbeFileArgument
  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "The label column.") var label: String?
  @Option(name: .long, help: "The label to tell from all others.") var positive: String?
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let probe = try file.read()
    let source = try self.source.open(sites: probe.record.site.name, layers: nil)
    var concept = probe.record.settings.concept
    if let label { concept.column = label }
    if let positive { concept.positive = positive }
    let evaluation = try probe.evaluate(on: source, concept: concept)
    try common.show(evaluation) { evaluation.table().rendered($0) }
  }
}

struct ProbeApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Score a text with a probe, token by token.",
    discussion: """
      Example:
        unfold probe apply sentiment.safetensors unfold-mini "A dull film with one fine scene."

      Above zero (warm colours) a token looks like the concept, below (cool) like its absence.
      """)

  @OptionGroup var file: ProbeFileArgument
  @OptionGroup var model: ModelArgument
  @Argument(help: "The text.") var text: String
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let classes: [String]
    let tokens: [Int32]
    let pieces: [String]
    /// [tokens], or [tokens, classes] flat where there are more than two classes.
    let scores: [Float]
  }

  func run() throws {
    common.apply()
    let probe = try file.read()
    let loaded = try LoadedModel(model, compute: .float32)
    let tokenizer = try loaded.requireTokenizer()
    let source = try LiveActivations(
      model: loaded.model, tokenizer: tokenizer, corpus: Corpus(documents: [Document(id: "text", text: text)]),
      settings: CaptureSettings(sites: probe.record.site.name), modelName: loaded.name)
    let scores = try probe.apply(to: source)
    let tokens = try source.tokens(in: 0..<source.tokenCount)
    let result = Result(
      classes: probe.record.classes, tokens: tokens.ids, pieces: tokens.ids.map { tokenizer.text(of: $0) ?? "" },
      scores: scores.elements)
    try common.show(result) { self.text(of: result, special: tokens.special, columns: scores.columns, $0) }
  }

  private func text(of result: Result, special: [Int32], columns: Int, _ style: TerminalStyle) -> String {
    guard columns == 1 else {
      var table = TextTable([.left("token"), .left("class"), .right("score")])
      for (row, piece) in result.pieces.enumerated() {
        let own = result.scores[row * columns..<(row + 1) * columns]
        let best = own.indices.max { own[$0] < own[$1] } ?? own.startIndex
        table.append([piece, result.classes[best - own.startIndex], Format.fixed(Double(own[best]))])
      }
      return table.rendered(style)
    }
    let ordinary = result.scores.indices.filter { special[$0] == 0 }
    let largest = ordinary.map { abs(result.scores[$0]) }.max() ?? 1
    let shaded = ordinary.map { row in
      style.shaded(result.pieces[row].onOneLine, intensity: Double(result.scores[row] / max(largest, 1e-9)))
    }
    var table = TextTable([.right("score"), .left("token")])
    for row in ordinary { table.append([Format.fixed(Double(result.scores[row])), result.pieces[row]]) }
    return shaded.joined() + "\n\n" + table.rendered(style)
  }
}

struct ProbeShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what a probe file holds: scores, settings, origin and direction.",
    discussion: """
      Example:
        unfold probe show sentiment.safetensors
      """)

  @OptionGroup var file: ProbeFileArgument
  @Option(name: .long, help: "How many of the direction's largest components are listed.") var terms = 10
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let probe: ProbeRecord
    let direction: [Float]
  }

  func run() throws {
    let probe = try file.read()
    let direction = probe.direction()
    try common.show(Result(probe: probe.record, direction: direction)) { style in
      let largest = direction.indices.sorted { abs(direction[$0]) > abs(direction[$1]) }.prefix(terms)
      let sum = largest.map { "\(direction[$0] < 0 ? "−" : "+") \(Format.fixed(Double(abs(direction[$0])), 4))·\($0)" }
      let origin = probe.record.origin
      return probe.report(style)
        + "\nmodel \(origin.model) (\(origin.modelDigest.prefix(12))), corpus \(origin.corpus.joined(separator: ", "))"
        + "\ndirection, by column: \(sum.joined(separator: " ")) …"
    }
  }
}

/// Refuses to write over a file.
func refuseExisting(_ path: String) throws {
  guard FileManager.default.fileExists(atPath: URL(filePath: path).path) else { return }
  throw Fault(
    .cannotCreate, "tool.outputExists", "The output exists", file: path, expected: "a name that is free",
    advice: "choose another name, or remove the file")
}
