import Activations
import CKernels
import Diagnostics
import LinearAlgebra

/// What a latent's value counts with in penalties and selections: ‖d‖, in a crosscoder the sum over sites Σ_l ‖d_l‖.
///
/// The sum, not the norm of all columns together: by it a latent that several sites share costs as much as one for each
/// site, so that nothing but the data decides whether a feature is shared (Lindsey et al. 2024).
struct DirectionNorm: Sendable {
  /// The columns of each site.
  let widths: [Int]

  func of(_ direction: UnsafePointer<Float>) -> Float {
    var (total, place): (Float, Int) = (0, 0)
    for width in widths {
      total += unfold_dot(direction + place, direction + place, width).squareRoot()
      place += width
    }
    return total
  }

  /// Adds the gradient that a rule asks for as a multiple of the direction, factor = ∂loss/∂norm over the norm: at each
  /// site that derivative times d_l/‖d_l‖.
  func pull(
    _ factor: Float, _ direction: UnsafePointer<Float>, norm: Float, _ gradient: UnsafeMutablePointer<Float>
  ) {
    guard widths.count > 1 else { return unfold_axpy(factor, direction, gradient, widths[0]) }
    var place = 0
    for width in widths {
      let length = unfold_dot(direction + place, direction + place, width).squareRoot()
      if length > 0 { unfold_axpy(factor * (norm / length), direction + place, gradient + place, width) }
      place += width
    }
  }
}

extension DictionarySettings {
  /// Refuses what a crosscoder cannot be.
  func check(crosscoder sites: [CrosscoderSite], inputWidth: Int, outputWidth: Int?) throws {
    func refuse(_ problem: String, expected: String, found: String, advice: String) -> Fault {
      Fault(.usage, "dictionary.crosscoder", problem, expected: expected, found: found, advice: advice)
    }
    if outputWidth != nil || skip {
      throw refuse(
        "A crosscoder rebuilds what it reads", expected: "no site to predict and no path past the latents",
        found: outputWidth == nil ? "a skip path" : "a site to predict",
        advice: "leave --target and --skip out, or train a transcoder without --crosscoder")
    }
    if normalization.isUndoneAtOutput {
      throw refuse(
        "A crosscoder's sites are each scaled by one number", expected: "none or expected_average_only_in",
        found: normalization.rawValue, advice: "choose one of these with --normalize")
    }
    if unitNormDecoder {
      throw refuse(
        "A crosscoder's directions keep their norms, which say where a latent lives", expected: "free directions",
        found: "directions of norm 1", advice: "set unitNormDecoder to false")
    }
    precondition(
      sites.count > 1 && sites.reduce(0) { $0 + $1.width } == inputWidth, "\(sites) in rows of \(inputWidth)")
  }
}

extension CrosscoderSite {
  /// The source with the sites joined, the dictionaries with free directions, and the sites, where a run trains crosscoders;
  /// otherwise what was given.
  static func prepared(
    _ source: any ActivationSource, _ settings: TrainingSettings, _ dictionaries: [DictionarySettings]
  ) throws -> (any ActivationSource, [DictionarySettings], [CrosscoderSite]?) {
    guard let names = settings.crosscoder else { return (source, dictionaries, nil) }
    let joined = try JoinedSites(source, sites: names)
    let free = dictionaries.map { settings in
      var settings = settings
      // Where norms would have been kept at 1, they start there: from 0.1 nearly half of the latents die.
      if settings.unitNormDecoder { settings.initialDecoderNorm = 1 }
      settings.unitNormDecoder = false
      return settings
    }
    return (joined, free, try names.map { CrosscoderSite(site: $0, width: try source.site(named: $0).width) })
  }
}
