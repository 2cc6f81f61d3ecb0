import Foundation

/// JumpReLU: a value is its product where that exceeds the latent's threshold (Rajamanoharan et al., arXiv 2407.14435).
///
/// The threshold θ learns by a straight-through estimate: the step's derivative is a rectangle of width ε around it, so
/// that ∂f/∂θ = −θ/ε and ∂(f > 0)/∂θ = −1/ε within it. As in SAELens the threshold itself is the parameter and is kept at
/// 0 or more, and the estimate reaches the threshold alone.
struct JumpReLURule: LatentRule {
  let settings: DictionarySettings.JumpReLUSettings
  let threshold: Parameter
  let encoderBias: Parameter

  init(_ settings: DictionarySettings, encoderBias: Parameter) {
    self.settings = settings.jumpReLU
    threshold = Parameter("threshold", rows: settings.latents)
    threshold.values.fill(settings.jumpReLU.initialThreshold)
    self.encoderBias = encoderBias
  }

  var parameters: [Parameter] { [threshold] }

  func bound(_ latent: Int) -> Float { threshold.values.base[latent] - settings.bandwidth / 2 }

  func activate(_ latent: Int, _ entries: LatentEntries) {
    let threshold = threshold.values.base[latent]
    for entry in 0..<entries.count {
      let product = entries.products[entry]
      entries.values[entry] = product > threshold ? product : 0
    }
  }

  func differentiate(_ latent: Int, _ entries: LatentEntries, _ context: LossContext) -> LatentGradient {
    var result = LatentGradient()
    let threshold = threshold.values.base[latent]
    let half = settings.bandwidth / 2
    let steps = settings.penalty == .step
    let scale = settings.tanhScale * context.decoderNorm
    var (pull, thresholdGradient): (Float, Float) = (0, 0)
    for entry in 0..<entries.count {
      let product = entries.products[entry]
      let isActive = product > threshold
      var gradient = entries.valueGradients[entry]
      if steps {
        if isActive { result.loss += Double(context.sparsity) }
      } else {
        let height = Float(Foundation.tanh(Double(scale * entries.values[entry])))
        let slope = context.sparsity * (1 - height * height)
        result.loss += Double(context.sparsity * height)
        gradient += slope * scale
        if context.decoderNorm > 0 { pull += slope * scale * entries.values[entry] }
      }
      if abs(product - threshold) < half {
        thresholdGradient -= threshold / settings.bandwidth * gradient
        if steps { thresholdGradient -= context.sparsity / settings.bandwidth }
      }
      entries.productGradients[entry] = isActive ? gradient : 0
      if isActive { result.bias += gradient }
    }
    if context.decoderNorm > 0 { result.decoderFactor = pull / (context.decoderNorm * context.decoderNorm) }
    self.threshold.gradient.base[latent] = thresholdGradient
    return result
  }

  func project() {
    for latent in 0..<threshold.rows { threshold.values.base[latent] = max(threshold.values.base[latent], 0) }
  }
}
