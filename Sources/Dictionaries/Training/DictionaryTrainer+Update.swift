import CKernels
import Foundation
import LinearAlgebra

extension DictionaryTrainer {
  /// Adam on every weight, and unit norms where wanted.
  func update(limitedBy norm: Double) {
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
            if isUnit { Kernels.setNorm(decoder.row(latent), count: outputWidth, to: 1) }
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
  func noteFirings(rows: Int) {
    for latent in 0..<settings.latents { sinceFired[latent] = fired[latent] ? 0 : sinceFired[latent] + Int64(rows) }
  }
}
