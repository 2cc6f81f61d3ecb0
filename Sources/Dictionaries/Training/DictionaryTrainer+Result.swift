import Activations
import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// The dictionary as it stands, for activations as the model has them.
  ///
  /// A normalization by a constant is folded into the weights. Unit-norm decoders stay so but for that fold, after which
  /// rows have equal norms. BatchTopK's and Matryoshka's running threshold becomes every latent's.
  public func dictionary(site: String, target: String? = nil, origin: Origin? = nil) -> SparseAutoencoder {
    let latents = settings.latents
    let normalization = settings.normalization
    var result = SparseAutoencoder(
      configuration: .init(
        architecture: settings.architecture, inputWidth: inputWidth, outputWidth: outputWidth, latents: latents,
        k: settings.selectsLargest ? settings.k : nil, hookIn: site, hookOut: target, normalization: normalization,
        applyDecoderBiasToInput: subtractsDecoderBias, isTranscoder: isTranscoder, origin: origin),
      encoder: Matrix(rows: latents, columns: inputWidth, elements: encoder.values.array),
      encoderBias: settings.architecture == .gated ? [Float](repeating: 0, count: latents) : encoderBias.values.array,
      decoder: Matrix(rows: latents, columns: outputWidth, elements: decoder.values.array),
      decoderBias: decoderBias.values.array,
      threshold: settings.architecture.usesThreshold ? thresholds : nil,
      gateBias: settings.architecture == .gated ? encoderBias.values.array : nil,
      magnitudeBias: (rule as? GatedRule)?.magnitudeBias.values.array,
      magnitudeScale: (rule as? GatedRule)?.magnitudeScale.values.array,
      skip: skip.map { Matrix(rows: outputWidth, columns: inputWidth, elements: $0.values.array) })
    if normalization == .expectedAverageOnlyIn { fold(&result) }
    return result
  }

  private var thresholds: [Float] {
    (rule as? JumpReLURule)?.threshold.values.array ?? [Float](repeating: Float(threshold), count: settings.latents)
  }

  /// x̂ = D(E(s·x))/t: the scales go into the weights, and the latents' values stay.
  private func fold(_ dictionary: inout SparseAutoencoder) {
    let (input, target) = (scaling.input, scaling.target)
    dictionary.encoder.elements = dictionary.encoder.elements.map { $0 * input }
    dictionary.decoder.elements = dictionary.decoder.elements.map { $0 / target }
    dictionary.decoderBias = dictionary.decoderBias.map { $0 / target }
    if var skip = dictionary.skip {
      skip.elements = skip.elements.map { $0 * input / target }
      dictionary.skip = skip
    }
    dictionary.configuration.normalization = .none
  }
}
