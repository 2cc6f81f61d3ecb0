import LinearAlgebra
import Probes

/// How well one site of a crosscoder is rebuilt, in the activations' own units.
public struct SiteReconstruction: Codable, Sendable, Equatable {
  public var site: String
  /// Σ‖x_l − x̂_l‖² / Σ‖x_l − x̄_l‖² at this site alone, and its 95 % interval over documents.
  public var fvu: Double
  public var fvuInterval: Interval?
  public var explainedVariance: Double
  public var cosine: Double
  public var normRatio: Double
  /// The mean of x_l over all rows.
  public var mean: [Double]
}

/// The sums of each site of a crosscoder; of other dictionaries nothing.
struct SiteSums {
  private let sites: [CrosscoderSite]
  private var sums: [ReconstructionSums]

  init(_ dictionary: SparseAutoencoder, units: Int) {
    sites = dictionary.configuration.crosscoder ?? []
    sums = sites.map { ReconstructionSums(width: $0.width, latents: dictionary.latents, units: units) }
  }

  mutating func add(_ latents: SparseLatents, target: Matrix, output: Matrix, units: [Int32]) {
    guard !sites.isEmpty else { return }
    let widths = sites.map(\.width)
    for (place, parts) in zip(target.splitColumns(widths), output.splitColumns(widths)).enumerated() {
      sums[place].add(latents, target: parts.0, output: parts.1, units: units)
    }
  }

  func measures(seed: UInt64) throws -> [SiteReconstruction]? {
    guard !sites.isEmpty else { return nil }
    return try zip(sites, sums).map { site, sums in
      let measures = try sums.measures(bootstrap: seed)
      return SiteReconstruction(
        site: site.site, fvu: measures.fvu, fvuInterval: measures.intervals?.fvu,
        explainedVariance: measures.explainedVariance, cosine: measures.cosine, normRatio: measures.normRatio,
        mean: measures.mean)
    }
  }
}

/// Where a crosscoder's latents live, by the norms of their directions at each site in comparable units.
public struct LatentSpread: Codable, Sendable, Equatable {
  /// Of each latent, over how many sites its direction is spread: (Σ_l ‖d_l‖)² / Σ_l ‖d_l‖², 1 for one site alone, their
  /// number where all norms are equal. Shape: [F].
  public var sites: [Double]
  /// Active latents by that number, rounded: first those of one site.
  public var counts: [Int]
  /// Of each site, the active latents of one site whose site it is, and those that are largest there.
  public var alone: [Int]
  public var largest: [Int]
}

extension SparseAutoencoder {
  /// How the latents' directions are spread over the sites; nil of a dictionary that is no crosscoder.
  ///
  /// - Parameter density: each latent's share of rows; latents that were never active are not counted.
  public func latentSpread(density: [Double]) -> LatentSpread? {
    guard let count = configuration.crosscoder?.count else { return nil }
    let norms = siteNorms
    var spread = LatentSpread(
      sites: [], counts: [Int](repeating: 0, count: count), alone: [Int](repeating: 0, count: count),
      largest: [Int](repeating: 0, count: count))
    for latent in 0..<latents {
      let row = norms.row(latent).map { Double($0) }
      let squares = row.reduce(0) { $0 + $1 * $1 }
      let sum = row.reduce(0, +)
      let sites = squares > 0 ? sum * sum / squares : 0
      spread.sites.append(sites)
      guard density[latent] > 0, squares > 0, let most = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
      let rounded = min(max(Int(sites.rounded()), 1), count)
      spread.counts[rounded - 1] += 1
      spread.largest[most] += 1
      if rounded == 1 { spread.alone[most] += 1 }
    }
    return spread
  }
}
