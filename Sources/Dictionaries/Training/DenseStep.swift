import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// From this share of active latents on, matrix products over all of them are quicker than sums over the active.
  static let denseFrom = 0.1

  /// A step's loss and gradients by matrix products over all latents: what rules with bounds need at the start, when
  /// half of the latents are active. Memory, until a step is sparse again: the products [F, rows] and three or four blocks
  /// [1024, rows].
  func computeDensely(rows: Int, _ metrics: inout StepMetrics) {
    for parameter in rule.parameters { parameter.gradient.fill(0) }
    let buffers = denseBuffers ?? DenseBuffers(self)
    denseBuffers = buffers
    let dense = DenseBlocks(trainer: self, buffers: buffers, rows: rows)
    dense.reconstruct()
    metrics.reconstruction = dense.loss(of: scratch.error(0), keepsRows: true)
    metrics.fvu = metrics.reconstruction * Double(rows) / scratch.variation(rows: rows)
    if rule.rebuildsFromGate { metrics.auxiliary += dense.loss(of: scratch.gateError.base, keepsRows: false) }
    let counts = dense.differentiate()
    metrics.sparsity = counts.sparsity
    metrics.l0 = Double(counts.active) / Double(rows)
    density = Double(counts.above) / Double(rows * settings.latents)
    differentiateBiases(rows: rows)
  }
}

/// What a step over all latents needs beside a batch's own memory.
final class DenseBuffers: Sendable {
  let block: Int
  /// [F, batch].
  let products: FloatBuffer
  /// [block, batch] each.
  let values: FloatBuffer
  let valueGradients: FloatBuffer
  let gateGradients: FloatBuffer?
  let productGradients: FloatBuffer

  init(_ trainer: DictionaryTrainer) {
    let (latents, batch) = (trainer.settings.latents, trainer.scratch.batch)
    // A product packs the whole batch, which larger blocks do less often.
    block = min(1024, latents)
    products = FloatBuffer(unset: latents * batch)
    values = FloatBuffer(unset: block * batch)
    valueGradients = FloatBuffer(unset: block * batch)
    gateGradients = trainer.rule.rebuildsFromGate ? FloatBuffer(unset: block * batch) : nil
    productGradients = FloatBuffer(unset: block * batch)
  }
}

/// A step over all latents, by blocks of them.
private struct DenseBlocks {
  let trainer: DictionaryTrainer
  let buffers: DenseBuffers
  let rows: Int

  private var block: Int { buffers.block }
  private var products: FloatBuffer { buffers.products }
  private var values: FloatBuffer { buffers.values }
  private var valueGradients: FloatBuffer { buffers.valueGradients }
  private var gateGradients: FloatBuffer? { buffers.gateGradients }
  private var productGradients: FloatBuffer { buffers.productGradients }

  private var blocks: [Range<Int>] {
    stride(from: 0, to: trainer.settings.latents, by: block).map { $0..<min($0 + block, trainer.settings.latents) }
  }

  /// Every product, and the reconstructions less the target in the scratch's errors.
  func reconstruct() {
    let (scratch, width, input) = (trainer.scratch, trainer.outputWidth, trainer.inputWidth)
    let (encoder, bias, decoder) = (trainer.encoder, trainer.encoderBias, trainer.decoder)
    let errors = [scratch.error(0)] + (gateGradients == nil ? [] : [scratch.gateError.base])
    if let skip = trainer.skip {
      gemm(
        m: rows, n: width, k: input, a: scratch.input.base, aStride: input, b: skip.values.base, bStride: input,
        transposeB: true, c: scratch.skipped.base, cStride: width)
    }
    for error in errors {
      Threads.forRanges(0..<rows, grain: 64) { some in
        for row in some {
          unfold_start_error(
            trainer.decoderBias.values.base, scratch.target + row * width,
            trainer.skip == nil ? nil : scratch.skipped.base + row * width, error + row * width, width)
        }
      }
    }
    for some in blocks {
      let block = products.base + some.lowerBound * rows
      gemm(
        m: some.count, n: rows, k: input, a: encoder.row(some.lowerBound), aStride: input, b: scratch.encoderInput,
        bStride: input, transposeB: true, c: block, cStride: rows)
      Threads.forRanges(0..<some.count, grain: 4) { rowsOfBlock in
        for index in rowsOfBlock {
          let row = block + index * rows
          unfold_scale(1, bias.values.base[some.lowerBound + index], row, row, rows)
        }
      }
      activate(some)
      for (index, error) in errors.enumerated() {
        if index == 1 {
          Kernels.apply(.relu, block, into: values.base, count: some.count * rows)
        }
        gemm(
          m: rows, n: width, k: some.count, a: values.base, aStride: rows, transposeA: true,
          b: decoder.row(some.lowerBound), bStride: width, beta: 1, c: error, cStride: width)
      }
    }
  }

  /// The values of a block's latents.
  private func activate(_ some: Range<Int>) {
    Threads.forRanges(0..<some.count, grain: 4) { indices in
      for index in indices { trainer.rule.activate(some.lowerBound + index, entries(some.lowerBound, index)) }
    }
  }

  private func entries(_ first: Int, _ index: Int) -> LatentEntries {
    let place = index * rows
    return LatentEntries(
      count: rows, products: products.base + (first + index) * rows, values: values.base + place,
      valueGradients: valueGradients.base + place, gateGradients: gateGradients.map { $0.base + place },
      productGradients: productGradients.base + place)
  }

  /// The mean over rows of the squared error; the errors then count times 2/rows.
  func loss(of error: UnsafeMutablePointer<Float>, keepsRows: Bool) -> Double {
    let (scratch, width) = (trainer.scratch, trainer.outputWidth)
    let losses = FloatBuffer(zeros: rows)
    Threads.forRanges(0..<rows, grain: 64) { some in
      for row in some {
        let own = error + row * width
        losses.base[row] = unfold_dot(own, own, width)
        unfold_scale(2 / Float(rows), 0, own, own, width)
        guard keepsRows else { continue }
        scratch.tokenLosses[row] = Double(losses.base[row])
        scratch.squaredErrors[row] = Double(losses.base[row])
      }
    }
    return losses.buffer.reduce(0.0) { $0 + Double($1) } / Double(rows)
  }

  /// Every gradient of the latents' arrays.
  func differentiate() -> (sparsity: Double, active: Int, above: Int) {
    let (scratch, width, input) = (trainer.scratch, trainer.outputWidth, trainer.inputWidth)
    let (encoder, bias, decoder) = (trainer.encoder, trainer.encoderBias, trainer.decoder)
    let sparsity = trainer.schedule.sparsity(at: trainer.step) / Float(rows)
    let latents = trainer.settings.latents
    var losses = [Double](repeating: 0, count: latents)
    var active = [Int](repeating: 0, count: latents)
    var above = [Int](repeating: 0, count: latents)
    for some in blocks {
      activate(some)
      gemm(
        m: some.count, n: rows, k: width, a: decoder.row(some.lowerBound), aStride: width, b: scratch.error(0),
        bStride: width, transposeB: true, c: valueGradients.base, cStride: rows)
      if let gateGradients {
        gemm(
          m: some.count, n: rows, k: width, a: decoder.row(some.lowerBound), aStride: width, b: scratch.gateError.base,
          bStride: width, transposeB: true, c: gateGradients.base, cStride: rows)
      }
      gemm(
        m: some.count, n: width, k: rows, a: values.base, aStride: rows, b: scratch.error(0), bStride: width,
        c: decoder.gradientRow(some.lowerBound), cStride: width)
      losses.withUnsafeMutableBufferPointer { losses in
        active.withUnsafeMutableBufferPointer { active in
          above.withUnsafeMutableBufferPointer { above in
            Threads.forRanges(0..<some.count, grain: 4) { indices in
              for index in indices {
                let latent = some.lowerBound + index
                let own = entries(some.lowerBound, index)
                let direction = decoder.row(latent)
                let norm = trainer.directionNorm.of(direction)
                let answer = trainer.rule.differentiate(
                  latent, own, LossContext(sparsity: sparsity, decoderNorm: norm))
                losses[latent] = answer.loss
                bias.gradient.base[latent] = answer.bias
                scratch.productSums.base[latent] = Float(unfold_sum(own.productGradients, rows))
                if answer.decoderFactor != 0 {
                  trainer.directionNorm.pull(
                    answer.decoderFactor, direction, norm: norm, decoder.gradientRow(latent))
                }
                active[latent] = unfold_count_above(own.values, 0, rows)
                above[latent] = unfold_count_above(own.products, trainer.rule.bound(latent), rows)
              }
            }
          }
        }
      }
      gemm(
        m: some.count, n: input, k: rows, a: productGradients.base, aStride: rows, b: scratch.encoderInput,
        bStride: input, c: encoder.gradientRow(some.lowerBound), cStride: input)
    }
    for latent in 0..<latents {
      trainer.touched[latent] = true
      trainer.fired[latent] = active[latent] > 0
    }
    return (losses.reduce(0, +), active.reduce(0, +), above.reduce(0, +))
  }
}
