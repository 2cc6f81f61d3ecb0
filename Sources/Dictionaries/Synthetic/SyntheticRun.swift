import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// Trains a dictionary on a stream of a synthetic model's samples, none of which comes twice.
///
/// The stream's position is a counter: a run that was stopped goes on from its checkpoint, bit for bit where the same
/// kernels and as many threads compute, and in the same way but for last bits elsewhere.
public final class SyntheticRun {
  public let model: SyntheticModel
  public let trainer: DictionaryTrainer
  public let steps: Int
  public let batch: Int
  /// Of the stream.
  public let seed: UInt64
  /// The last step's; nil before the first.
  public private(set) var metrics: StepMetrics?
  /// Batches that are made together: enough rows for many threads.
  private static let together = 8

  /// Where a run stands, its arrays aside.
  private struct State: Codable {
    var format = "unfold synthetic checkpoint 1"
    var model: SyntheticModelSettings
    var dictionary: DictionarySettings
    var steps: Int
    var batch: Int
    var seed: UInt64
    var trainer: TrainerState
    /// How the last steps were computed, for the record.
    var kernel = MatrixKernel.name
    var threads = Threads.count
  }

  /// - Throws: what `DictionaryTrainer` refuses, and `dictionary.batch`.
  public init(model: SyntheticModel, settings: DictionarySettings, samples: Int, batch: Int = 1024, seed: UInt64) throws
  {
    guard 1...1 << 20 ~= batch, batch...1 << 40 ~= samples else {
      throw Fault(
        .usage, "dictionary.batch", "The batch or the number of samples cannot be used",
        expected: "a batch of 1 … 2²⁰ and at least as many samples", found: "batch \(batch), samples \(samples)")
    }
    self.model = model
    self.batch = batch
    self.seed = seed
    steps = samples / batch
    trainer = try DictionaryTrainer(settings: settings, inputWidth: model.width, steps: steps, batch: batch)
  }

  private var state: State {
    State(
      model: model.settings, dictionary: trainer.settings, steps: steps, batch: batch, seed: seed,
      trainer: trainer.state)
  }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - checkpoint: written every so many steps, at the end and when stopped; where it exists, the run goes on from it.
  ///   - isCancelled: asked after each step; when true, a checkpoint is written and `dictionary.interrupted` thrown.
  /// - Throws: `Fault`: `dictionary.checkpoint`, `dictionary.checkpointDiffers`, `dictionary.lossNotFinite`,
  ///   `dictionary.interrupted`, and what writing throws.
  public func train(
    checkpoint: URL? = nil, checkpointSteps: Int = 1000, isCancelled: () -> Bool = { false },
    progress: (TrainingRun.Progress) -> Void = { _ in }
  ) throws {
    if let checkpoint, FileManager.default.fileExists(atPath: checkpoint.path) { try restore(checkpoint) }
    let rows = FloatBuffer(unset: Self.together * batch * model.width)
    let (start, firstStep) = (ContinuousClock.now, trainer.step)
    while trainer.step < steps {
      let some = min(Self.together, steps - trainer.step)
      model.write(trainer.step * batch..<(trainer.step + some) * batch, seed: seed, into: rows.base)
      if trainer.step == 0 { prepare(rows.base, some * batch) }
      for index in 0..<some {
        metrics = try trainer.train(input: rows.base + index * batch * model.width, rows: batch)
        let rate = Double((trainer.step - firstStep) * batch) / max((ContinuousClock.now - start) / .seconds(1), 1e-9)
        progress(
          TrainingRun.Progress(
            step: trainer.step, steps: steps, tokensPerSecond: rate,
            secondsLeft: Double((steps - trainer.step) * batch) / rate, metrics: metrics.map { [$0] } ?? []))
        let isStopped = trainer.step < steps && isCancelled()
        if let checkpoint, isStopped || trainer.step == steps || trainer.step % max(checkpointSteps, 1) == 0 {
          try save(checkpoint)
        }
        guard isStopped else { continue }
        throw Fault(
          .interrupted, "dictionary.interrupted", "Training was stopped after step \(trainer.step) of \(steps)",
          file: checkpoint?.path,
          advice: checkpoint == nil ? nil : "go on with the same command and --resume")
      }
    }
  }

  private func prepare(_ rows: UnsafePointer<Float>, _ count: Int) {
    let some = min(count, 4096)
    trainer.prepare(
      input: Matrix(
        rows: some, columns: model.width,
        elements: Array(UnsafeBufferPointer(start: rows, count: some * model.width))))
  }

  private func save(_ url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    try SafetensorsWriter.write(lent: trainer.lentArrays(), metadata: ["state": text], to: url)
  }

  private func restore(_ url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    guard let text = file.metadata.first(where: { $0.key == "state" })?.value,
      let saved = try? JSONDecoder().decode(State.self, from: Data(text.utf8))
    else {
      throw Fault(
        .badData, "dictionary.checkpoint", "This is no checkpoint of a run on synthetic samples", file: url.path,
        expected: "a state in the header", found: "none that can be read", advice: "start the run in another folder")
    }
    let now = state
    guard saved.format == now.format, saved.model == now.model, saved.dictionary == now.dictionary,
      saved.steps == now.steps, saved.batch == now.batch, saved.seed == now.seed
    else {
      throw Fault(
        .badData, "dictionary.checkpointDiffers", "The checkpoint belongs to a run with other settings",
        file: url.path, expected: "\(saved.dictionary), \(saved.steps) steps of \(saved.batch), seed \(saved.seed)",
        found: "\(now.dictionary), \(now.steps) steps of \(now.batch), seed \(now.seed)",
        advice: "repeat the settings of the run that was stopped, or train into another folder")
    }
    try trainer.readArrays(file)
    trainer.state = saved.trainer
  }
}
