import LinearAlgebra

extension SparseAutoencoder {
  /// The active latents of each row of x, [rows, inputWidth]. 2·rows·F·n operations; memory for the pre-activations of
  /// some hundred rows at a time.
  ///
  /// A row with a NaN has no active latent: check rows that come from outside before.
  public func encode(_ x: Matrix) -> SparseLatents {
    precondition(x.columns == inputWidth, "rows of \(x.columns) into a dictionary of width \(inputWidth)")
    let rule = ActivationRule(self)
    var result = SparseLatents(latents: latents)
    let chunk = max(16, min(512, (8 << 20) / latents))
    var scratch = [Float](repeating: 0, count: min(chunk, x.rows) * latents)
    let input = prepared(x)
    for start in stride(from: 0, to: x.rows, by: chunk) {
      let rows = min(chunk, x.rows - start)
      let pieces = min(rows, Threads.count * 2)
      var parts = [SparseLatents](repeating: SparseLatents(latents: latents), count: pieces)
      scratch.withUnsafeMutableBufferPointer { scratch in
        input.elements.withUnsafeBufferPointer { input in
          encoder.elements.withUnsafeBufferPointer { encoder in
            guard let scratch = scratch.baseAddress, let input = input.baseAddress, let encoder = encoder.baseAddress
            else { return }
            gemm(
              m: rows, n: latents, k: inputWidth, a: input + start * inputWidth, aStride: inputWidth, b: encoder,
              bStride: inputWidth, transposeB: true, c: scratch, cStride: latents)
            parts.withUnsafeMutableBufferPointer { parts in
              Threads.forEach(pieces) { piece in
                var part = SparseLatents(latents: latents)
                for row in rows * piece / pieces..<rows * (piece + 1) / pieces {
                  rule.append(UnsafeMutableBufferPointer(start: scratch + row * latents, count: latents), to: &part)
                }
                parts[piece] = part
              }
            }
          }
        }
      }
      for part in parts { result.append(part) }
    }
    return result
  }

  /// The input as the encoder's product takes it: normalized, the decoder's bias taken off.
  func prepared(_ x: Matrix) -> Matrix {
    guard configuration.applyDecoderBiasToInput || configuration.normalization.isUndoneAtOutput else { return x }
    var result = x
    let statistics = configuration.normalization.isUndoneAtOutput ? rowScales(x) : nil
    let width = inputWidth
    result.withUnsafeMutableElements { elements in
      for row in 0..<x.rows {
        let mean = statistics?[row].mean ?? 0
        // A row of zeros stays one.
        let scale = statistics.map { $0[row].divisor > 0 ? $0[row].divisor : 1 } ?? 1
        for column in 0..<width {
          var value = elements[row * width + column]
          if statistics != nil { value = (value - mean) / scale }
          if configuration.applyDecoderBiasToInput { value -= decoderBias[column] }
          elements[row * width + column] = value
        }
      }
    }
    return result
  }

  /// How a row was normalized: (x − mean) / divisor; the reconstruction is brought back by · factor + mean.
  struct RowScale {
    var mean: Float = 0
    var divisor: Float = 1
    var factor: Float = 1
  }

  /// The normalization of each row.
  func rowScales(_ x: Matrix) -> [RowScale] {
    (0..<x.rows).map { row in
      x.withUnsafeRow(row) { values in
        guard let base = values.baseAddress else { return RowScale() }
        let n = Double(values.count)
        switch configuration.normalization {
        case .none, .expectedAverageOnlyIn: return RowScale()
        case .constantNormRescale:
          let scale = Float(Kernels.dotInDouble(base, base, count: values.count).squareRoot() / n.squareRoot())
          return RowScale(divisor: scale, factor: scale)
        case .layerNorm:
          let mean = Kernels.sum(base, count: values.count) / n
          let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
          let deviation = (squares / max(n - 1, 1)).squareRoot()
          return RowScale(mean: Float(mean), divisor: Float(deviation + 1e-5), factor: Float(deviation))
        }
      }
    }
  }
}

/// The rule that turns a row of products into active latents.
private struct ActivationRule: Sendable {
  private let architecture: SparseAutoencoder.Architecture
  private let k: Int
  private let bias: [Float]
  /// Of each latent, the factor on its pre-activation; nil: 1.
  private let scale: [Float]?
  private let threshold: [Float]
  private let magnitudeBias: [Float]

  init(_ dictionary: SparseAutoencoder) {
    architecture = dictionary.configuration.architecture
    k = dictionary.configuration.k ?? 0
    let zeros = [Float](repeating: 0, count: dictionary.latents)
    if architecture == .gated {
      bias = dictionary.gateBias ?? zeros
      magnitudeBias = dictionary.magnitudeBias ?? zeros
      scale = (dictionary.magnitudeScale ?? zeros).map { Float(exponential(Double($0))) }
      threshold = zeros
    } else {
      bias = dictionary.encoderBias
      magnitudeBias = []
      scale = dictionary.configuration.rescaleByDecoderNorm ? dictionary.latentNorms : nil
      threshold = (dictionary.threshold ?? zeros).map { max($0, 0) }
    }
  }

  /// Appends one row's active latents. Overwrites the products.
  func append(_ products: UnsafeMutableBufferPointer<Float>, to part: inout SparseLatents) {
    switch architecture {
    case .gated:
      for latent in products.indices where products[latent] + bias[latent] > 0 {
        let value = products[latent] * (scale?[latent] ?? 1) + magnitudeBias[latent]
        if value > 0 { part.add(latent, value) }
      }
    case .topK:
      addBias(to: products)
      let top = topK(k, of: UnsafeBufferPointer(products)).filter { $0.value > 0 }
      for latent in top.sorted(by: { $0.index < $1.index }) { part.add(latent.index, latent.value) }
    case .standard, .jumpReLU, .batchTopK, .matryoshka:
      addBias(to: products)
      threshold.withUnsafeBufferPointer { threshold in
        for latent in products.indices where products[latent] > threshold[latent] {
          part.add(latent, products[latent])
        }
      }
    }
    part.offsets.append(part.indices.count)
  }

  private func addBias(to products: UnsafeMutableBufferPointer<Float>) {
    bias.withUnsafeBufferPointer { bias in
      for latent in products.indices { products[latent] += bias[latent] }
    }
    scale?.withUnsafeBufferPointer { scale in
      for latent in products.indices { products[latent] *= scale[latent] }
    }
  }
}

extension SparseLatents {
  fileprivate mutating func add(_ latent: Int, _ value: Float) {
    indices.append(Int32(truncatingIfNeeded: latent))
    values.append(value)
  }
}
