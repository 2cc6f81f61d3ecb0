import CKernels
import Foundation
import LinearAlgebra

extension SparseAutoencoder {
  /// What the latents stand for: Σ value · direction + bias of each row, [rows, outputWidth]. 2·m operations for each
  /// active latent.
  ///
  /// - Parameter input: the rows that were encoded, [rows, inputWidth]; needed where the reconstruction depends on them
  ///   (a skip path; in an autoencoder `constantNormRescale` and `layerNorm`, whose scale is put back).
  public func decode(_ latents: SparseLatents, input: Matrix? = nil) -> Matrix {
    precondition(latents.latents == self.latents, "\(latents.latents) latents into a dictionary of \(self.latents)")
    let norm = configuration.normalization.isUndoneAtOutput && !isTranscoder
    precondition(
      input != nil || (skip == nil && !norm), "decoding needs the rows that were encoded in this dictionary")
    let width = outputWidth
    let inverse = configuration.rescaleByDecoderNorm ? latentNorms.map { $0 > 0 ? 1 / $0 : 0 } : nil
    let scales = norm ? input.map(rowScales) : nil
    var result = Matrix(rows: latents.rows, columns: width) { output in
      guard let output = output.baseAddress else { return }
      decoder.elements.withUnsafeBufferPointer { decoder in
        guard let decoder = decoder.baseAddress else { return }
        Threads.forRanges(0..<latents.rows, grain: 8) { rows in
          for row in rows {
            let target = output + row * width
            for column in 0..<width { target[column] = decoderBias[column] }
            for place in latents.range(ofRow: row) {
              let latent = Int(latents.indices[place])
              let value = latents.values[place] * (inverse?[latent] ?? 1)
              unfold_axpy(value, decoder + latent * width, target, width)
            }
            if let scale = scales?[row] {
              for column in 0..<width { target[column] = target[column] * scale.factor + scale.mean }
            }
          }
        }
      }
    }
    if let skip, let input {
      result.withUnsafeMutableElements { output in
        input.elements.withUnsafeBufferPointer { input in
          skip.elements.withUnsafeBufferPointer { skip in
            guard let output = output.baseAddress, let input = input.baseAddress, let skip = skip.baseAddress else {
              return
            }
            gemm(
              m: latents.rows, n: width, k: inputWidth, a: input, aStride: inputWidth, b: skip, bStride: inputWidth,
              transposeB: true, beta: 1, c: output, cStride: width)
          }
        }
      }
    }
    return result
  }

  /// What each unit of a latent's value adds to the reconstruction of a row that is not scaled. Shape: [outputWidth].
  package func effect(ofLatent latent: Int) -> [Float] {
    let row = decoder.row(latent)
    guard configuration.rescaleByDecoderNorm else { return row }
    let norm = latentNorms[latent]
    return norm > 0 ? row.map { $0 / norm } : row
  }

  /// What the latents' part of each row's reconstruction is multiplied by at the end. Shape: [rows].
  package func outputFactors(of x: Matrix) -> [Float] {
    configuration.normalization.isUndoneAtOutput && !isTranscoder
      ? rowScales(x).map(\.factor) : [Float](repeating: 1, count: x.rows)
  }

  /// What the dictionary makes of each row: an autoencoder's reconstruction, a transcoder's prediction.
  public func reconstruct(_ x: Matrix) -> Matrix { decode(encode(x), input: x) }

  /// The Euclidean norm of each latent's direction, [F].
  public var decoderNorms: [Float] {
    (0..<latents).map { latent in
      decoder.withUnsafeRow(latent) { row in
        row.baseAddress.map { Float(Kernels.dotInDouble($0, $0, count: row.count).squareRoot()) } ?? 0
      }
    }
  }

  /// Gives every direction norm 1 and its latent the factor, which changes no reconstruction. A latent whose direction
  /// is zero is switched off where it counts times its norm. Sets `rescaleByDecoderNorm` to false.
  ///
  /// Thresholds follow the latent's scale, unless they already count times the norm.
  /// - Precondition: Not a TopK dictionary without `rescaleByDecoderNorm`: other latents would be the largest.
  public mutating func foldDecoderNorms() {
    let rescaled = configuration.rescaleByDecoderNorm
    precondition(configuration.architecture != .topK || rescaled, "the norms of this dictionary cannot be folded")
    let norms = latentNorms
    let isGated = configuration.architecture == .gated
    let (width, outputs) = (inputWidth, outputWidth)
    for (latent, norm) in norms.enumerated() where norm > 0 || rescaled {
      encoderBias[latent] *= norm
      if !rescaled { threshold?[latent] *= norm }
      magnitudeBias?[latent] *= norm
      if let scale = magnitudeScale?[latent] { magnitudeScale?[latent] = scale + Float(log(Double(norm))) }
      // A gated latent's gate decides by its sign alone, so the product that both share stays as it is.
      if !isGated {
        encoder.withUnsafeMutableElements { elements in
          for index in latent * width..<(latent + 1) * width { elements[index] *= norm }
        }
      }
      guard norm > 0 else { continue }
      decoder.withUnsafeMutableElements { elements in
        for index in latent * outputs..<(latent + 1) * outputs { elements[index] /= norm }
      }
    }
    configuration.rescaleByDecoderNorm = false
  }

  /// Makes a dictionary that was trained on activations times `factor` read and rebuild them as they are.
  ///
  /// Sets the normalization to none. As SAELens's `fold_activation_norm_scaling_factor`: the latents' values stay.
  public mutating func foldInputScale(_ factor: Float) {
    precondition(factor > 0 && factor.isFinite, "a factor of \(factor)")
    encoder.withUnsafeMutableElements { elements in
      for index in elements.indices { elements[index] *= factor }
    }
    decoder.withUnsafeMutableElements { elements in
      for index in elements.indices { elements[index] /= factor }
    }
    for index in decoderBias.indices { decoderBias[index] /= factor }
    configuration.normalization = .none
  }
}

func exponential(_ x: Double) -> Double { exp(x) }
