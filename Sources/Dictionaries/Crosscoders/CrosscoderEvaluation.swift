import LinearAlgebra
import Probes

/// What is measured of a crosscoder beside the figures of every dictionary.
public struct CrosscoderEvaluation: Codable, Sendable, Equatable {
  /// One of its sites.
  public struct Site: Codable, Sendable, Equatable {
    public var site: String
    public var fvu: Double
    public var fvuInterval: Interval?
    public var explainedVariance: Double
    public var cosine: Double
    public var normRatio: Double
    /// Active latents of this site alone, and those that are largest here.
    public var latentsAlone: Int
    public var latentsLargest: Int
    /// With the reconstruction in this site's place and the others as they are; nil where no model was given.
    public var splice: SpliceMeasures?
  }

  public var sites: [Site]
  /// Active latents by the sites that they are spread over, (Σ_l ‖d_l‖)² / Σ_l ‖d_l‖² rounded: first those of one.
  public var latentsBySites: [Int]

  /// Nil of a dictionary that is no crosscoder.
  ///
  /// - Parameter splices: one of each site, or none.
  public init?(
    _ dictionary: SparseAutoencoder, reconstruction: ReconstructionMeasures, splices: [SpliceMeasures] = []
  ) {
    guard let measured = reconstruction.sites, let spread = dictionary.latentSpread(density: reconstruction.density)
    else { return nil }
    sites = measured.enumerated().map { place, site in
      Site(
        site: site.site, fvu: site.fvu, fvuInterval: site.fvuInterval, explainedVariance: site.explainedVariance,
        cosine: site.cosine, normRatio: site.normRatio, latentsAlone: spread.alone[place],
        latentsLargest: spread.largest[place], splice: splices.indices.contains(place) ? splices[place] : nil)
    }
    latentsBySites = spread.counts
  }
}

extension SparseAutoencoder.Configuration {
  /// The sites that are rebuilt: of a crosscoder several, in the model's order.
  public var sites: [String] { crosscoder?.map(\.site) ?? [hookOut] }
}

extension SparseAutoencoder {
  /// The directions at the site that is rebuilt, of a crosscoder at its last. Shape: [F, width].
  package var lastDirections: Matrix {
    guard let sites = configuration.crosscoder else { return decoder }
    return decoder.splitColumns(sites.map(\.width)).last ?? decoder
  }

  /// Of each latent, the share of each site of a crosscoder in Σ_l ‖d_l‖; nil of other dictionaries.
  var siteShares: [[LatentFeature.SiteShare]]? {
    guard let sites = configuration.crosscoder else { return nil }
    let norms = siteNorms
    return (0..<latents).map { latent in
      let row = norms.row(latent)
      let sum = row.reduce(0, +)
      return zip(sites, row).map { LatentFeature.SiteShare(site: $0.site, share: sum > 0 ? $1 / sum : 0) }
    }
  }
}
