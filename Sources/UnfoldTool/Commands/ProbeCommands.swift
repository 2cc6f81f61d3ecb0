import ArgumentParser
import Foundation
import Unfold

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Train, compare and apply linear probes for concepts.",
    subcommands: [
      ProbeTrainCommand.self, ProbeSweepCommand.self, ProbeEvaluateCommand.self, ProbeApplyCommand.self,
      ProbeShowCommand.self, ProbeCompareCommand.self, ProbeListCommand.self,
    ])
}

/// A probe file.
struct ProbeFileArgument: ParsableArguments {
  @Argument(help: "A probe file that `unfold probe train` has written.") var probe: String

  func read() throws -> Probe { try Probe(contentsOf: URL(filePath: probe)) }
}

struct ProbeEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Judge a probe elsewhere: another corpus, another layer, another model.",
    discussion: """
      Examples:
        unfold probe evaluate sentiment.safetensors unfold-mini more-reviews.jsonl
        unfold probe evaluate sentiment.safetensors unfold-mini reviews.csv \\
            --rename 0=negative --rename 1=positive
        unfold probe evaluate sentiment.safetensors later-checkpoint sentiment \\
            --transfer
        unfold probe evaluate sentiment.safetensors unfold-mini sentiment \\
            --site blocks.3.hook_resid_post
      """)

  @OptionGroup var file: ProbeFileArgument
  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "The label column.") var label: String?
  @Option(name: .long, help: "The label to tell from all others.") var positive: String?
  @Option(
    name: .long, help: ArgumentHelp("Another name for a label; may be given several times.", valueName: "theirs=ours"))
  var rename: [String] = []
  @Flag(name: .long, help: "Leave out examples whose labels the probe does not know.") var knownOnly = false
  @Option(name: .long, help: "The site to read (default: the probe's own).") var site: String?
  @Flag(name: .long, help: "Let the model be another one of the same width.") var transfer = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    for pair in rename where pair.split(separator: "=", omittingEmptySubsequences: false).count != 2 {
      throw ValidationError("--rename needs THEIRS=OURS, not \(pair).")
    }
  }

  func run() throws {
    common.apply()
    let probe = try file.read()
    let source = try self.source.open(sites: site ?? probe.record.site.name, layers: nil).source
    if !transfer, !source.origin.isOfSameModel(as: probe.record.origin) {
      do {
        try probe.requireMatch(origin: source.origin, site: probe.record.site)
      } catch var fault as Fault {
        fault.advice = "add --transfer to judge the direction on another model all the same"
        throw fault
      }
    }
    try judge(probe, on: source)
  }

  private func judge(_ probe: Probe, on source: some ActivationSource) throws {
    var concept = probe.record.settings.concept
    if let label { concept.column = label }
    if let positive { concept.positive = positive }
    var names: [String: String] = [:]
    for pair in rename {
      let parts = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      names[parts[0]] = parts[1]
    }
    let renamed = try TargetSource(source, renaming: names, keeping: knownOnly ? Set(probe.record.classes) : nil)
    let result = try probe.transfer(to: renamed, site: site, concept: concept)
    try common.show(result) { result.report($0) }
  }
}

struct ProbeShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what a probe file holds: scores, controls, origin, and the direction as a sum.",
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
    try common.show(Result(probe: probe.record, direction: probe.direction())) { style in
      let origin = probe.record.origin
      return probe.fullReport(style, terms: terms)
        + "\n\nmodel \(origin.model) (\(ModelIdentity.short(origin.modelDigest))), corpus \(origin.corpus.joined(separator: ", "))"
    }
  }
}

struct ProbeCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare directions: cosines between concepts, principal angles between layers.",
    discussion: """
      Examples:
        unfold probe sweep sentiment sarcasm formality --model unfold-mini \\
            --sites resid_post --layers 2 --save found
        unfold probe compare found/*.safetensors --figure cosines.svg
      """)

  @Argument(help: "Probe files of sites of one width.") var probes: [String]
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check()
    let files = try probes.map { path in
      let url = URL(filePath: path)
      return (name: url.deletingPathExtension().lastPathComponent, probe: try Probe(contentsOf: url))
    }
    let comparison = try DirectionComparison(files)
    try figure.write(comparison.figure(), common)
    try common.show(comparison) { comparison.report($0) }
  }
}
