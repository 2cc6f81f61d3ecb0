import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// Writes every gradient; returns the sparsity loss.
  func differentiate(_ active: inout ActiveLatents, rows: Int) -> Double {
    for parameter in rule.parameters { parameter.gradient.fill(0) }
    let latents = settings.latents
    let (encoder, decoder, encoderBias) = (encoder, decoder, encoderBias)
    let (inputWidth, outputWidth) = (inputWidth, outputWidth)
    let sparsity = schedule.sparsity(at: step) / Float(rows)
    let (rule, prefixes, scratch, directionNorm) = (rule, prefixes, scratch, directionNorm)
    let valueGradients = FloatBuffer(unset: active.count)
    let gateGradients = rule.rebuildsFromGate ? FloatBuffer(unset: active.count) : nil
    let productGradients = FloatBuffer(unset: active.count)
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
                    let norm = directionNorm.of(direction)
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
                      directionNorm.pull(answer.decoderFactor, direction, norm: norm, decoderGradient)
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
  func gradientNorm() -> Double {
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
}
