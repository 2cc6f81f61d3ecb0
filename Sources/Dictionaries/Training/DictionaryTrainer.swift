import CKernels
import Diagnostics
import Foundation
import LinearAlgebra

/// Trains one dictionary, a batch at a time.
///
/// Arithmetic follows the active latents: the encoder's product is the only one over all latents; reconstruction and
/// gradients touch the active alone, and Adam, exact for every weight, reads and writes each once. Memory: weights,
/// gradients and Adam's two moments, 32 bytes a weight pair (encoder and decoder), and of a batch the rows, their errors
/// and the active latents' lists.
public final class DictionaryTrainer {
  public let settings: DictionarySettings
  public let inputWidth: Int
  public let outputWidth: Int
  public let isTranscoder: Bool
  /// The sites of a crosscoder, whose columns make up a row; nil of other dictionaries.
  public let crosscoder: [CrosscoderSite]?
  let directionNorm: DirectionNorm
  let schedule: Schedule
  let deadAfter: Int64
  let prefixes: [Int]

  let encoder: Parameter
  let encoderBias: Parameter
  let decoder: Parameter
  let decoderBias: Parameter
  let skip: Parameter?
  let rule: any LatentRule

  /// Steps done.
  public internal(set) var step = 0
  public internal(set) var tokens = 0
  /// Tokens since each latent last fired.
  var sinceFired: [Int64]
  /// Above which a latent of BatchTopK or Matryoshka is active in use; nil until `setThreshold` has measured it.
  var threshold: Float?
  /// The smallest product that the last batch selected: where the next will look.
  var lastBound: Float = 0
  var scaling: InputScaling
  var generator: SeededGenerator
  /// Whether a latent's rows have a gradient in this step.
  var touched: [Bool]
  /// Whether a latent was active anywhere in this step.
  var fired: [Bool]
  /// Σ of the squared gradient of each latent's rows.
  var squares: [Double]
  let scratch: BatchScratch
  /// What the TopK family selects by where its directions have norms of their own; nil elsewhere.
  let scaled: ScaledEncoder?
  /// How TopK selects where products of integers are the quicker; nil elsewhere and in other architectures.
  var screened: ScreenedSelection?
  /// What steps over all latents need, held while they last.
  var denseBuffers: DenseBuffers?
  /// The share of latents and tokens that took part in the last step, of rules with bounds.
  var density = 1.0

  /// - Parameters:
  ///   - outputWidth: the width of the predicted site, of a transcoder; nil for an autoencoder.
  ///   - crosscoder: the sites whose columns make up a row, of a crosscoder.
  ///   - steps: the run's length, for schedules.
  ///   - batch: tokens in a step.
  /// - Throws: `Fault`: `dictionary.k`, `dictionary.latents`, `dictionary.prefixes`, `dictionary.setting`.
  public init(
    settings: DictionarySettings, inputWidth: Int, outputWidth: Int? = nil, crosscoder: [CrosscoderSite]? = nil,
    steps: Int, batch: Int
  ) throws {
    try settings.check(inputWidth: inputWidth, outputWidth: outputWidth ?? inputWidth)
    if let crosscoder { try settings.check(crosscoder: crosscoder, inputWidth: inputWidth, outputWidth: outputWidth) }
    precondition(inputWidth > 0 && steps >= 0 && batch > 0, "width \(inputWidth), \(steps) steps of \(batch)")
    self.settings = settings
    self.inputWidth = inputWidth
    self.outputWidth = outputWidth ?? inputWidth
    isTranscoder = outputWidth != nil
    self.crosscoder = crosscoder
    directionNorm = DirectionNorm(widths: crosscoder?.map(\.width) ?? [self.outputWidth])
    schedule = Schedule(settings, steps: steps)
    deadAfter = Int64(settings.deadAfterTokens ?? min(10_000_000, max(batch, steps * batch / 10)))
    prefixes = settings.resolvedPrefixes
    let latents = settings.latents
    encoder = Parameter("encoder", rows: latents, columns: inputWidth)
    encoderBias = Parameter("encoderBias", rows: latents)
    decoder = Parameter("decoder", rows: latents, columns: self.outputWidth)
    decoderBias = Parameter("decoderBias", rows: self.outputWidth)
    skip = isTranscoder && settings.skip ? Parameter("skip", rows: self.outputWidth, columns: inputWidth) : nil
    switch settings.architecture {
    case .standard: rule = StandardRule()
    case .gated: rule = GatedRule(settings, encoderBias: encoderBias)
    case .jumpReLU: rule = JumpReLURule(settings, encoderBias: encoderBias)
    case .topK, .batchTopK, .matryoshka: rule = LargestRule()
    }
    scaled =
      settings.selectsLargest && !settings.unitNormDecoder ? ScaledEncoder(latents: latents, width: inputWidth) : nil
    sinceFired = Array(repeating: 0, count: latents)
    touched = Array(repeating: false, count: latents)
    fired = touched
    squares = Array(repeating: 0, count: latents)
    scaling = InputScaling(settings.normalization)
    generator = SeededGenerator(seed: settings.seed, stream: "dictionary")
    scratch = BatchScratch(
      batch: batch, inputWidth: inputWidth, outputWidth: self.outputWidth, isTranscoder: isTranscoder,
      latents: latents, groups: prefixes.count, gate: rule.rebuildsFromGate,
      centred: settings.subtractsDecoderBias && !isTranscoder)
    let isLarge = latents * inputWidth >= 1 << 16 && settings.k * 8 <= latents
    if settings.architecture == .topK, ScreenedSelection.isSuitable, isLarge {
      screened = ScreenedSelection(latents: latents, width: inputWidth, k: settings.k, batch: batch)
    }
    initializeWeights()
  }

  var subtractsDecoderBias: Bool { settings.subtractsDecoderBias && !isTranscoder }

  /// Every array that is trained, in a fixed order.
  var parameters: [Parameter] {
    [encoder, encoderBias, decoder, decoderBias] + (skip.map { [$0] } ?? []) + rule.parameters
  }

  /// Random directions for the decoder; the encoder starts as its transpose, a transcoder's with directions of its own.
  private func initializeWeights() {
    let norm = settings.unitNormDecoder ? 1 : settings.initialDecoderNorm
    func randomRow(_ row: UnsafeMutablePointer<Float>, _ width: Int) {
      for column in 0..<width { row[column] = Float(generator.normal()) }
      Kernels.setNorm(row, count: width, to: norm)
    }
    for latent in 0..<settings.latents {
      randomRow(decoder.row(latent), outputWidth)
      if isTranscoder {
        randomRow(encoder.row(latent), inputWidth)
      } else {
        encoder.row(latent).update(from: decoder.row(latent), count: inputWidth)
      }
    }
  }

  /// Measures a sample of rows: the scale of inputs and, where wanted, the bias that training starts from.
  public func prepare(input: Matrix, target: Matrix? = nil) {
    scaling = InputScaling(
      settings.normalization, input: input, target: target, widths: crosscoder?.map(\.width))
    guard settings.startsAtGeometricMedian else { return }
    var sample = target ?? input
    let (rows, width) = (sample.rows, sample.columns)
    let scaling = scaling
    sample.withUnsafeMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      scaling.apply(base, count: rows, width: width, factor: scaling.target, into: base)
    }
    for (column, value) in geometricMedian(sample).enumerated() { decoderBias.values.base[column] = value }
  }

  /// One step of training on a batch of rows as the model has them.
  ///
  /// - Parameters:
  ///   - input: [rows, inputWidth]; rows at most the batch's.
  ///   - target: [rows, outputWidth] of a transcoder.
  /// - Throws: `Fault` named `dictionary.lossNotFinite`; the weights then are as they were before the step.
  @discardableResult
  public func train(
    input: UnsafePointer<Float>, target: UnsafePointer<Float>? = nil, rows: Int
  ) throws -> StepMetrics {
    precondition(rows > 0 && rows <= scratch.batch, "\(rows) rows in a batch of \(scratch.batch)")
    precondition((target != nil) == isTranscoder, "a target belongs to a transcoder")
    scratch.load(input, target: target, rows: rows, scaling: scaling, bias: subtractsDecoderBias ? decoderBias : nil)
    threshold = nil
    let isDense = !settings.selectsLargest && density > Self.denseFrom
    if !isDense { denseBuffers = nil }
    var active = isDense ? ActiveLatents() : activate(rows: rows)
    var metrics = StepMetrics(
      step: step + 1, tokens: tokens + rows, loss: 0, reconstruction: 0, sparsity: 0, auxiliary: 0, fvu: 0, l0: 0,
      deadFraction: 0, learningRate: Double(schedule.learningRate(at: step)), gradientNorm: 0)
    if isDense {
      computeDensely(rows: rows, &metrics)
    } else {
      reconstruct(active, rows: rows, &metrics)
      metrics.sparsity = differentiate(&active, rows: rows)
      density = Double(active.count) / Double(rows * settings.latents)
      for latent in 0..<settings.latents {
        fired[latent] = active.range(latent).contains { active.values[$0] > 0 }
      }
    }
    let dead = sinceFired.indices.filter { sinceFired[$0] >= deadAfter }
    metrics.deadFraction = Double(dead.count) / Double(settings.latents)
    if settings.selectsLargest, settings.auxiliaryWeight > 0, !dead.isEmpty {
      metrics.auxiliary += addAuxiliaryLoss(dead: dead, rows: rows)
    }
    metrics.loss = metrics.reconstruction + metrics.sparsity + metrics.auxiliary
    metrics.gradientNorm = gradientNorm()
    guard metrics.loss.isFinite && metrics.gradientNorm.isFinite else { throw notFinite(metrics, rows: rows) }
    noteFirings(rows: rows)
    update(limitedBy: metrics.gradientNorm)
    step += 1
    tokens += rows
    if settings.resampleSteps.contains(step) { resample(dead: dead, rows: rows) }
    return metrics
  }

  /// What is amiss with a run of so many steps.
  var warnings: [String] {
    var warnings: [String] = []
    let warmUp = settings.warmUp ?? Schedule.usualWarmUp
    if schedule.steps < warmUp {
      warnings.append(
        "\(schedule.steps) steps are fewer than a warm-up of \(warmUp): hardly learnt; train on more tokens")
    }
    if schedule.steps < settings.sparsityWarmUp {
      warnings.append(
        "\(schedule.steps) steps are fewer than the \(settings.sparsityWarmUp) in which the sparsity's weight rises")
    }
    return warnings
  }

  private func notFinite(_ metrics: StepMetrics, rows: Int) -> Fault {
    let row = (0..<rows).first { !scratch.tokenLosses[$0].isFinite }
    return Fault(
      .badData, "dictionary.lossNotFinite", "The loss is no longer a finite number, so that training stopped",
      place: "step \(step + 1)" + (row.map { ", row \($0) of the batch" } ?? ""),
      expected: "a finite loss and finite gradients",
      found: "loss \(metrics.loss), gradient norm \(metrics.gradientNorm)",
      advice: "the weights before this step are kept; train with a smaller learning rate or a limit on the gradient")
  }
}
