import ArgumentParser
import Foundation
import Unfold

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Run a model over a corpus and stream its activations into an HDF5 store.",
    discussion: """
      Examples:
        unfold capture unfold-mini demo-corpus -o store
        unfold capture ./gpt2 corpus.jsonl.gz -o store --sites mlp_post --layers 4-8 --top 64
        unfold capture unfold-mini corpus.txt -o store --statistics-only

      Open STORE/index.h5 in h5py. A run that was stopped or killed goes on with --resume.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(
    help: ArgumentHelp(
      "Corpora: .jsonl, .csv, .tsv, .txt (also gzipped), a folder of .txt files, - for standard input, or a dataset "
        + "that ships.", valueName: "corpus"))
  var corpora: [String]
  @Option(name: .shortAndLong, help: "The store's folder, or a name that ends in .h5 for one plain file.")
  var output: String
  @OptionGroup var capture: CaptureArguments
  @OptionGroup var corpus: CorpusArguments
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Go on with a run that was stopped; starts an absent one, leaves a complete one alone.")
  var resume = false

  struct Result: Encodable {
    let store: String
    let summary: CaptureSummary
    let memory: CaptureMemory
    let tokensPerSecond: Double
  }

  func validate() throws {
    if corpora.isEmpty { throw ValidationError("Name at least one corpus.") }
  }

  func run() throws {
    common.apply()
    Interruption.shared.listen()
    let loaded = try Session.open(model.model, compute: capture.compute)
    let plan = try Capture(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus(corpora, options: corpus.options),
      settings: capture.settings(seed: common.seed), modelName: loaded.name, version: UnfoldVersion.current)
    if let bytes = plan.expectedBytes {
      common.note("\(plan.sites.count) sites, about \(Format.bytes(bytes)) of activations, to \(output)")
    }
    common.note(plan.memory.line)
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let summary = try plan.run(
      to: URL(filePath: output), resume: resume, isCancelled: { Interruption.shared.isRequested },
      progress: { line.update($0.line) })
    line.clear()
    let rate = Double(summary.computedTokens) / max(summary.seconds, 1e-9)
    try common.show(Result(store: output, summary: summary, memory: plan.memory, tokensPerSecond: rate)) { style in
      summary.text(store: output, rate: rate, style)
    }
  }
}

/// The settings of a capture, as flags.
struct CaptureArguments: ParsableArguments {
  @Option(
    name: .long,
    help: "Hook points: shorthands (resid_post), full names, names with * for the layer; separated by commas.")
  var sites = CaptureSettings.usualSites

  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.")
  var layers: String?

  @Option(name: .long, help: "How values are stored: float16, float32 or bfloat16.")
  var storage: StorageType = .float16

  @Option(name: .long, help: "The numbers that matrix products compute with: float32 or bfloat16.")
  var compute: ComputeType = .float32

  @Option(name: .long, help: "The most tokens of one document (default: the model's context).")
  var context: Int?

  @Option(name: .long, help: "What becomes of longer documents: split, truncate or refuse.")
  var overflow: CaptureSettings.Overflow = .split

  @Option(name: .long, help: "One row a document in place of one a token: none, mean, max or last.")
  var pool: PoolChoice = .none

  @Option(
    name: .long, help: "How many tokens are computed at once (default: 4096; more where weights do not fit memory).")
  var batchTokens: Int?

  @Option(name: .long, help: "A shard closes after so many tokens.")
  var shardTokens: Int?

  @Option(name: .long, help: "How many top examples are kept of each column.")
  var top = 32

  @Flag(name: .long, help: "Gather statistics, top examples and samples without storing activations.")
  var statisticsOnly = false

  @Option(name: .long, help: "Run only share I of N of the documents (0/4 … 3/4), to be merged afterwards.")
  var shard: ShareArgument?

  @Flag(name: .long, help: "Add no begin token or its like.")
  var noSpecialTokens = false

  @Flag(name: .long, help: "Count begin tokens and their like in statistics and pooled rows.")
  var countSpecialTokens = false

  func settings(seed: UInt64) -> CaptureSettings {
    var settings = CaptureSettings(
      sites: sites, layers: layers, storage: storage, compute: compute, context: context, overflow: overflow,
      pool: pool.pooling, top: top, statisticsOnly: statisticsOnly, share: shard?.share,
      addsSpecialTokens: !noSpecialTokens, countsSpecialTokens: countSpecialTokens, seed: seed)
    if let batchTokens { settings.batchTokens = batchTokens }
    if let shardTokens { settings.shardTokens = shardTokens }
    return settings
  }

  func validate() throws {
    if storage == .uint8 {
      throw ValidationError(
        "uint8 needs each column's range, which is known only afterwards: capture, then "
          + "`unfold store pack STORE --storage uint8`.")
    }
  }
}

enum PoolChoice: String, ExpressibleByArgument, CaseIterable {
  case none, mean, max, last

  var pooling: CaptureSettings.Pooling? { CaptureSettings.Pooling(rawValue: rawValue) }
}

/// `I/N`.
struct ShareArgument: ExpressibleByArgument {
  let share: CaptureSettings.Share

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], count >= 1, 0..<count ~= index else {
      return nil
    }
    share = CaptureSettings.Share(index: index, count: count)
  }
}

extension StorageType: ExpressibleByArgument {}
extension CaptureSettings.Overflow: ExpressibleByArgument {}

extension CaptureProgress {
  /// Such as "12,288 tokens, 96 documents, 5,210 tokens/s, 43 %, 20 s left".
  var line: String {
    var parts = [
      "\(Format.count(tokens)) tokens", "\(Format.count(documents)) documents",
      "\(Format.count(Int(tokensPerSecond))) tokens/s",
    ]
    if let fraction { parts.append("\(Int(fraction * 100)) %") }
    if let secondsLeft { parts.append("\(Format.duration(seconds: secondsLeft)) left") }
    return parts.joined(separator: ", ")
  }
}

extension CaptureMemory {
  /// Such as "takes up to 1.9 GiB of memory: 650.0 MiB of weights, …".
  var line: String {
    var parts = [
      "\(Format.bytes(weights)) of weights kept", "\(Format.bytes(reading)) for those under way",
      "\(Format.bytes(batch)) for a batch of \(Format.count(batchTokens)) tokens",
    ]
    if statistics > 0 { parts.append("\(Format.bytes(statistics)) for statistics") }
    parts.append("\(Format.bytes(store)) for the store")
    var line = "takes up to \(Format.bytes(total)) of memory: \(parts.joined(separator: ", "))"
    if rereadBytes > 0 {
      line += "; \(Format.bytes(rereadBytes)) of \(Format.bytes(weightFileBytes)) of weights are read for each batch"
    }
    return line
  }
}

extension CaptureSummary {
  func text(store: String, rate: Double, _ style: TerminalStyle) -> String {
    if wasComplete { return "\(store) was complete: \(Format.count(tokens)) tokens." }
    var lines = [
      "\(Format.count(tokens)) tokens of \(Format.count(documents)) documents in "
        + "\(Format.duration(seconds: seconds)) (\(Format.count(Int(rate))) tokens/s)"
    ]
    if secondsWaitingForWeights > 0.01 * seconds {
      lines.append(
        "\(Format.duration(seconds: secondsWaitingForWeights)) of it waiting for weights, "
          + "in batches of \(Format.count(batchTokens)) tokens")
    }
    if emptyDocuments > 0 { lines.append("\(Format.count(emptyDocuments)) empty documents were left out") }
    if invalidDocuments > 0 {
      lines.append("\(Format.count(invalidDocuments)) documents that were not UTF-8 were left out")
    }
    if documentsWithNUL > 0 {
      lines.append(
        "\(Format.count(documentsWithNUL)) documents hold U+0000, which stands as U+FFFD in the store's texts")
    }
    let opens = store.hasSuffix(".h5") ? store : "\(store)/index.h5"
    lines.append("Open it with h5py: \(style.bold(opens))")
    return lines.joined(separator: "\n")
  }
}
