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
  /// The running mean of the smallest selected product, of BatchTopK and Matryoshka.
  var threshold = 0.0
  /// The smallest product that the last batch selected: where the next will look.
  var lastBound: Float = 0
  var scaling: InputScaling
  var generator: SeededGenerator
  /// Whether a latent's rows have a gradient in this step.
  var touched: [Bool]
  /// Whether a latent was active anywhere in this step.
  var fired: [Bool]
  /// Σ of the squared gradient of each latent's rows.
  private var squares: [Double]
  let scratch: BatchScratch
  /// How TopK selects where products of integers are the quicker; nil elsewhere and in other architectures.
  private var screened: ScreenedSelection?
  /// The share of latents and tokens that took part in the last step, of rules with bounds.
  var density = 1.0

  /// - Parameters:
  ///   - outputWidth: the width of the predicted site, of a transcoder; nil for an autoencoder.
  ///   - steps: the run's length, for schedules.
  ///   - batch: tokens in a step.
  /// - Throws: `Fault`: `dictionary.k`, `dictionary.latents`, `dictionary.prefixes`, `dictionary.setting`.
  public init(
    settings: DictionarySettings, inputWidth: Int, outputWidth: Int? = nil, steps: Int, batch: Int
  ) throws {
    try settings.check(inputWidth: inputWidth, outputWidth: outputWidth ?? inputWidth)
    precondition(inputWidth > 0 && steps >= 0 && batch > 0, "width \(inputWidth), \(steps) steps of \(batch)")
    self.settings = settings
    self.inputWidth = inputWidth
    self.outputWidth = outputWidth ?? inputWidth
    isTranscoder = outputWidth != nil
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

  /// Lets the next step expect this share of active latents, for tests: which arithmetic it takes follows from that.
  package func expectDensity(_ share: Double) { density = share }

  /// Selects by the product in single precision, for comparisons.
  package func selectInSinglePrecision() { screened = nil }

  var subtractsDecoderBias: Bool { settings.subtractsDecoderBias && !isTranscoder }

  /// Every array that is trained, in a fixed order.
  var parameters: [Parameter] {
    [encoder, encoderBias, decoder, decoderBias] + (skip.map { [$0] } ?? []) + rule.parameters
  }

  /// An array by its name, for tests: encoder, encoderBias, decoder, decoderBias, skip, threshold, magnitudeBias,
  /// magnitudeScale.
  package func values(of name: String) -> [Float]? { parameters.first { $0.name == name }?.values.array }

  /// The last step's gradient of an array, for tests; 0 where a latent had none.
  package func gradient(of name: String) -> [Float]? {
    guard let parameter = parameters.first(where: { $0.name == name }) else { return nil }
    var result = parameter.gradient.array
    guard parameter === encoder || parameter === decoder else { return result }
    for latent in touched.indices where !touched[latent] {
      let columns = parameter.columns
      result.replaceSubrange(latent * columns..<(latent + 1) * columns, with: repeatElement(0, count: columns))
    }
    return result
  }

  /// Sets an array, for tests.
  package func setValues(of name: String, _ values: [Float]) {
    guard let parameter = parameters.first(where: { $0.name == name }) else { return }
    precondition(values.count == parameter.values.count, "\(values.count) values for \(name)")
    _ = parameter.values.buffer.update(fromContentsOf: values)
  }

  /// Sets how many tokens have passed since each latent fired, for tests.
  package func setTokensSinceFiring(_ tokens: [Int64]) { sinceFired = tokens }

  /// Random directions for the decoder; the encoder starts as its transpose, a transcoder's with directions of its own.
  private func initializeWeights() {
    let norm = settings.unitNormDecoder ? 1 : settings.initialDecoderNorm
    func randomRow(_ row: UnsafeMutablePointer<Float>, _ width: Int) {
      for column in 0..<width { row[column] = Float(generator.normal()) }
      setNorm(row, width, to: norm)
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
    scaling = InputScaling(settings.normalization, input: input, target: target)
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
    let isDense = !settings.selectsLargest && density > Self.denseFrom
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

  private func notFinite(_ metrics: StepMetrics, rows: Int) -> Fault {
    let row = (0..<rows).first { !scratch.tokenLosses[$0].isFinite }
    return Fault(
      .badData, "dictionary.lossNotFinite", "The loss is no longer a finite number, so that training stopped",
      place: "step \(step + 1)" + (row.map { ", row \($0) of the batch" } ?? ""),
      expected: "a finite loss and finite gradients",
      found: "loss \(metrics.loss), gradient norm \(metrics.gradientNorm)",
      advice: "the weights before this step are kept; train with a smaller learning rate or a limit on the gradient")
  }

  // MARK: - Forward

  /// The active latents of the batch, with their values.
  private func activate(rows: Int) -> ActiveLatents {
    let selection = LatentSelection(encoder: encoder, bias: encoderBias, input: scratch.encoderInput, tokens: rows)
    switch settings.architecture {
    case .topK:
      if let screened {
        return screened.largest(encoder: encoder, bias: encoderBias, input: scratch.encoderInput, tokens: rows)
      }
      return selection.largest(settings.k)
    case .batchTopK, .matryoshka:
      var active = selection.largestOfBatch(settings.k * rows, guess: 0.8 * lastBound)
      active.values = active.products
      active.orderByToken(tokenCount: rows)
      lastBound = active.products.min() ?? 0
      if !active.products.isEmpty {
        let rate = Double(settings.thresholdRate)
        threshold = (1 - rate) * threshold + rate * Double(lastBound)
      }
      return active
    case .standard, .gated, .jumpReLU:
      let rule = rule
      var active = selection.above { rule.bound($0) }
      active.values = [Float](repeating: 0, count: active.count)
      active.fillValues(rule)
      active.orderByToken(tokenCount: rows)
      return active
    }
  }

  /// The errors of every prefix, times 2/rows: group g holds the sum of the errors of the prefixes that contain it.
  private func reconstruct(_ active: ActiveLatents, rows: Int, _ metrics: inout StepMetrics) {
    let width = outputWidth
    let (prefixes, decoder, bias) = (prefixes, decoder, decoderBias)
    let groups = prefixes.count
    let scratch = scratch
    let factor = 2 / Float(rows)
    if let skip {
      gemm(
        m: rows, n: width, k: inputWidth, a: scratch.input.base, aStride: inputWidth, b: skip.values.base,
        bStride: inputWidth, transposeB: true, c: scratch.skipped.base, cStride: width)
    }
    do {
      active.tokenOffsets.withUnsafeBufferPointer { offsets in
        active.latents.withUnsafeBufferPointer { latents in
          active.tokenValues.withUnsafeBufferPointer { values in
            Threads.forRanges(0..<rows, grain: 32) { some in
              for row in some {
                var place = offsets[row]
                var loss = 0.0
                for group in 0..<groups {
                  let error = scratch.error(group) + row * width
                  if group > 0 {
                    error.update(from: scratch.error(group - 1) + row * width, count: width)
                  } else {
                    unfold_start_error(
                      bias.values.base, scratch.target + row * width,
                      skip == nil ? nil : scratch.skipped.base + row * width,
                      error, width)
                  }
                  var end = place
                  while end < offsets[row + 1], Int(latents[end]) < prefixes[group] { end += 1 }
                  if end > place, let indices = latents.baseAddress, let factors = values.baseAddress {
                    unfold_add_rows(
                      decoder.values.base, width, indices + place, factors + place, end - place, width, error)
                  }
                  place = end
                  loss += Double(unfold_dot(error, error, width))
                  if group == groups - 1 { scratch.squaredErrors[row] = Double(unfold_dot(error, error, width)) }
                }
                scratch.tokenLosses[row] = loss
                // Suffix sums over the prefixes: the gradient of a latent counts every prefix that contains it.
                for group in (0..<groups).reversed() {
                  let error = scratch.error(group) + row * width
                  unfold_scale(factor, 0, error, error, width)
                  if group + 1 < groups { unfold_axpy(1, scratch.error(group + 1) + row * width, error, width) }
                }
              }
            }
          }
        }
      }
    }
    let total = (0..<rows).reduce(0.0) { $0 + scratch.tokenLosses[$1] }
    let squared = (0..<rows).reduce(0.0) { $0 + scratch.squaredErrors[$1] }
    metrics.reconstruction = total / Double(rows)
    metrics.fvu = squared / scratch.variation(rows: rows)
    metrics.l0 = Double(active.tokenValues.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }) / Double(rows)
    if rule.rebuildsFromGate { metrics.auxiliary += reconstructFromGate(active, rows: rows) }
  }

  /// The error of the reconstruction from a gate's products, times 2/rows, and its loss.
  private func reconstructFromGate(_ active: ActiveLatents, rows: Int) -> Double {
    let width = outputWidth
    var gates = active
    gates.values = active.products.map { max($0, 0) }
    gates.orderByToken(tokenCount: rows)
    let (decoder, bias, scratch, skip) = (decoder, decoderBias, scratch, skip)
    let losses = FloatBuffer(zeros: rows)
    gates.tokenOffsets.withUnsafeBufferPointer { offsets in
      gates.latents.withUnsafeBufferPointer { latents in
        gates.tokenValues.withUnsafeBufferPointer { values in
          Threads.forRanges(0..<rows, grain: 32) { some in
            for row in some {
              let error = scratch.gateError.base + row * width
              unfold_start_error(
                bias.values.base, scratch.target + row * width, skip == nil ? nil : scratch.skipped.base + row * width,
                error, width)
              if let indices = latents.baseAddress, let factors = values.baseAddress {
                unfold_add_rows(
                  decoder.values.base, width, indices + offsets[row], factors + offsets[row],
                  offsets[row + 1] - offsets[row], width, error)
              }
              losses.base[row] = unfold_dot(error, error, width)
              unfold_scale(2 / Float(rows), 0, error, error, width)
            }
          }
        }
      }
    }
    return losses.buffer.reduce(0.0) { $0 + Double($1) } / Double(rows)
  }

  // MARK: - Backward

  /// Writes every gradient; returns the sparsity loss.
  private func differentiate(_ active: inout ActiveLatents, rows: Int) -> Double {
    for parameter in rule.parameters { parameter.gradient.fill(0) }
    let latents = settings.latents
    let (encoder, decoder, encoderBias) = (encoder, decoder, encoderBias)
    let (inputWidth, outputWidth) = (inputWidth, outputWidth)
    let sparsity = schedule.sparsity(at: step) / Float(rows)
    let (rule, prefixes, scratch) = (rule, prefixes, scratch)
    let valueGradients = FloatBuffer(zeros: active.count)
    let gateGradients = rule.rebuildsFromGate ? FloatBuffer(zeros: active.count) : nil
    let productGradients = FloatBuffer(zeros: active.count)
    var losses = [Double](repeating: 0, count: latents)
    let sums = scratch.productSums.base
    touched.withUnsafeMutableBufferPointer { touched in
      losses.withUnsafeMutableBufferPointer { losses in
        active.values.withUnsafeMutableBufferPointer { values in
          active.tokens.withUnsafeBufferPointer { tokens in
            active.products.withUnsafeBufferPointer { products in
              active.offsets.withUnsafeBufferPointer { offsets in
                Threads.forRanges(0..<latents, grain: 32) { some in
                  for latent in some {
                    let (start, count) = (offsets[latent], offsets[latent + 1] - offsets[latent])
                    touched[latent] = count > 0
                    encoderBias.gradient.base[latent] = 0
                    sums[latent] = 0
                    guard count > 0, let tokens = tokens.baseAddress, let values = values.baseAddress,
                      let products = products.baseAddress
                    else { continue }
                    let group = prefixes.firstIndex { latent < $0 } ?? 0
                    let direction = decoder.row(latent)
                    let decoderGradient = decoder.gradientRow(latent)
                    decoderGradient.update(repeating: 0, count: outputWidth)
                    unfold_add_rows_and_dot(
                      scratch.error(group), outputWidth, tokens + start, values + start, count, outputWidth, direction,
                      decoderGradient, valueGradients.base + start)
                    if let gateGradients {
                      unfold_dot_rows(
                        scratch.gateError.base, outputWidth, tokens + start, count, outputWidth, direction,
                        gateGradients.base + start)
                    }
                    let norm = unfold_dot(direction, direction, outputWidth).squareRoot()
                    let answer = rule.differentiate(
                      latent,
                      LatentEntries(
                        count: count, products: products + start, values: values + start,
                        valueGradients: valueGradients.base + start,
                        gateGradients: gateGradients.map { $0.base + start },
                        productGradients: productGradients.base + start),
                      LossContext(sparsity: sparsity, decoderNorm: norm))
                    losses[latent] = answer.loss
                    encoderBias.gradient.base[latent] = answer.bias
                    sums[latent] = Float(unfold_sum(productGradients.base + start, count))
                    if answer.decoderFactor != 0 {
                      unfold_axpy(answer.decoderFactor, direction, decoderGradient, outputWidth)
                    }
                    let encoderGradient = encoder.gradientRow(latent)
                    encoderGradient.update(repeating: 0, count: inputWidth)
                    unfold_add_rows(
                      scratch.encoderInput, inputWidth, tokens + start, productGradients.base + start, count,
                      inputWidth,
                      encoderGradient)
                  }
                }
              }
            }
          }
        }
      }
    }
    differentiateBiases(rows: rows)
    return losses.reduce(0, +)
  }

  /// The decoder's bias: the errors' sum, less what it took off the inputs; and the skip path.
  func differentiateBiases(rows: Int) {
    let width = outputWidth
    var sums = [Double](repeating: 0, count: width)
    let errors = scratch.error(0)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      Threads.forRanges(0..<width, grain: 64) { some in
        unfold_column_sum(errors + some.lowerBound, rows, some.count, width, sums + some.lowerBound)
      }
    }
    for column in 0..<width { decoderBias.gradient.base[column] = Float(sums[column]) }
    if let skip {
      // The skip path reads every prefix's reconstruction.
      gemm(
        m: width, n: inputWidth, k: rows, a: errors, aStride: width, transposeA: true, b: scratch.input.base,
        bStride: inputWidth, c: skip.gradient.base, cStride: inputWidth)
    }
    guard subtractsDecoderBias else { return }
    addToDecoderBias(latents: touched.indices.filter { touched[$0] }.map { Int32($0) })
  }

  /// Takes Σ (gradient of the latent's products) · (encoder row) off the bias's gradient.
  func addToDecoderBias(latents: [Int32]) {
    let sums = scratch.productSums.base
    let factors = latents.map { -sums[Int($0)] }
    let (encoder, width, gradient) = (encoder, inputWidth, decoderBias.gradient)
    latents.withUnsafeBufferPointer { latents in
      factors.withUnsafeBufferPointer { factors in
        guard let rows = latents.baseAddress, let factors = factors.baseAddress else { return }
        Threads.forRanges(0..<width, grain: 64) { some in
          unfold_add_rows(
            encoder.values.base + some.lowerBound, width, rows, factors, latents.count, some.count,
            gradient.base + some.lowerBound)
        }
      }
    }
  }

  /// The norm of all gradients together; the part along unit-norm decoder rows is taken out first.
  private func gradientNorm() -> Double {
    let (encoder, decoder) = (encoder, decoder)
    let (inputWidth, outputWidth) = (inputWidth, outputWidth)
    let isUnit = settings.unitNormDecoder
    squares.withUnsafeMutableBufferPointer { squares in
      touched.withUnsafeBufferPointer { touched in
        Threads.forRanges(0..<touched.count, grain: 128) { some in
          for latent in some {
            guard touched[latent] else {
              squares[latent] = 0
              continue
            }
            let gradient = decoder.gradientRow(latent)
            if isUnit {
              let direction = decoder.row(latent)
              let along = unfold_dot(gradient, direction, outputWidth)
              unfold_axpy(-along, direction, gradient, outputWidth)
            }
            let own = encoder.gradientRow(latent)
            squares[latent] =
              Double(unfold_dot(gradient, gradient, outputWidth)) + Double(unfold_dot(own, own, inputWidth))
          }
        }
      }
    }
    var total = squares.reduce(0, +)
    for parameter in parameters where parameter !== encoder && parameter !== decoder {
      let gradient = parameter.gradient
      total += Kernels.dotInDouble(gradient.base, gradient.base, count: gradient.count)
    }
    return total.squareRoot()
  }

  // MARK: - Update

  /// Adam on every weight, and unit norms where wanted.
  private func update(limitedBy norm: Double) {
    let t = Double(step + 1)
    let (beta1, beta2) = (Double(settings.beta1), Double(settings.beta2))
    var adam = unfold_adam_step(
      beta1: settings.beta1, beta2: settings.beta2,
      rate: Float(Double(schedule.learningRate(at: step)) / (1 - pow(beta1, t))),
      scale: Float(1 / (1 - pow(beta2, t)).squareRoot()), epsilon: settings.epsilon, factor: 1)
    if let limit = settings.gradientLimit, norm > Double(limit) { adam.factor = Float(Double(limit) / (norm + 1e-6)) }
    let (encoder, decoder) = (encoder, decoder)
    let (inputWidth, outputWidth) = (inputWidth, outputWidth)
    let isUnit = settings.unitNormDecoder
    touched.withUnsafeBufferPointer { touched in
      Threads.forRanges(0..<touched.count, grain: 64) { some in
        var adam = adam
        withUnsafePointer(to: &adam) { (adam: UnsafePointer<unfold_adam_step>) in
          for latent in some {
            let (e, d) = (latent * inputWidth, latent * outputWidth)
            let isTouched = touched[latent]
            unfold_adam(
              adam, isTouched ? encoder.gradient.base + e : nil, encoder.values.base + e, encoder.first.base + e,
              encoder.second.base + e, inputWidth)
            unfold_adam(
              adam, isTouched ? decoder.gradient.base + d : nil, decoder.values.base + d, decoder.first.base + d,
              decoder.second.base + d, outputWidth)
            if isUnit { setNorm(decoder.row(latent), outputWidth, to: 1) }
          }
        }
      }
    }
    for parameter in parameters where parameter !== encoder && parameter !== decoder {
      unfold_adam(
        &adam, parameter.gradient.base, parameter.values.base, parameter.first.base, parameter.second.base,
        parameter.values.count)
    }
    rule.project()
  }

  /// Counts the tokens since each latent fired.
  private func noteFirings(rows: Int) {
    for latent in 0..<settings.latents { sinceFired[latent] = fired[latent] ? 0 : sinceFired[latent] + Int64(rows) }
  }
}

/// Gives a row the norm; a row of zeros stays one.
func setNorm(_ row: UnsafeMutablePointer<Float>, _ width: Int, to norm: Float) {
  let length = unfold_dot(row, row, width).squareRoot()
  if length > 0 { unfold_scale(norm / length, 0, row, row, width) }
}
