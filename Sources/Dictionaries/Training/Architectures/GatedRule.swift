import Foundation

/// Gated: a product decides whether a latent is active, the same product, scaled and shifted, gives its value
/// (Rajamanoharan et al., arXiv 2404.16014).
///
/// gate = W·x + b_gate, value = [gate > 0] · max(0, e^r · W·x + b_mag). The loss adds λ · Σ max(0, gate) · ‖W_dec‖ and the
/// error of a second reconstruction from max(0, gate), through which, as in the paper, the decoder does not learn.
struct GatedRule: LatentRule {
  let gateBias: Parameter
  let magnitudeBias: Parameter
  let magnitudeScale: Parameter

  init(_ settings: DictionarySettings, encoderBias: Parameter) {
    gateBias = encoderBias
    magnitudeBias = Parameter("magnitudeBias", rows: settings.latents)
    magnitudeScale = Parameter("magnitudeScale", rows: settings.latents)
  }

  var parameters: [Parameter] { [magnitudeBias, magnitudeScale] }
  var rebuildsFromGate: Bool { true }

  private func magnitude(_ latent: Int) -> (scale: Float, shift: Float, gateBias: Float) {
    (
      Float(exp(Double(magnitudeScale.values.base[latent]))), magnitudeBias.values.base[latent],
      gateBias.values.base[latent]
    )
  }

  func activate(_ latent: Int, _ entries: LatentEntries) {
    let (scale, shift, bias) = magnitude(latent)
    for entry in 0..<entries.count {
      let product = entries.products[entry]
      entries.values[entry] = product > 0 ? max(scale * (product - bias) + shift, 0) : 0
    }
  }

  func differentiate(_ latent: Int, _ entries: LatentEntries, _ context: LossContext) -> LatentGradient {
    var result = LatentGradient()
    let (scale, shift, bias) = magnitude(latent)
    let pull = context.sparsity * context.decoderNorm
    var (sum, shiftGradient, scaleGradient): (Float, Float, Float) = (0, 0, 0)
    for entry in 0..<entries.count {
      let product = entries.products[entry]
      guard product > 0 else {
        entries.productGradients[entry] = 0
        continue
      }
      let gate = (entries.gateGradients?[entry] ?? 0) + pull
      let magnitude = scale * (product - bias) + shift
      let value = magnitude > 0 ? entries.valueGradients[entry] : 0
      entries.productGradients[entry] = gate + value * scale
      result.bias += gate
      shiftGradient += value
      scaleGradient += value * scale * (product - bias)
      sum += product
    }
    result.loss = Double(pull * sum)
    result.decoderFactor = context.decoderNorm > 0 ? context.sparsity * sum / context.decoderNorm : 0
    magnitudeBias.gradient.base[latent] = shiftGradient
    magnitudeScale.gradient.base[latent] = scaleGradient
    return result
  }
}
