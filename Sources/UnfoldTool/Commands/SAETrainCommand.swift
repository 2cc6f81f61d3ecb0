import ArgumentParser
import Foundation
import Unfold

struct SAETrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train sparse autoencoders or transcoders on a store, or straight from a model and a corpus.",
    discussion: """
      Examples:
        unfold sae train store --sites resid_post --layers 2 -o residual --latents 2048 --k 32
        unfold sae train unfold-mini demo-corpus --sites mlp_post --layers 2 -o neurons --latents 4096 --tokens 2000000
        unfold sae train store --sites resid_post --layers 2 -o grid --latents 1024,4096 --k 16,32 --repeats 2
        unfold sae train store --sites blocks.2.mlp.hook_in --target blocks.2.hook_mlp_out -o transcoder --latents 4096

      Several values of --latents, --k or --sparsity, or --repeats, train every combination on one pass over the data,
      each into a folder of its own below the output. A run that was stopped or killed goes on with --resume and ends
      with the same weights, bit for bit. The folders are SAELens's: its SAE.load_from_disk reads them. Metrics are in
      training/metrics.jsonl and, for TensorBoard, beside it.
      """)

  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "The site: a shorthand such as resid_post or mlp_post, or a full name.")
  var sites = "resid_post"
  @Option(name: .long, help: "The layer of a shorthand.") var layers: String?
  @Option(name: .long, help: "The full name of the site to predict: trains a transcoder.") var target: String?
  @Option(name: .shortAndLong, help: "The folder of the dictionary.") var output: String
  @OptionGroup var dictionary: DictionaryArguments
  @OptionGroup var training: TrainingArguments
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Go on with a run that was stopped; starts an absent one, leaves a complete one alone.")
  var resume = false

  struct Result: Encodable {
    let folders: [String]
    let site: String
    let target: String?
    let summary: TrainingRun.Summary
    /// Mean over pairs of repeats of the mean, over latents, of the largest cosine with a latent of the other.
    let likeness: [Double]?
  }

  func run() throws {
    common.apply()
    Interruption.shared.listen()
    let folder = URL(filePath: output)
    let state = folder.appending(path: "training")
    if !resume { try refuseExisting(output) }
    let wanted = [sites] + (target.map { [$0] } ?? [])
    let source = try self.source.open(sites: wanted.joined(separator: ","), layers: layers)
    let site = try chosenSite(source)
    let run = try TrainingRun(
      source: source, settings: training.settings(site: site, target: target, seed: common.seed),
      dictionaries: dictionary.settings(seed: common.seed))
    common.note(
      "\(site): \(run.names.joined(separator: ", ")); \(Format.bytes(run.parameterBytes)) of weights and moments")
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let isNew = !FileManager.default.fileExists(atPath: folder.path)
    let summary: TrainingRun.Summary
    do {
      summary = try run.train(
        folder: state, resume: resume, isCancelled: { Interruption.shared.isRequested },
        progress: { line.update($0.line) })
    } catch {
      // What failed before anything was kept leaves no folder in the way of the next attempt.
      let checkpoint = state.appending(path: "checkpoint.safetensors")
      if isNew, !FileManager.default.fileExists(atPath: checkpoint.path) {
        try? FileManager.default.removeItem(at: folder)
      }
      throw error
    }
    line.clear()
    let made = run.dictionaries
    let folders = made.count == 1 ? [folder] : run.names.map { folder.appending(path: $0) }
    for (dictionary, folder) in zip(made, folders) { try dictionary.save(folder: folder) }
    let result = Result(
      folders: folders.map(\.relativePath), site: site, target: target, summary: summary,
      likeness: dictionary.repeats > 1 ? dictionary.likeness(made) : nil)
    try common.show(result) { result.text($0) }
  }

  private func chosenSite(_ source: any ActivationSource) throws -> String {
    let found = try source.select(sites: sites, layers: layers).map(\.name).filter { $0 != target }
    guard found.count == 1, let site = found.first else {
      throw Fault(
        .usage, "tool.oneSite", "A dictionary reads one site", place: sites, expected: "one site",
        found: found.isEmpty
          ? "none; the source holds " + source.sites.prefix(8).map(\.name).joined(separator: ", ")
          : found.prefix(6).joined(separator: ", "),
        advice: "name a layer with --layers, or the site in full")
    }
    return site
  }
}

/// What a dictionary is and learns, as flags.
struct DictionaryArguments: ParsableArguments {
  @Option(name: .long, help: "topk, batchtopk, matryoshka, standard (ReLU and L1), gated or jumprelu.")
  var architecture: SparseAutoencoder.Architecture = .topK
  @Option(name: .long, help: "The number of latents; several, separated by commas, make a grid.")
  var latents: NumberList = NumberList([4096])
  @Option(name: .long, help: "Active latents of a token; several make a grid.") var k: NumberList = NumberList([32])
  @Option(name: .long, help: "The weight of the sparsity loss (standard, gated, jumprelu); several make a grid.")
  var sparsity: NumberList?
  @Option(name: .long, help: "Dictionaries of each kind, from seeds that follow --seed.") var repeats = 1
  @Option(name: .long, help: "The learning rate (default: 2e-4 / √(latents / 16384)).") var learningRate: Float?
  @Option(name: .long, help: "Steps of rising learning rate (default: 1000 or a twentieth).") var warmUp: Int?
  @Option(name: .long, help: "The share of the end with a falling learning rate.") var decay = 0.2
  @Option(name: .long, help: "Steps over which the sparsity's weight rises.") var sparsityWarmUp = 0
  @Option(name: .long, help: "none, expected_average_only_in, constant_norm_rescale or layer_norm.")
  var normalize: SparseAutoencoder.Normalization = .expectedAverageOnlyIn
  @Option(name: .long, help: "The weight of the auxiliary loss of dead latents.") var auxiliary: Float = 1 / 32
  @Option(name: .long, help: "Tokens without firing after which a latent is dead.") var deadAfter: Int?
  @Option(name: .long, help: "Steps at which dead latents get new directions.") var resampleAt: NumberList?
  @Option(name: .long, help: "JumpReLU's penalty: step or tanh.")
  var penalty: DictionarySettings.JumpReLUSettings.Penalty = .step
  @Option(name: .long, help: "JumpReLU's bandwidth.") var bandwidth: Float = 0.05
  @Option(name: .long, help: "Matryoshka's nested widths (default: 1/16, 1/8, 1/4, 1/2 and all).")
  var prefixes: NumberList?
  @Option(name: .long, help: "The largest norm of all gradients together (default: no limit).") var gradientLimit:
    Float?
  @Flag(name: .long, help: "Give a transcoder a linear path past its latents.") var skip = false

  /// Every combination, repeats innermost.
  func settings(seed: UInt64) -> [DictionarySettings] {
    var all: [DictionarySettings] = []
    let given = sparsity?.values.map { Float($0) as Float? } ?? [nil]
    let weights = architecture.selectsByK ? [nil] : given
    for width in latents.whole {
      for count in architecture.selectsByK ? k.whole : [k.whole.first ?? 32] {
        for weight in weights {
          for offset in 0..<UInt64(repeats) {
            var settings = DictionarySettings(architecture: architecture, latents: width, k: count)
            settings.seed = seed &+ offset
            if let weight { settings.sparsity = weight }
            settings.normalization = normalize
            settings.sparsityWarmUp = sparsityWarmUp
            settings.jumpReLU.penalty = penalty
            settings.jumpReLU.bandwidth = bandwidth
            settings.prefixes = prefixes?.whole
            settings.auxiliaryWeight = auxiliary
            settings.deadAfterTokens = deadAfter
            settings.resampleSteps = resampleAt?.whole ?? []
            settings.learningRate = learningRate
            settings.warmUp = warmUp
            settings.decay = decay
            settings.gradientLimit = gradientLimit
            settings.skip = skip
            all.append(settings)
          }
        }
      }
    }
    return all
  }

  /// How alike the repeats of each kind are: the mean, over pairs, of their mean maximal cosine.
  func likeness(_ dictionaries: [SparseAutoencoder]) -> [Double] {
    stride(from: 0, to: dictionaries.count, by: repeats).map { start in
      let same = dictionaries[start..<min(start + repeats, dictionaries.count)]
      var values: [Double] = []
      for (index, a) in same.enumerated() {
        for (other, b) in same.enumerated() where other != index {
          values.append(meanMaximumCosine(of: a.decoder, among: b.decoder))
        }
      }
      return values.reduce(0, +) / Double(max(values.count, 1))
    }
  }

  func validate() throws {
    if repeats < 1 { throw ValidationError("--repeats must be at least 1, not \(repeats).") }
  }
}

/// How training reads its data, as flags.
struct TrainingArguments: ParsableArguments {
  @Option(name: .long, help: "Tokens in a step.") var batch = 4096
  @Option(name: .long, help: "Tokens to train on, repeating the data as needed (default: the data once).")
  var tokens: Int?
  @Option(name: .long, help: "Tokens held in memory and shuffled together (default: what 256 MiB hold).")
  var shuffle: Int?
  @Option(name: .long, help: "Steps between checkpoints; 0 for one at the end.") var checkpointSteps = 1000
  @Option(name: .long, help: "Leave tokens out whose norm exceeds so many times the median; 0 for none.")
  var outlierNorm: Float = 10
  @Flag(name: .long, help: "Let begin tokens and their like take part.") var countSpecialTokens = false

  func settings(site: String, target: String?, seed: UInt64) -> TrainingSettings {
    var settings = TrainingSettings(site: site, target: target)
    settings.batch = batch
    settings.tokens = tokens
    settings.shuffledTokens = shuffle
    settings.seed = seed
    settings.countsSpecialTokens = countSpecialTokens
    settings.outlierNorm = outlierNorm > 0 ? outlierNorm : nil
    settings.checkpointSteps = checkpointSteps > 0 ? checkpointSteps : nil
    return settings
  }
}

/// Numbers separated by commas.
struct NumberList: ExpressibleByArgument {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let numbers = parts.compactMap { $0 }
    guard !numbers.isEmpty, numbers.count == parts.count, numbers.allSatisfy({ abs($0) < 1e15 }) else { return nil }
    values = numbers
  }

  /// The numbers, rounded to whole ones.
  var whole: [Int] { values.map { Int($0.rounded()) } }

  var defaultValueDescription: String { whole.map(String.init).joined(separator: ",") }
}

extension SparseAutoencoder.Architecture: ExpressibleByArgument {
  var selectsByK: Bool { self == .topK || self == .batchTopK || self == .matryoshka }
}
extension SparseAutoencoder.Normalization: ExpressibleByArgument {}
extension DictionarySettings.JumpReLUSettings.Penalty: ExpressibleByArgument {}

extension TrainingRun.Progress {
  /// Such as "step 120 of 480, 5,210 tokens/s, loss 84.1, FVU 0.21, L0 32.0, dead 1.2 %, 20 s left".
  var line: String {
    var parts = [
      "step \(Format.count(step)) of \(Format.count(steps))", "\(Format.count(Int(tokensPerSecond))) tokens/s",
    ]
    if let first = metrics.first {
      parts += [
        "loss \(Format.fixed(first.loss, 2))", "FVU \(Format.fixed(first.fvu, 4))", "L0 \(Format.fixed(first.l0, 1))",
        "dead \(Format.percent(first.deadFraction))",
      ]
    }
    parts.append("\(Format.duration(seconds: secondsLeft)) left")
    return parts.joined(separator: ", ")
  }
}

extension SAETrainCommand.Result {
  func text(_ style: TerminalStyle) -> String {
    if summary.wasComplete { return "\(folders.joined(separator: ", ")): the run was complete." }
    var table = TextTable([
      .left("dictionary"), .right("loss"), .right("FVU"), .right("L0"), .right("dead"), .text("folder"),
    ])
    for (index, metrics) in summary.metrics.enumerated() {
      table.append([
        summary.names[index], Format.fixed(metrics.loss, 3), Format.fixed(metrics.fvu, 4), Format.fixed(metrics.l0, 1),
        Format.percent(metrics.deadFraction), folders[index],
      ])
    }
    var lines = [
      table.rendered(style), "",
      "\(Format.count(summary.steps)) steps, \(Format.count(summary.tokens)) tokens in "
        + "\(Format.duration(seconds: summary.seconds)) (\(Format.count(Int(summary.tokensPerSecond))) tokens/s); the "
        + "figures are the last batch's",
    ]
    for likeness in likeness ?? [] {
      lines.append("likeness of the repeats (MMCS between them): \(Format.fixed(likeness, 3))")
    }
    return lines.joined(separator: "\n")
  }
}
