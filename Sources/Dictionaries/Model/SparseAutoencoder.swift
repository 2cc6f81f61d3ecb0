import Activations
import Diagnostics
import LinearAlgebra

/// A sparse dictionary that has been trained: it writes an activation as a sum of few directions out of many.
///
/// An autoencoder rebuilds the activation that it reads; a transcoder reads one site and predicts another. Shapes:
/// n = `inputWidth`, m = `outputWidth` (equal to n in an autoencoder), F = `latents`. A latent's weights are a row of
/// `encoder` and a row of `decoder`, so that both are read in one piece.
public struct SparseAutoencoder: Sendable, Equatable {
  public var configuration: Configuration
  /// [F, n]
  public var encoder: Matrix
  /// [F]; in a gated dictionary zeros, since `gateBias` and `magnitudeBias` stand in its place.
  public var encoderBias: [Float]
  /// [F, m]: the direction that each latent adds.
  public var decoder: Matrix
  /// [m]
  public var decoderBias: [Float]
  /// [F]: a latent is active where its pre-activation is larger. For `jumpReLU`, `batchTopK` and `matryoshka`.
  public var threshold: [Float]?
  /// [F]: added to the pre-activation that decides whether a latent of a gated dictionary is active.
  public var gateBias: [Float]?
  /// [F]: added to the pre-activation that gives a gated latent's value.
  public var magnitudeBias: [Float]?
  /// [F]: r_mag of Rajamanoharan et al. (arXiv 2404.16014): the logarithm of the factor between the two pre-activations
  /// of a gated latent.
  public var magnitudeScale: [Float]?
  /// [m, n]: the linear path past the latents of a transcoder that has one.
  public var skip: Matrix?

  /// - Precondition: Every part has the shape that the configuration gives it; `validate()` throws instead.
  public init(
    configuration: Configuration, encoder: Matrix, encoderBias: [Float], decoder: Matrix, decoderBias: [Float],
    threshold: [Float]? = nil, gateBias: [Float]? = nil, magnitudeBias: [Float]? = nil, magnitudeScale: [Float]? = nil,
    skip: Matrix? = nil
  ) {
    self.configuration = configuration
    self.encoder = encoder
    self.encoderBias = encoderBias
    self.decoder = decoder
    self.decoderBias = decoderBias
    self.threshold = threshold
    self.gateBias = gateBias
    self.magnitudeBias = magnitudeBias
    self.magnitudeScale = magnitudeScale
    self.skip = skip
    let problem = shapeProblem
    precondition(problem == nil, problem ?? "")
  }

  public var latents: Int { configuration.latents }
  public var inputWidth: Int { configuration.inputWidth }
  public var outputWidth: Int { configuration.outputWidth }
  /// Whether the dictionary predicts another site than the one it reads.
  public var isTranscoder: Bool { configuration.isTranscoder }

  /// The parameters' number.
  public var parameterCount: Int {
    encoder.elements.count + decoder.elements.count + decoderBias.count + (skip?.elements.count ?? 0)
      + (configuration.architecture == .gated ? 3 : 1) * latents + (threshold?.count ?? 0)
  }

  /// Checks every number of the dictionary.
  /// - Throws: `dictionary.notFinite`, which names the part and counts what is NaN or infinite.
  public func validate() throws {
    if let problem = shapeProblem {
      throw Fault(.badData, "dictionary.shape", "The parts of the dictionary do not fit together", found: problem)
    }
    let parts: [(String, [Float]?)] = [
      ("encoder", encoder.elements), ("encoder bias", encoderBias), ("decoder", decoder.elements),
      ("decoder bias", decoderBias), ("threshold", threshold), ("gate bias", gateBias),
      ("magnitude bias", magnitudeBias), ("magnitude scale", magnitudeScale), ("skip", skip?.elements),
    ]
    for (name, values) in parts {
      guard let values else { continue }
      let bad = values.withUnsafeBufferPointer { buffer in
        buffer.baseAddress.map { Kernels.countNonfinite($0, count: buffer.count) } ?? 0
      }
      // A threshold of +∞ switches a latent off; it is no mistake.
      let allowed = name == "threshold" ? values.count { $0 == .infinity } : 0
      guard bad > allowed else { continue }
      throw Fault(
        .badData, "dictionary.notFinite", "The dictionary holds numbers that are NaN or infinite", place: name,
        expected: "finite numbers", found: "\(bad - allowed) of \(values.count) that are not",
        advice: "train it again from its last good checkpoint, or with a smaller learning rate")
    }
  }

  /// What does not fit, or nil.
  var shapeProblem: String? {
    let c = configuration
    func columns(_ name: String, _ values: [Float]?, _ count: Int, wanted: Bool) -> String? {
      guard wanted else { return values == nil ? nil : "\(name) in a dictionary of architecture \(c.architecture)" }
      guard let values else { return "no \(name) in a dictionary of architecture \(c.architecture)" }
      return values.count == count ? nil : "\(name) of \(values.count) numbers where \(count) are wanted"
    }
    if c.inputWidth < 1 || c.outputWidth < 1 || c.latents < 1 {
      return "widths \(c.inputWidth) and \(c.outputWidth), \(c.latents) latents"
    }
    if encoder.rows != c.latents || encoder.columns != c.inputWidth {
      return "encoder [\(encoder.rows), \(encoder.columns)] where [\(c.latents), \(c.inputWidth)] is wanted"
    }
    if decoder.rows != c.latents || decoder.columns != c.outputWidth {
      return "decoder [\(decoder.rows), \(decoder.columns)] where [\(c.latents), \(c.outputWidth)] is wanted"
    }
    if let skip, skip.rows != c.outputWidth || skip.columns != c.inputWidth {
      return "skip [\(skip.rows), \(skip.columns)] where [\(c.outputWidth), \(c.inputWidth)] is wanted"
    }
    if c.architecture == .topK, (c.k ?? 0) < 1 || (c.k ?? 0) > c.latents {
      return "k of \(c.k.map(String.init) ?? "none") with \(c.latents) latents"
    }
    if c.inputWidth != c.outputWidth, c.applyDecoderBiasToInput {
      return "a width of \(c.outputWidth) at the output and \(c.inputWidth) at the input, which share a bias"
    }
    if let problem = crosscoderProblem { return problem }
    let gated = c.architecture == .gated
    return columns("encoder bias", encoderBias, c.latents, wanted: true)
      ?? columns("decoder bias", decoderBias, c.outputWidth, wanted: true)
      ?? columns("threshold", threshold, c.latents, wanted: c.architecture.usesThreshold)
      ?? columns("gate bias", gateBias, c.latents, wanted: gated)
      ?? columns("magnitude bias", magnitudeBias, c.latents, wanted: gated)
      ?? columns("magnitude scale", magnitudeScale, c.latents, wanted: gated)
  }
}
