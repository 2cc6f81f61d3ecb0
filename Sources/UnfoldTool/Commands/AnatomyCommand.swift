import ArgumentParser
import Foundation
import Unfold

struct AnatomyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anatomy",
    abstract: "Count a model: neurons, parameters, operations, memory, cache; no weights needed.",
    discussion: """
      The model may be a folder, a config.json, the name of a model that ships, or a published model by name (--list): \
      GPT-2, Pythia, Llama, Qwen, Gemma, Mistral, OLMo, gpt-oss, DeepSeek and more.

        unfold anatomy gpt2
        unfold anatomy gemma-3-4b --json
        unfold anatomy llama-3-8b --explain
        unfold anatomy models/unfold-mini --diagram svg -o pass.svg
      """)

  enum Diagram: String, ExpressibleByArgument, CaseIterable { case terminal, mermaid, svg }

  @Argument(
    help: ArgumentHelp("A model folder, a config.json, or the name of a model.", valueName: "model|config|preset"))
  var model: String?

  @Flag(name: .long, help: "List the published models that are known by name.")
  var list = false

  @Flag(name: .long, help: "Derive every number, step by step.")
  var explain = false

  @Option(name: .long, help: "Draw the pass alone: terminal, mermaid or svg.")
  var diagram: Diagram?

  @Option(name: [.short, .long], help: "Write the diagram to this file.")
  var output: String?

  @Option(
    name: .long, help: "The length of texts that costs are counted for (default: the model's context, at most 4,096).")
  var sequence: Int?

  @Option(name: .long, help: "How many tokens a store of activations holds.")
  var tokens = 1_000_000

  @Option(name: .long, help: "The sites whose store is added up, separated by commas: names of the table of stores.")
  var sites = "resid_post,mlp_post"

  @OptionGroup var replace: ReplaceOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if tokens < 1 { throw ValidationError("--tokens must be at least 1, not \(tokens).") }
    if model == nil, !list { throw ValidationError("Name a model, a config.json or a preset, or use --list.") }
    if output != nil, diagram == nil { throw ValidationError("-o writes a diagram: choose one with --diagram.") }
    if explain, diagram != nil { throw ValidationError("Choose --explain or --diagram.") }
  }

  func run() throws {
    common.apply()
    try replace.check(output)
    guard let model, !list else { return try showList() }
    switch try AnatomySubject.named(model) {
    case .widthOnly(let known):
      guard diagram == nil, !explain else {
        throw Fault(
          .usage, "anatomy.widthOnly", "Only the width of this model is told, and that unofficially",
          expected: "a model whose configuration is published", found: known.title,
          advice: "run `unfold anatomy \(known.name)` for what can be said")
      }
      try common.show(known) { AnatomyReport.text(known, $0) }
    case .architecture(let architecture, let stored):
      let anatomy = try ModelAnatomy(architecture, sequence: sequence, stored: stored)
      if let diagram { return try draw(anatomy, diagram) }
      let report = AnatomyReport(anatomy, storedTokens: tokens, storedSites: try anatomy.stores(named: sites))
      if explain {
        try common.show(architecture.derivation(sequence: anatomy.sequence)) { report.explanation($0) }
      } else {
        try common.show(anatomy) { report.text($0) }
      }
    }
  }

  private func draw(_ anatomy: ModelAnatomy, _ kind: Diagram) throws {
    let drawing = AnatomyDiagram(anatomy)
    let text =
      switch kind {
      case .terminal: drawing.terminal(output == nil ? common.style : .plain)
      case .mermaid: drawing.mermaid()
      case .svg: drawing.svg()
      }
    if let output {
      try AtomicFile.write(text.utf8, to: URL(filePath: output))
      common.note("Wrote \(output)")
    }
    struct Drawn: Encodable {
      let diagram: String
      let file: String?
      let text: String?
    }
    if common.json {
      try Console.json(Drawn(diagram: kind.rawValue, file: output, text: output == nil ? text : nil))
    } else if output == nil {
      Console.standardOutput(text)
    }
  }

  private struct Listed: Encodable {
    let name: String
    let title: String
    let parameters: Int?
    let width: Int
    let source: String
  }

  private func showList() throws {
    let known = try Preset.all.map { preset in
      let architecture = try preset.architecture()
      return Listed(
        name: preset.name, title: preset.title, parameters: architecture.parameters, width: architecture.width,
        source: preset.source)
    }
    let partly = WidthOnly.all.map {
      Listed(name: $0.name, title: $0.title, parameters: nil, width: $0.width, source: $0.standing)
    }
    try common.show(known + partly) { style in
      var table = TextTable([.left("name"), .left("model"), .right("parameters"), .right("width"), .text("source")])
      for row in known + partly {
        table.append([
          row.name, row.title, row.parameters.map(Format.count) ?? "not public", Format.count(row.width), row.source,
        ])
      }
      return table.rendered(style)
    }
  }
}
