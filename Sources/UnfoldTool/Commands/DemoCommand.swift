import ArgumentParser
import Foundation
import Unfold

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "The whole journey on the model and data that ship: capture, probe, find neurons.",
    discussion: """
      Examples:
        unfold demo
        unfold demo --corpus corpus.jsonl -o journey

      Another labelled corpus gives another polysemantic neuron: nothing shown is prepared.
      """)

  @Option(name: .shortAndLong, help: "The folder to make; one of an earlier demo is replaced.")
  var output = "unfold-demo"
  @Option(name: .long, help: "The model.") var model = "unfold-mini"
  @Option(name: .long, help: "The corpus to capture, its documents labelled by domain.") var corpus = "demo-corpus"
  @Option(name: .long, help: "The labelled set to train a probe on.") var concept = "questions"
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let store: String
    let probe: String
    let sweep: StudyResult
    let neurons: ConceptNeurons
    let polysemantic: RankedNeuron?
    let seconds: Double
  }

  func run() throws {
    common.apply()
    Interruption.shared.listen()
    let journey = try DemoJourney(self)
    let start = ContinuousClock.now
    let captured = try journey.capture()
    let (sweep, probe) = try journey.probe()
    let neurons = try journey.neurons(for: probe)
    let polysemantic = try journey.polysemanticNeuron(in: captured)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if common.json {
      return try Console.json(
        Result(
          store: journey.store.relativePath, probe: journey.probeFile.relativePath, sweep: sweep, neurons: neurons,
          polysemantic: polysemantic, seconds: seconds))
    }
    journey.conclude(polysemantic, seconds: seconds)
  }
}

/// The steps of the demo; each does its part of the journey and shows it.
private struct DemoJourney {
  /// A file that only a demo's folder has, so that nothing else is ever replaced.
  private static let marker = ".unfold-demo"

  let command: DemoCommand
  let loaded: Session
  let store: URL
  let probeFile: URL
  let style: TerminalStyle

  init(_ command: DemoCommand) throws {
    self.command = command
    let folder = URL(filePath: command.output)
    let marker = folder.appending(path: Self.marker)
    let files = FileManager.default
    if files.fileExists(atPath: folder.path) {
      guard files.fileExists(atPath: marker.path) else {
        throw Fault(
          .cannotCreate, "tool.outputExists", "The output exists and is no earlier demo's", file: folder.path,
          expected: "a name that is free", advice: "choose another with -o")
      }
      try files.removeItem(at: folder)
    }
    do {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data().write(to: marker)
    } catch {
      throw Fault(
        .cannotCreate, "tool.cannotCreate", "The demo's folder cannot be made", file: folder.path,
        found: error.localizedDescription, advice: "choose another with -o")
    }
    loaded = try Session.open(command.model)
    store = URL(filePath: "\(command.output)/store")
    probeFile = URL(filePath: "\(command.output)/\(command.concept).safetensors")
    style = command.common.style
  }

  func capture() throws -> ActivationStore {
    heading(1, "Capture every layer's residual stream and neurons", "capture \(command.model) \(command.corpus)")
    let plan = try Capture(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus([command.corpus]),
      settings: CaptureSettings(seed: command.common.seed), modelName: loaded.name, version: UnfoldVersion.current)
    let line = ProgressLine(isSilent: command.common.quiet)
    let summary = try plan.run(
      to: store, isCancelled: { Interruption.shared.isRequested }, progress: { line.update($0.line) })
    line.clear()
    let rate = Double(summary.computedTokens) / max(summary.seconds, 1e-9)
    show(summary.text(store: "\(command.output)/store", rate: rate, style))
    return try ActivationStore(opening: store)
  }

  func probe() throws -> (StudyResult, Probe) {
    heading(
      2, "Sweep a probe for \(command.concept) over the layers", "probe sweep \(command.model) \(command.concept)")
    let source = try conceptSource()
    let line = ProgressLine(isSilent: command.common.quiet)
    let study = Study(
      name: command.concept, settings: ProbeSettings(controls: [.words, .shuffledLabels], seed: command.common.seed))
    let (sweep, best) = try study.run(
      on: source, model: .model(loaded.model), progress: { line.update($0) })
    line.clear()
    show(sweep.report(style))
    heading(3, "Keep the best one", "probe show \(command.output)/\(command.concept).safetensors")
    try best.write(to: probeFile)
    show(best.report(style))
    return (sweep, best)
  }

  func neurons(for probe: Probe) throws -> ConceptNeurons {
    let label = probe.record.classes.first ?? ""
    heading(
      4, "Find the neurons that tell the concept",
      "neurons top \(command.model) \(command.concept) --concept \(label) --pool mean -n 8")
    let source = try conceptSource()
    let found = try NeuronsTop.concept(
      Concept(positive: probe.record.classes.count > 2 ? nil : label), in: source, pooling: .mean, count: 8,
      seed: command.common.seed)
    show(found.findings(style))
    return found
  }

  func polysemanticNeuron(in source: ActivationStore) throws -> RankedNeuron? {
    heading(5, "Find one neuron that means two unrelated things", "neurons rank \(command.output)/store -n 1")
    let measured = try NeuronRanking(seed: command.common.seed).measure(source, piece: loaded.piece)
    let found = try measured.ranked(count: 1, examples: 3).first { $0.meanings.count > 1 }
    show(found?.report(style) ?? "No neuron of this model fires for two unrelated domains of this corpus.")
    return found
  }

  func conclude(_ neuron: RankedNeuron?, seconds: Double) {
    let name = neuron.map { "\($0.neuron)" } ?? "L1.0"
    show(
      """

      \(style.bold("Done in \(Format.duration(seconds: seconds)).")) What it made:
        \(command.output)/store/index.h5          every activation, for h5py
        \(command.output)/\(command.concept).safetensors   the probe's direction and scores
      Try next:
        unfold neurons show \(command.output)/store \(name)
        unfold probe apply \(command.output)/\(command.concept).safetensors \(command.model) "where did you put the keys"
        unfold run \(command.model) "Once upon a time" --greedy 40
      """)
  }

  /// The probe's labelled set, through the model, at the sites of a capture.
  private func conceptSource() throws -> LiveActivations {
    try LiveActivations(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus([command.concept]),
      settings: CaptureSettings(), modelName: loaded.name)
  }

  private func heading(_ number: Int, _ title: String, _ equivalent: String?) {
    show("\n" + style.bold(style.cyan("\(number)  \(title)")))
    if let equivalent { show(style.dim("   unfold \(equivalent)")) }
  }

  private func show(_ text: String) {
    if !command.common.json { Console.standardOutput(text) }
  }
}
