import CKernels
import LinearAlgebra

/// Memory for one batch, taken once.
final class BatchScratch: @unchecked Sendable {  // Owned by one trainer; its threads write to separate rows.
  let batch: Int
  /// [batch, inputWidth]: rows as the dictionary sees them.
  let input: FloatBuffer
  /// [batch, inputWidth]: the same less the decoder's bias; `input` itself where none is taken off.
  private let centred: FloatBuffer?
  private let transcoderTarget: FloatBuffer?
  /// For each prefix [batch, outputWidth].
  private let errors: FloatBuffer
  /// [batch, outputWidth]: the error of the reconstruction from a gate.
  let gateError: FloatBuffer
  /// [batch, outputWidth]: what the skip path adds.
  let skipped: FloatBuffer
  /// [F]: Σ of the gradients of a latent's products.
  let productSums: FloatBuffer
  /// The loss of each row, all prefixes.
  let tokenLosses: UnsafeMutablePointer<Double>
  /// The squared error of each row's whole reconstruction.
  let squaredErrors: UnsafeMutablePointer<Double>
  private let inputWidth: Int
  private let outputWidth: Int

  init(
    batch: Int, inputWidth: Int, outputWidth: Int, isTranscoder: Bool, latents: Int, groups: Int, gate: Bool,
    centred: Bool
  ) {
    self.batch = batch
    self.inputWidth = inputWidth
    self.outputWidth = outputWidth
    input = FloatBuffer(zeros: batch * inputWidth)
    self.centred = centred ? FloatBuffer(zeros: batch * inputWidth) : nil
    transcoderTarget = isTranscoder ? FloatBuffer(zeros: batch * outputWidth) : nil
    errors = FloatBuffer(zeros: groups * batch * outputWidth)
    gateError = FloatBuffer(zeros: gate ? batch * outputWidth : 0)
    skipped = FloatBuffer(zeros: isTranscoder ? batch * outputWidth : 0)
    productSums = FloatBuffer(zeros: latents)
    tokenLosses = .allocate(capacity: batch)
    squaredErrors = .allocate(capacity: batch)
  }

  var bytes: Int {
    let rows = [input, centred, transcoderTarget, errors, gateError, skipped, productSums].compactMap { $0?.count }
    return rows.reduce(0, +) * 4 + batch * 16
  }

  deinit {
    tokenLosses.deallocate()
    squaredErrors.deallocate()
  }

  var encoderInput: UnsafeMutablePointer<Float> { (centred ?? input).base }
  var target: UnsafeMutablePointer<Float> { (transcoderTarget ?? input).base }
  func error(_ group: Int) -> UnsafeMutablePointer<Float> { errors.base + group * batch * outputWidth }

  /// Takes rows in, normalized.
  func load(
    _ rows: UnsafePointer<Float>, target: UnsafePointer<Float>?, rows count: Int, scaling: InputScaling,
    bias: Parameter?
  ) {
    scaling.apply(rows, count: count, width: inputWidth, factor: scaling.input, into: input.base)
    if let target, let transcoderTarget {
      scaling.apply(
        target, count: count, width: outputWidth, factor: scaling.target, into: transcoderTarget.base)
    }
    guard let bias, let centred else { return }
    let (input, width) = (input, inputWidth)
    Threads.forRanges(0..<count, grain: 64) { some in
      for row in some {
        unfold_subtract(input.base + row * width, bias.values.base, centred.base + row * width, width)
      }
    }
  }

  /// Σ‖y − ȳ‖² over the target's rows, ȳ their mean.
  func variation(rows: Int) -> Double {
    let (target, width) = (target, outputWidth)
    var sums = [Double](repeating: 0, count: width)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      Threads.forRanges(0..<width, grain: 64) { some in
        unfold_column_sum(target + some.lowerBound, rows, some.count, width, sums + some.lowerBound)
      }
    }
    let squares = Kernels.dotInDouble(target, target, count: rows * width)
    return max(squares - sums.reduce(0) { $0 + $1 * $1 } / Double(rows), 0)
  }
}

extension ActiveLatents {
  /// Lets the rule write every value from its product.
  mutating func fillValues(_ rule: any LatentRule) {
    let offsets = offsets
    values.withUnsafeMutableBufferPointer { values in
      products.withUnsafeBufferPointer { products in
        guard let values = values.baseAddress, let products = products.baseAddress else { return }
        Threads.forRanges(0..<offsets.count - 1, grain: 64) { some in
          for latent in some where offsets[latent + 1] > offsets[latent] {
            let start = offsets[latent]
            rule.activate(
              latent,
              LatentEntries(
                count: offsets[latent + 1] - start, products: products + start, values: values + start,
                valueGradients: products + start, productGradients: values + start))
          }
        }
      }
    }
  }
}
