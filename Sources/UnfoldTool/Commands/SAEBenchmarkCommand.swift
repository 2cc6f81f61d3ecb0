import ArgumentParser
import Foundation
import Unfold

/// What `Scripts/bench/dictionaries.py` calls: training on synthetic features, timed, and what is recovered of them.
struct SAEBenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Train on synthetic features: tokens a second, and how much is recovered.",
    discussion: """
      Example:
        unfold sae benchmark --width 768 --latents 12288 --k 32 --steps 6

      Batches lie in memory; only the steps are timed, the first ones left out. --export writes the rows and the true
      directions for another trainer, --judge reads a dictionary that one has written.
      """, shouldDisplay: false)

  @Option(name: .long, help: "The width of a row.") var width = 768
  @Option(name: .long, help: "True features.") var features = 4096
  @Option(name: .long, help: "Features active in a row, on average.") var active = 20.0
  @Option(name: .long, help: "Zipf's exponent.") var exponent = 0.5
  @Option(name: .long, help: "Features that share a switch.") var group = 1
  @Option(name: .long, help: "Rows in memory.") var rows = 32768
  @Option(name: .long, help: "The mean norm of rows (default: as strengths of 0.5 to 1.5 give it).") var norm: Float?
  @Option(name: .long, help: "Tokens in a step.") var batch = 4096
  @Option(name: .long, help: "Timed steps, or all where --untimed is 0.") var steps = 10
  @Option(name: .long, help: "Steps before the timed ones.") var untimed = 2
  @Option(name: .long, help: "Write the rows and directions as float32 here.") var export: String?
  @Option(name: .long, help: "Judge this dictionary instead of training one.") var judge: String?
  @Option(name: .shortAndLong, help: "Write the dictionary here.") var output: String?
  @Option(name: .long, help: "The seed of the initial weights (default: --seed).") var dictionarySeed: UInt64?
  @Flag(name: .long, help: "Add no geometric median, normalization, warm-up or decay, as the peer's settings.")
  var plain = false
  @OptionGroup var dictionary: DictionaryArguments
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    var tokensPerSecond = 0.0
    var seconds = 0.0
    /// Of each timed step.
    var stepSeconds: [Double] = []
    /// Of all threads, for a timed step.
    var processorSeconds = 0.0
    var metrics: StepMetrics?
    var mmcs: Double?
    var recovered: Double?
    var meanF1: Double?
    /// Latents that never fire on the rows that are judged, and what the dictionary does there.
    var silent: Int?
    var l0: Double?
    var explainedVariance: Double?
    /// The most memory that the process held.
    var peakBytes = 0
    /// The same, less what it held before training began; what it must be by the trainer's account.
    var trainingBytes: Int?
    var parameterBytes: Int?
    var batchBytes: Int?
  }

  func run() throws {
    common.apply()
    func features(scale: Float) -> SyntheticFeatures {
      SyntheticFeatures(
        features: self.features, width: width, meanActive: active, exponent: exponent, groupSize: group, rows: rows,
        scale: scale, seed: common.seed)
    }
    var source = features(scale: 1)
    if let norm { source = features(scale: norm / meanNorm(source.activations(0..<min(rows, 4096)))) }
    var result = Result()
    if let export { try write(source, to: URL(filePath: export)) }
    var made: SparseAutoencoder?
    if let judge {
      made = try SparseAutoencoder.load(folder: URL(filePath: judge))
    } else if export == nil || output != nil {
      made = try train(source, &result)
    }
    if let made {
      let recovery = Recovery(of: made, on: source, rows: 0..<min(rows, 16384))
      let measures = try made.reconstruction(of: source, site: SyntheticFeatures.siteName, rows: 16384)
      (result.silent, result.l0) = (measures.deadLatents, measures.l0)
      result.explainedVariance = measures.explainedVariance
      (result.mmcs, result.recovered, result.meanF1) = (recovery.mmcs, recovery.recovered, recovery.meanF1)
      if let output { try made.save(folder: URL(filePath: output)) }
    }
    try common.show(result) { _ in
      "\(Format.count(Int(result.tokensPerSecond))) tokens/s, MMCS \(Format.fixed(result.mmcs ?? 0, 3)), recovered "
        + "\(Format.percent(result.recovered ?? 0)), F1 \(Format.fixed(result.meanF1 ?? 0, 3))"
    }
  }

  private func meanNorm(_ rows: Matrix) -> Float {
    let norms = (0..<rows.rows).map { row in rows.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot() }
    return norms.reduce(0, +) / Float(max(norms.count, 1))
  }

  private func train(_ source: SyntheticFeatures, _ result: inout Result) throws -> SparseAutoencoder {
    var data: [Float] = []
    try source.stream([SyntheticFeatures.siteName], maximumRows: 8192) { data += $0.values[0].elements }
    let grid = dictionary.grid(seed: dictionarySeed ?? common.seed)
    guard rows >= batch, var settings = dictionary.settings(of: grid).first else {
      throw ValidationError("--rows must be at least --batch.")
    }
    if plain {
      settings.normalization = .none
      settings.startsAtGeometricMedian = false
      (settings.warmUp, settings.decay) = (0, 0)
      settings.deadAfterTokens = dictionary.deadAfter ?? 1000 * batch
    }
    let before = resetPeak()
    let trainer = try DictionaryTrainer(
      settings: settings, inputWidth: width, steps: untimed + steps, batch: batch)
    let some = min(rows, 4096)
    let sample = Matrix(rows: some, columns: width, elements: Array(data[0..<some * width]))
    trainer.prepare(input: sample)
    try data.withUnsafeBufferPointer { data in
      guard let base = data.baseAddress else { return }
      for step in 0..<untimed + steps {
        let first = step % (rows / batch) * batch
        let (start, used) = (ContinuousClock.now, processorSeconds)
        result.metrics = try trainer.train(input: base + first * width, rows: batch)
        let took = (ContinuousClock.now - start) / .seconds(1)
        if step >= untimed {
          result.processorSeconds += (processorSeconds - used) / Double(steps)
          result.stepSeconds.append(took)
        }
      }
    }
    trainer.setThreshold(on: Matrix(rows: rows, columns: width, elements: data))
    result.peakBytes = peakBytes
    if let before { result.trainingBytes = result.peakBytes - before }
    (result.parameterBytes, result.batchBytes) = (trainer.parameterBytes, trainer.batchBytes)
    result.seconds = result.stepSeconds.reduce(0, +)
    result.tokensPerSecond = Double(steps * batch) / max(result.seconds, 1e-9)
    return trainer.dictionary(site: SyntheticFeatures.siteName)
  }

  /// Seconds of processor time that this process has used, all threads together.
  private var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The most memory that the process held, where Linux tells it; otherwise 0.
  private var peakBytes: Int { memory("VmHWM:") }

  /// Lets the peak begin anew at what the process holds now, and returns that; nil where the system cannot.
  private func resetPeak() -> Int? {
    guard (try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))) != nil else { return nil }
    return memory("VmRSS:")
  }

  private func memory(_ name: String) -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
  }

  private func write(_ source: SyntheticFeatures, to url: URL) throws {
    var bytes = Data()
    try source.stream([SyntheticFeatures.siteName], maximumRows: 8192) { block in
      block.values[0].elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    try AtomicFile.write(bytes, to: url)
  }
}
