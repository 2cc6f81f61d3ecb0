import ArgumentParser
import Foundation
import Unfold

struct ProbeSweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Train a probe at every layer and site, with the same split, and hold the best against controls.",
    discussion: """
      Examples:
        unfold probe sweep sarcasm sentiment --model unfold-mini
        unfold probe sweep sentiment --model unfold-mini \\
            --method logistic,mass-mean,lda,linear-svm
        unfold probe sweep sentiment --model unfold-mini --method k-sparse \\
            --selector f-statistic --sites mlp_post
        unfold probe sweep --all --model unfold-mini --table probes/README.md \\
            --figure probes/depth.svg --force
        unfold probe sweep unfold-mini sentiment
        unfold probe sweep store --positive korean --sites resid_post
      """)

  @OptionGroup var inputs: ProbeInputs
  @Flag(name: .long, help: "Run every specification that ships.") var all = false
  @OptionGroup var probe: ProbeArguments
  @Option(name: .long, help: "Write the results as a Markdown table to this file.") var table: String?
  @OptionGroup var figure: FigureOption
  @Option(
    name: .long,
    help: "Write every probe into this folder, as NAME.SITE.safetensors; of several classifiers NAME.SITE.CLASSIFIER.")
  var save: String?
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check(table)
    let plans = try inputs.plans(probe, seed: common.givenSeed, all: all)
    var results: [StudyResult] = []
    let clock = ContinuousClock()
    let start = clock.now
    for plan in plans {
      let (result, _) = try plan.run(quiet: common.quiet) { probe in
        guard let save else { return }
        let folder = URL(filePath: save, directoryHint: .isDirectory)
        try AtomicFile.makeFolder(folder)
        let method = plan.specification.settings.methods.count > 1 ? ".\(probe.record.settings.method.rawValue)" : ""
        let file = folder.appending(path: "\(plan.name).\(probe.record.site.name)\(method).safetensors")
        try figure.replace.check(file.relativePath)
        try probe.write(to: file)
      }
      if !common.json {
        Console.standardOutput(result.report(common.style, brief: plans.count > 1) + (plans.count > 1 ? "\n" : ""))
      }
      results.append(result)
    }
    let report = SweepReport(results: results)
    if let table {
      let text = report.markdown(
        command: Self.commandLine, figure: figureBesideTable,
        isBesideSpecifications: plans.allSatisfy { isBeside(table, "\($0.name).yaml") })
      try AtomicFile.write(text.utf8, to: URL(filePath: table))
    }
    try figure.write(report.figure(), common)
    if common.json {
      try results.count == 1 ? Console.json(results[0]) : Console.json(results)
    } else if plans.count > 1 {
      Console.standardOutput(report.overview(common.style))
      common.note("\(plans.count) specifications in \(Format.duration(seconds: (clock.now - start) / .seconds(1)))")
    }
  }

  /// Whether a file lies in the folder of another.
  private func isBeside(_ file: String, _ name: String) -> Bool {
    FileManager.default.fileExists(atPath: URL(filePath: file).deletingLastPathComponent().appending(path: name).path)
  }

  /// The figure's path from the table's folder, where both lie in one.
  private var figureBesideTable: String? {
    guard let table, let figure = figure.figure else { return nil }
    let (page, drawing) = (URL(filePath: table).standardized, URL(filePath: figure).standardized)
    return page.deletingLastPathComponent() == drawing.deletingLastPathComponent() ? drawing.lastPathComponent : nil
  }

  /// The command as it was typed, for a table that says how it was made.
  private static var commandLine: String {
    (["unfold"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
  }
}

struct ProbeListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the probe specifications that ship.",
    discussion: """
      Example:
        unfold probe list
      """)

  @OptionGroup var common: CommonOptions

  struct Entry: Encodable {
    let name: String
    let specification: ProbeSpecification
  }

  func run() throws {
    let entries = try SpecificationFile.shippedNames.map {
      Entry(name: $0, specification: try SpecificationFile(named: $0).specification)
    }
    try common.show(entries) { style in
      var table = TextTable([.left("name"), .left("level"), .left("target"), .text("about")])
      for entry in entries {
        table.append([
          entry.name, entry.specification.settings.concept.level.rawValue,
          entry.specification.settings.target.rawValue,
          entry.specification.about,
        ])
      }
      return table.rendered(style) + "\n\nunfold probe sweep NAME --model unfold-mini"
    }
  }
}
