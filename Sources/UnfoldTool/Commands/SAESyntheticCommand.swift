import ArgumentParser
import Foundation
import Unfold

struct SAESyntheticCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synth",
    abstract: "Train and judge a dictionary on features that are known (SynthSAEBench-16k).",
    discussion: """
      Examples:
        unfold sae synth run --samples 5000000 --k 25
        unfold sae synth run --samples 200000000 --k 25 --resume --stop-after 600
        unfold sae synth run --architecture matryoshka --prefixes 128,512,2048,4096
        unfold sae synth judged --judge path/to/sae

      Samples are made as they are needed, from trees of 16,384 features in 768 dimensions; none comes twice. The settings
      of training are those of the published rows. A run that was stopped, by a signal or by --stop-after, goes on with
      --resume. The folder holds the dictionary as SAELens's, the model in SAELens's files, and the measures.
      """)

  @Argument(help: "The folder of the run.") var output: String
  @Option(name: .long, help: "batchtopk, matryoshka or topk.") var architecture: SparseAutoencoder.Architecture =
    .batchTopK
  @Option(name: .long, help: "The number of latents.") var latents = 4096
  @Option(name: .long, help: "Active latents of a sample.") var k = 25
  @Option(name: .long, help: "Samples to train on.") var samples = 200_000_000
  @Option(name: .long, help: "Samples in a step.") var batch = 1024
  @Option(name: .long, help: "The learning rate.") var learningRate: Float = 3e-4
  @Option(name: .long, help: "The share of the end with a falling learning rate.") var decay = 0.0
  @Option(name: .long, help: "The largest norm of all gradients together.") var gradientLimit: Float = 1
  @Option(name: .long, help: "The weight of the auxiliary loss of dead latents.") var auxiliary: Float = 1
  @Option(name: .long, help: "Samples without firing after which a latent is dead (default: 1000 steps' worth).")
  var deadAfter: Int?
  @Option(
    name: .long, help: "Matryoshka's nested widths (default: 1/32, 1/8, 1/2 and all).", transform: NumberList.whole)
  var prefixes: NumberList<Int>?
  @Option(name: .long, help: "Samples to judge by, which training never sees.") var judgeSamples = 500_000
  @Option(name: .long, help: "Judge the dictionary in this folder in place of training one.") var judge: String?
  @Option(name: .long, help: "A synthetic model in SAELens's files (default: SynthSAEBench-16k, made here).")
  var model: String?
  @Option(name: .long, help: "Steps between checkpoints.") var checkpointSteps = 2000
  @Option(name: .long, help: "Write a checkpoint and stop after so many seconds.") var stopAfter: Double?
  @Flag(name: .long, help: "Go on with a run that was stopped; starts an absent one.") var resume = false
  @Flag(name: .long, help: "Keep decoder rows at norm 1 in place of starting at 0.1 and leaving them free.")
  var unitNorm = false
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    var folder: String
    var samples: Int?
    var seconds: Double?
    var samplesPerSecond: Double?
    /// By each batch's k·rows largest, as the published rows, and by the dictionary's threshold.
    var measures: [SyntheticMeasures]
  }

  func validate() throws {
    if !architecture.selectsByK { throw ValidationError("--architecture must be batchtopk, matryoshka or topk.") }
    if judgeSamples < 1 { throw ValidationError("--judge-samples must be at least 1, not \(judgeSamples).") }
    if let stopAfter, !(stopAfter > 0) { throw ValidationError("--stop-after must be above 0, not \(stopAfter).") }
  }

  func run() throws {
    common.apply()
    Interruption.shared.listen()
    let start = ContinuousClock.now
    let folder = URL(filePath: output)
    if !resume { try AtomicFile.requireFree(URL(filePath: output)) }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    try AtomicFile.makeFolder(folder)
    let model = try madeModel(folder, line)
    var result = Result(folder: output, measures: [])
    var made: SparseAutoencoder
    if let judge {
      made = try SparseAutoencoder.load(folder: URL(filePath: judge))
      guard made.inputWidth == model.width, made.outputWidth == model.width, made.latents <= model.features else {
        throw Fault(
          .usage, "synthetic.width", "The dictionary does not fit the synthetic model", file: judge,
          expected: "width \(model.width) and at most \(model.features) latents",
          found: "width \(made.inputWidth), \(made.latents) latents")
      }
    } else {
      let run = try SyntheticRun(
        model: model, settings: settings, samples: samples, batch: batch, seed: common.seed)
      let began = ContinuousClock.now
      var first: Int?
      try run.train(
        checkpoint: folder.appending(path: "checkpoint.safetensors"), checkpointSteps: checkpointSteps,
        isCancelled: {
          Interruption.shared.isRequested || stopAfter.map { ContinuousClock.now - start >= .seconds($0) } ?? false
        },
        progress: {
          first = first ?? $0.step - 1
          line.update($0.line)
        })
      let took = (ContinuousClock.now - began) / .seconds(1)
      result.samples = run.steps * batch
      result.seconds = took
      result.samplesPerSecond = Double((run.steps - (first ?? run.steps)) * batch) / took
      made = run.trainer.dictionary(site: "synthetic")
    }
    // Samples of a stream of their own.
    func measures(_ selection: SyntheticMeasures.Selection) -> SyntheticMeasures {
      SyntheticMeasures(
        of: made, on: model, samples: judgeSamples, seed: ~common.seed, selection: selection,
        progress: { line.update("judged on \(Format.count($0)) of \(Format.count(judgeSamples)) samples") })
    }
    if made.configuration.k != nil {
      let byBatch = measures(.batch)
      result.measures.append(byBatch)
      if judge == nil, architecture != .topK {
        made.threshold = [Float](repeating: Float(byBatch.smallestSelected), count: made.latents)
      }
    }
    result.measures.append(measures(.threshold))
    line.clear()
    if judge == nil { try made.save(folder: folder.appending(path: "dictionary")) }
    try AtomicFile.write(JSONEncoder().encode(result), to: folder.appending(path: "measures.json"))
    try common.show(result) { result.text($0) }
  }

  /// The model of the flag, of the folder, or made anew and kept in the folder.
  private func madeModel(_ folder: URL, _ line: ProgressLine) throws -> SyntheticModel {
    if let model { return try SyntheticModel(folder: URL(filePath: model)) }
    let kept = folder.appending(path: "model")
    if SyntheticModel.exists(in: kept) { return try SyntheticModel(folder: kept) }
    let made = try SyntheticModel { step, steps in line.update("driving directions apart, step \(step) of \(steps)") }
    try made.save(folder: kept)
    return made
  }

  private var settings: DictionarySettings {
    var settings = DictionarySettings(architecture: architecture, latents: latents, k: k)
    settings.seed = common.seed
    settings.unitNormDecoder = unitNorm || architecture == .topK
    settings.normalization = .none
    settings.startsAtGeometricMedian = false
    settings.learningRate = learningRate
    settings.warmUp = 0
    settings.decay = decay
    settings.gradientLimit = gradientLimit
    settings.auxiliaryWeight = auxiliary
    settings.auxiliaryIsRelative = false
    settings.auxiliaryByPrefix = architecture == .matryoshka
    settings.deadAfterTokens = deadAfter ?? 1000 * batch
    settings.prefixes = prefixes?.values ?? (architecture == .matryoshka ? [32, 8, 2, 1].map { latents / $0 } : nil)
    return settings
  }
}

extension SAESyntheticCommand.Result {
  func text(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("active are"), .right("L0"), .right("F1"), .right("precision"), .right("recall"), .right("MCC"),
      .right("uniqueness"), .right("explained variance"), .right("dead"), .right("shrinkage"),
    ])
    for row in measures {
      table.append([
        row.selection == .batch ? "a batch's largest" : "those above the threshold", Format.fixed(row.l0, 2),
        Format.fixed(row.f1, 4), Format.fixed(row.precision, 4), Format.fixed(row.recall, 4), Format.fixed(row.mcc, 4),
        Format.fixed(row.uniqueness, 4), Format.fixed(row.explainedVariance, 4), Format.count(row.deadLatents),
        Format.fixed(row.shrinkage, 4),
      ])
    }
    var lines = [table.rendered(style), ""]
    if let row = measures.first {
      lines.append(
        "judged on \(Format.count(row.samples)) samples, \(Format.fixed(row.trueL0, 2)) features active in each")
    }
    if let samples, let seconds, let samplesPerSecond {
      lines.append(
        "trained on \(Format.count(samples)) samples; this part took \(Format.duration(seconds: seconds)) "
          + "(\(Format.count(Int(samplesPerSecond))) samples/s)")
    }
    return lines.joined(separator: "\n")
  }
}
