import CKernels
import LinearAlgebra

/// The encoder's rows and biases as latents are selected by them.
struct SelectionRows {
  let latents: Int
  let width: Int
  /// [latents, width].
  let rows: FloatBuffer
  /// [latents].
  let bias: FloatBuffer

  init(encoder: Parameter, bias: Parameter) {
    (latents, width) = (encoder.rows, encoder.columns)
    (rows, self.bias) = (encoder.values, bias.values)
  }

  init(_ scaled: ScaledEncoder) {
    (latents, width) = (scaled.latents, scaled.width)
    (rows, bias) = (scaled.rows, scaled.bias)
  }

  func row(_ latent: Int) -> UnsafeMutablePointer<Float> { rows.base + latent * width }
}

/// The encoder with each row and bias times the norm of the latent's direction.
///
/// A latent of product p adds p·d. Where directions have norms of their own, ‖p·d‖ is what tells latents apart, so that the
/// largest p·‖d‖ are selected, as in a dictionary whose directions all have norm 1. The norm has no gradient: it cancels in
/// p·d. Memory: 4 bytes for each of the encoder's weights.
final class ScaledEncoder {
  let latents: Int
  let width: Int
  let rows: FloatBuffer
  let bias: FloatBuffer
  /// ‖d‖ of each latent, and one over it; 0 of a direction of zeros.
  let norms: FloatBuffer
  let inverses: FloatBuffer

  init(latents: Int, width: Int) {
    self.latents = latents
    self.width = width
    rows = FloatBuffer(unset: latents * width)
    bias = FloatBuffer(unset: latents)
    norms = FloatBuffer(unset: latents)
    inverses = FloatBuffer(unset: latents)
  }

  var bytes: Int { 4 * (rows.count + bias.count + norms.count + inverses.count) }

  func update(encoder: Parameter, bias encoderBias: Parameter, decoder: Parameter, norm directionNorm: DirectionNorm) {
    let (rows, bias, norms, inverses, width) = (rows, bias, norms, inverses, width)
    Threads.forRanges(0..<latents, grain: 64) { some in
      for latent in some {
        let direction = decoder.row(latent)
        let norm = directionNorm.of(direction)
        norms.base[latent] = norm
        inverses.base[latent] = norm > 0 ? 1 / norm : 0
        bias.base[latent] = norm * encoderBias.values.base[latent]
        unfold_scale(norm, 0, encoder.row(latent), rows.base + latent * width, width)
      }
    }
  }

  /// Makes the scaled products of a selection the latents' own.
  func unscale(_ active: inout ActiveLatents) {
    for latent in 0..<latents {
      for place in active.range(latent) { active.products[place] *= inverses.base[latent] }
    }
    active.values = active.products
  }
}
