import Activations
import CKernels
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// Trains one dictionary or several on one pass over the data, with checkpoints from which it goes on bit for bit.
///
/// Memory: each dictionary's (see `DictionaryTrainer`), a group of shuffled rows and one batch.
public final class TrainingRun {
  /// How far a run is.
  public struct Progress: Sendable {
    public var step: Int
    public var steps: Int
    public var tokensPerSecond: Double
    public var secondsLeft: Double
    /// The last step's, of each dictionary.
    public var metrics: [StepMetrics]
  }

  /// What a finished run did.
  public struct Summary: Codable, Sendable {
    public var steps: Int
    public var tokens: Int
    /// Steps that this call made, after any resume.
    public var computedSteps: Int
    public var seconds: Double
    public var tokensPerSecond: Double
    /// The names of the dictionaries and their last metrics.
    public var names: [String]
    public var metrics: [StepMetrics]
    /// What each dictionary, as it is saved, does on rows that no step saw; nil where these are too few.
    public var heldOut: [HeldOutMeasures?] = []
    /// What a reader of the figures must know.
    public var warnings: [String] = []
    public var wasComplete = false
  }

  public let settings: TrainingSettings
  public let trainers: [DictionaryTrainer]
  /// What each dictionary's files are called, such as `topk-f4096-k32-s0`.
  public let names: [String]
  private let rows: RowGroups
  private var state: RunState
  private var carried: RowGroup
  private var held: HeldOutRows
  private let source: any ActivationSource
  private var inputBatch: Matrix
  private var targetBatch: Matrix?
  private var lastMetrics: [StepMetrics?]

  /// Prepares a run; nothing is read but the source's description.
  ///
  /// - Throws: `Fault`: `activations.unknownSite`, `dictionary.expertSite`, `dictionary.tooFewTokens`, `dictionary.batch`, and what
  ///   `DictionaryTrainer` refuses.
  public init(source given: any ActivationSource, settings: TrainingSettings, dictionaries: [DictionarySettings]) throws
  {
    precondition(!dictionaries.isEmpty, "no dictionary to train")
    let (source, dictionaries, crosscoder) = try CrosscoderSite.prepared(given, settings, dictionaries)
    guard settings.batch >= 1, settings.batch <= 1 << 24, settings.tokens ?? 1 >= 1, settings.runTokens >= 1 else {
      throw Fault(
        .usage, "dictionary.batch", "The batch or the number of tokens cannot be used",
        expected: "a batch of 1 … 2²⁴ and at least one token",
        found: "batch \(settings.batch), tokens \(settings.tokens ?? 0), runs of \(settings.runTokens)")
    }
    let sites = try settings.sites.map { try source.site(named: $0) }
    if let expert = sites.first(where: \.isRouted) {
      throw Fault(
        .usage, "dictionary.expertSite", "No dictionary can be trained on an expert's site", place: expert.name,
        expected: "a site that has a row for every token", found: "one with rows for the tokens routed there alone",
        advice: "train on what all tokens have, such as hook_resid_post or mlp.hook_in of the layer")
    }
    let widths = sites.map(\.width)
    let rows = try RowGroups(source, settings)
    let steps = max(1, (settings.tokens ?? rows.heldOut.trained(of: source.rowCount)) / settings.batch)
    trainers = try dictionaries.map {
      try DictionaryTrainer(
        settings: $0, inputWidth: widths[0], outputWidth: widths.count > 1 ? widths[1] : nil, crosscoder: crosscoder,
        steps: steps, batch: settings.batch)
    }
    self.settings = settings
    self.source = source
    self.rows = rows
    names = Self.names(dictionaries)
    state = RunState(
      training: settings, dictionaries: dictionaries,
      source: SourceIdentity(origin: source.origin, rows: source.rowCount, widths: widths), steps: steps)
    carried = RowGroup(
      input: Matrix(zeros: 0, columns: widths[0]), target: widths.count > 1 ? Matrix(zeros: 0, columns: widths[1]) : nil
    )
    held = HeldOutRows(sample: carried, judged: carried)
    inputBatch = Matrix(zeros: settings.batch, columns: widths[0])
    targetBatch = widths.count > 1 ? Matrix(zeros: settings.batch, columns: widths[1]) : nil
    lastMetrics = dictionaries.map { _ in nil }
  }

  /// The dictionaries as they stand.
  public var dictionaries: [SparseAutoencoder] {
    trainers.map { $0.dictionary(site: settings.site, target: settings.target, origin: source.origin) }
  }

  /// The bytes that weights, gradients and Adam's moments take.
  public var parameterBytes: Int { trainers.reduce(0) { $0 + $1.parameterBytes } }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - folder: where checkpoints and metrics go: `checkpoint.safetensors`, `metrics.jsonl` and one TensorBoard file;
  ///     nil for none.
  ///   - resume: goes on from the folder's checkpoint, where there is one.
  ///   - isCancelled: asked after each step; when true, a checkpoint is written and `dictionary.interrupted` thrown.
  /// - Throws: `Fault`: `dictionary.constantActivations`, `dictionary.activationNotFinite`, `dictionary.lossNotFinite`,
  ///   `dictionary.checkpointDiffers`, `dictionary.checkpoint`, `dictionary.interrupted`, and what reading throws.
  public func train(
    folder: URL? = nil, resume: Bool = false, isCancelled: () -> Bool = { false },
    progress: (Progress) -> Void = { _ in }
  ) throws -> Summary {
    let checkpoint = folder?.appending(path: "checkpoint.safetensors")
    if let folder { try AtomicFile.makeFolder(folder) }
    if resume, let checkpoint, FileManager.default.fileExists(atPath: checkpoint.path) { try restore(checkpoint) }
    let log = try folder.map { try TrainingLog($0, names: names, lengths: state.lengths) }
    let firstStep = state.step
    let start = ContinuousClock.now
    var (epochOfRows, rowsInEpoch) = (state.epoch, 1)
    if state.step < state.steps {
      try rows.forEachGroup(epoch: state.epoch, group: state.group) { epoch, group, loaded, unseen in
        if epoch == 0, group >= state.heldGroups {
          held.append(unseen)
          state.heldGroups = group + 1
        }
        if epoch != epochOfRows {
          guard rowsInEpoch > 0 else { throw tooFewTokens() }
          (epochOfRows, rowsInEpoch) = (epoch, 0)
        }
        if epoch != state.epoch || group != state.group { (state.epoch, state.group, state.batch) = (epoch, group, 0) }
        rowsInEpoch += loaded.input.rows
        state.largestNorm = rows.largestNorm
        return try train(on: loaded, checkpoint: checkpoint, log: log, isCancelled: isCancelled) {
          let seconds = max((ContinuousClock.now - start) / .seconds(1), 1e-9)
          let rate = Double((state.step - firstStep) * settings.batch) / seconds
          progress(
            Progress(
              step: state.step, steps: state.steps, tokensPerSecond: rate,
              secondsLeft: Double((state.steps - state.step) * settings.batch) / rate,
              metrics: lastMetrics.compactMap { $0 }))
        }
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let (measures, warnings) = finish()
    if firstStep < state.steps, let checkpoint { try save(checkpoint, log) }
    return Summary(
      steps: state.step, tokens: state.step * settings.batch, computedSteps: state.step - firstStep, seconds: seconds,
      tokensPerSecond: Double((state.step - firstStep) * settings.batch) / max(seconds, 1e-9), names: names,
      metrics: lastMetrics.compactMap { $0 }, heldOut: measures, warnings: warnings,
      wasComplete: firstStep == state.steps)
  }

  /// Sets the thresholds, and judges the dictionaries as they will be saved.
  private func finish() -> (measures: [HeldOutMeasures?], warnings: [String]) {
    var warnings: [String] = []
    for (trainer, name) in zip(trainers, names) {
      if let error = trainer.setThreshold(on: held.sample.input), error > 0.01 {
        warnings.append(
          "\(name): the threshold was set on \(held.sample.input.rows) rows alone, so that L0 elsewhere may differ from k "
            + "by \(Int((200 * error).rounded(.up))) %; train on more tokens")
      }
      warnings += trainer.warnings.map { "\(name): \($0)" }
    }
    let measures = zip(trainers, dictionaries).map { trainer, dictionary in
      dictionary.heldOutMeasures(
        on: held.judged, thresholdRows: trainer.threshold == nil ? 0 : held.sample.input.rows)
    }
    for (name, own) in zip(names, measures) where own?.l0 == 0 {
      warnings.append(
        "\(name): no latent is active on any row that is judged: the dictionary says nothing. Train with a smaller sparsity "
          + "penalty, a lower learning rate or more tokens")
    }
    return (measures, warnings)
  }

  /// Takes the batches of one group; false when the run has come to its end.
  private func train(
    on loaded: RowGroup, checkpoint: URL?, log: TrainingLog?, isCancelled: () -> Bool, _ report: () -> Void
  ) throws -> Bool {
    let pool = carried.appending(loaded)
    var generator = SeededGenerator(seed: settings.seed, stream: "rows of epoch \(state.epoch), group \(state.group)")
    let order = generator.permutation(pool.input.rows)
    let batches = order.count / settings.batch
    if !state.isPrepared, batches > 0 {
      try prepare(pool, order)
      state.isPrepared = true
    }
    while state.batch < batches {
      gather(pool, order[state.batch * settings.batch..<(state.batch + 1) * settings.batch])
      try step(checkpoint, log)
      state.batch += 1
      state.step += 1
      if let log, state.step % settings.metricSteps == 0 || state.step == state.steps {
        try log.append(lastMetrics.compactMap { $0 })
      }
      report()
      if state.step == state.steps { return false }
      if isCancelled() {
        if let checkpoint { try save(checkpoint, log) }
        throw Fault(
          .interrupted, "dictionary.interrupted", "Training was stopped after step \(state.step) of \(state.steps)",
          file: checkpoint?.path,
          advice: checkpoint == nil ? nil : "go on with the same command and --resume: the end will be the same")
      }
      if let checkpoint, let every = settings.checkpointSteps, every > 0, state.step % every == 0 {
        try save(checkpoint, log)
      }
    }
    let rest = order[batches * settings.batch..<order.count]
    carried = RowGroup(input: pool.input.selectingRows(rest), target: pool.target?.selectingRows(rest))
    // What follows begins with the next group.
    state.group += 1
    state.batch = 0
    return true
  }

  private func step(_ checkpoint: URL?, _ log: TrainingLog?) throws {
    for (index, trainer) in trainers.enumerated() {
      do {
        lastMetrics[index] = try inputBatch.elements.withUnsafeBufferPointer { input in
          try (targetBatch?.elements ?? []).withUnsafeBufferPointer { target in
            guard let base = input.baseAddress else { return nil }
            return try trainer.train(
              input: base, target: targetBatch == nil ? nil : target.baseAddress, rows: settings.batch)
          }
        }
      } catch var fault as Fault where fault.name == "dictionary.lossNotFinite" {
        fault.place = "\(names[index]), \(fault.place ?? "")"
        fault.file = checkpoint?.path
        // Only where no other dictionary is a step ahead does the present state make a checkpoint.
        if let checkpoint, index == 0 { try save(checkpoint, log) }
        throw fault
      }
    }
  }

  /// Scales and starting biases from the first group's first rows.
  private func prepare(_ pool: RowGroup, _ order: [Int]) throws {
    let some = order.prefix(max(settings.batch, 4096))
    let sample = RowGroup(input: pool.input.selectingRows(some), target: pool.target?.selectingRows(some))
    for (name, matrix) in zip(settings.sites, [sample.input] + (sample.target.map { [$0] } ?? [])) {
      let first = matrix.rows > 0 ? matrix.row(0) : []
      let isConstant = (0..<matrix.rows).allSatisfy { row in matrix.withUnsafeRow(row) { $0.elementsEqual(first) } }
      if isConstant, matrix.rows > 1 {
        throw Fault(
          .badData, "dictionary.constantActivations", "Every row of the activations is the same", place: name,
          expected: "activations that differ from token to token", found: "\(matrix.rows) equal rows",
          advice: "check the site and the capture that wrote the store")
      }
    }
    for trainer in trainers { trainer.prepare(input: sample.input, target: sample.target) }
  }

  private func gather(_ pool: RowGroup, _ order: ArraySlice<Int>) {
    inputBatch.copyRows(order, of: pool.input)
    if let target = pool.target { targetBatch?.copyRows(order, of: target) }
  }

  // MARK: - State

  private func save(_ url: URL, _ log: TrainingLog?) throws {
    state.trainers = trainers.map(\.state)
    state.lengths = log?.lengths ?? []
    state.kernel = MatrixKernel.name
    state.threads = Threads.count
    try TrainingCheckpoint.write(state, trainers, carried: carried, held: held, to: url)
  }

  private func restore(_ url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    let saved = try TrainingCheckpoint.state(of: file)
    func refuse(_ what: String, _ expected: String, _ found: String) -> Fault {
      Fault(
        .badData, "dictionary.checkpointDiffers", "The checkpoint belongs to a run with another \(what)",
        file: url.path, expected: expected, found: found,
        advice: "repeat the settings of the run that was stopped, or train into another folder")
    }
    if saved.source != state.source {
      throw refuse("source", "\(saved.source)", "\(state.source)")
    }
    if saved.training != state.training || saved.steps != state.steps {
      throw refuse("setting of the data", "\(saved.training)", "\(state.training)")
    }
    if saved.dictionaries != state.dictionaries {
      throw refuse("setting of a dictionary", "\(saved.dictionaries)", "\(state.dictionaries)")
    }
    if saved.kernel != MatrixKernel.name || saved.threads != Threads.count {
      throw refuse(
        "way to compute, whose last bits differ", "\(saved.kernel), \(saved.threads) threads",
        "\(MatrixKernel.name), \(Threads.count) threads")
    }
    (carried, held) = try TrainingCheckpoint.read(file, saved, into: trainers)
    state = saved
    rows.largestNorm = saved.largestNorm
  }

  private func tooFewTokens() -> Fault {
    Fault(
      .badData, "dictionary.tooFewTokens", "No token is left to train on", expected: "at least \(settings.batch)",
      found: "\(source.rowCount) rows, all special or with outlying norms",
      advice: "count special tokens, or raise the limit on norms")
  }

  private static func names(_ dictionaries: [DictionarySettings]) -> [String] {
    var names: [String] = []
    for settings in dictionaries {
      var name = "\(settings.architecture.rawValue)-f\(settings.latents)"
      name += settings.selectsLargest ? "-k\(settings.k)" : "-l\(settings.sparsity)"
      name += "-s\(settings.seed)"
      if names.contains(name) { name += "-\(names.count)" }
      names.append(name)
    }
    return names
  }
}

extension RowGroup {
  func appending(_ other: RowGroup) -> RowGroup {
    guard input.rows > 0 else { return other }
    func joined(_ a: Matrix, _ b: Matrix) -> Matrix {
      Matrix(rows: a.rows + b.rows, columns: a.columns, elements: a.elements + b.elements)
    }
    var result = self
    result.input = joined(input, other.input)
    if let target, let more = other.target { result.target = joined(target, more) }
    return result
  }
}

extension Matrix {
  /// Fills the matrix with the given rows of another of equal width.
  mutating func copyRows(_ numbers: some Collection<Int>, of other: Matrix) {
    precondition(columns == other.columns && numbers.count <= rows)
    let width = columns
    withUnsafeMutableElements { target in
      other.elements.withUnsafeBufferPointer { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        for (index, row) in numbers.enumerated() {
          (target + index * width).update(from: source + row * width, count: width)
        }
      }
    }
  }
}
