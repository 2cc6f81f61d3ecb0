import ArgumentParser
import Foundation
import Unfold

struct SAETrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract:
      "Train sparse autoencoders, transcoders or crosscoders on a store, or straight from a model and a corpus.",
    discussion: """
      Examples:
        unfold sae train store --sites resid_post --layers 2 -o residual \\
            --latents 2048 --k 32
        unfold sae train unfold-mini demo-corpus --sites mlp_post --layers 2 \\
            -o neurons --latents 4096 --tokens 2000000
        unfold sae train store --sites resid_post --layers 2 -o grid \\
            --latents 1024,4096 --k 16,32 --repeats 2
        unfold sae train store --sites blocks.2.mlp.hook_in \\
            --target blocks.2.hook_mlp_out -o transcoder --latents 4096
        unfold sae train store --sites resid_post --layers 0-3 --crosscoder \\
            -o crosscoder --latents 4096 --k 32

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
  @Flag(name: .long, help: "Train a crosscoder: latents that all the sites chosen share.") var crosscoder = false
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
    if !resume { try AtomicFile.requireFree(URL(filePath: output)) }
    let wanted = [sites] + (target.map { [$0] } ?? [])
    let source = try self.source.open(sites: wanted.joined(separator: ","), layers: layers).source
    let settings = try training.settings(
      chosenSites(source), target: target, seed: common.seed, crosscoder: crosscoder)
    let site = settings.site
    if training.countSpecialTokens, source.rowKind == .document {
      throw ValidationError("--special-tokens applies to rows of tokens; this store's rows are documents.")
    }
    let grid = dictionary.grid(seed: common.seed)
    let run = try TrainingRun(source: source, settings: settings, dictionaries: dictionary.settings(of: grid))
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
    for warning in summary.warnings { common.note(warning) }
    let result = Result(
      folders: folders.map(\.relativePath), site: site, target: target, summary: summary,
      likeness: grid.repeats > 1 ? grid.likeness(made) : nil)
    try common.show(result) { result.text($0) }
  }

  func validate() throws {
    if dictionary.skip, target == nil {
      throw ValidationError("--skip applies to a transcoder, which --target makes.")
    }
    if crosscoder, target != nil || dictionary.skip {
      throw ValidationError("A crosscoder rebuilds what it reads: --target and --skip apply to transcoders.")
    }
  }

  private func chosenSites(_ source: any ActivationSource) throws -> [String] {
    let found = try source.select(sites: sites, layers: layers).map(\.name).filter { $0 != target }
    if crosscoder { return found }
    guard found.count == 1 else {
      throw Fault(
        .usage, "tool.oneSite", "A dictionary reads one site", place: sites, expected: "one site",
        found: found.isEmpty
          ? "none; the source holds " + source.sites.prefix(8).map(\.name).joined(separator: ", ")
          : found.prefix(6).joined(separator: ", "),
        advice: "name a layer with --layers, or the site in full; --crosscoder reads several")
    }
    return found
  }
}

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
    var table = TextTable([
      .left("dictionary"), .right("L0"), .right("FVU"), .right("rows"), .right("dead"), .text("folder"),
    ])
    for (index, folder) in folders.enumerated() {
      let held = summary.heldOut[index]
      table.append([
        summary.names[index], held.map { Format.fixed($0.l0, 1) } ?? "–", held.map { Format.fixed($0.fvu, 4) } ?? "–",
        held.map { Format.count($0.rows) } ?? "0",
        summary.metrics.indices.contains(index) ? Format.percent(summary.metrics[index].deadFraction) : "–", folder,
      ])
    }
    var lines = [table.rendered(style), ""]
    lines.append(
      summary.wasComplete
        ? "The run was complete."
        : "\(Format.count(summary.steps)) steps, \(Format.count(summary.tokens)) tokens in "
          + "\(Format.duration(seconds: summary.seconds)) (\(Format.count(Int(summary.tokensPerSecond))) tokens/s)")
    lines.append("L0 and FVU are the saved dictionaries' own, on rows that no step saw.")
    for likeness in likeness ?? [] {
      lines.append("likeness of the repeats (MMCS between them): \(Format.fixed(likeness, 3))")
    }
    return lines.joined(separator: "\n")
  }
}
