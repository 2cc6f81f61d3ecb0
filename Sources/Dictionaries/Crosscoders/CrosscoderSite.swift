import Activations
import Diagnostics
import LinearAlgebra

/// One of the sites that a crosscoder reads and rebuilds.
public struct CrosscoderSite: Codable, Sendable, Equatable {
  /// The site's full name.
  public var site: String
  /// Its columns of a row.
  public var width: Int
  /// √width over the mean norm of the site's activations in training: decoder rows times this are in units in which every
  /// site's activations are equally long.
  public var scale: Float

  public init(site: String, width: Int, scale: Float = 1) {
    self.site = site
    self.width = width
    self.scale = scale
  }
}

extension SparseAutoencoder {
  /// Whether the dictionary reads and rebuilds several sites at once, with latents that they share (Lindsey et al. 2024,
  /// Sparse Crosscoders for Cross-Layer Features and Model Diffing).
  ///
  /// Its rows are the sites' activations side by side, and so are the rows of `encoder` and `decoder`.
  public var isCrosscoder: Bool { configuration.crosscoder != nil }

  /// Decoder-like rows in units in which every site of a crosscoder counts alike; of other dictionaries the rows as they
  /// are.
  package func comparable(_ rows: Matrix) -> Matrix {
    guard let sites = configuration.crosscoder else { return rows }
    let factors = sites.flatMap { [Float](repeating: $0.scale, count: $0.width) }
    var result = rows
    let columns = rows.columns
    result.withUnsafeMutableElements { elements in
      for row in 0..<rows.rows { for column in 0..<columns { elements[row * columns + column] *= factors[column] } }
    }
    return result
  }

  /// The directions in units in which every site of a crosscoder counts alike. Shape: [F, m].
  public var comparableDecoder: Matrix { comparable(decoder) }

  /// Of each latent, the norm of its direction at each site of a crosscoder, in comparable units. Shape: [F, sites]; of
  /// other dictionaries [F, 1].
  public var siteNorms: Matrix {
    let widths = configuration.crosscoder?.map(\.width) ?? [outputWidth]
    let norms = comparableDecoder.splitColumns(widths).map(\.rowNorms)
    return Matrix(
      rows: latents, columns: widths.count, elements: (0..<latents).flatMap { latent in norms.map { $0[latent] } })
  }

  /// What a latent's value counts with: ‖d‖, in a crosscoder Σ_l ‖d_l‖ in comparable units. Shape: [F].
  var latentNorms: [Float] {
    guard isCrosscoder else { return decoderNorms }
    let norms = siteNorms
    return (0..<latents).map { norms.row($0).reduce(0, +) }
  }

  /// Makes a crosscoder that was trained on each site's activations times a factor read and rebuild them as they are.
  mutating func foldSiteScales(_ factors: [Float]) {
    guard var sites = configuration.crosscoder else { return }
    let columns = zip(sites, factors).flatMap { [Float](repeating: $1, count: $0.width) }
    let (latents, width) = (latents, columns.count)
    encoder.withUnsafeMutableElements { elements in
      for place in 0..<latents * width { elements[place] *= columns[place % width] }
    }
    decoder.withUnsafeMutableElements { elements in
      for place in 0..<latents * width { elements[place] /= columns[place % width] }
    }
    for column in 0..<width { decoderBias[column] /= columns[column] }
    for (place, factor) in factors.enumerated() { sites[place].scale = factor }
    configuration.crosscoder = sites
    configuration.normalization = .none
  }

  /// What is amiss with a crosscoder's sites, or nil.
  var crosscoderProblem: String? {
    guard let sites = configuration.crosscoder else { return nil }
    if sites.count < 2 { return "a crosscoder of \(sites.count) site" }
    if isTranscoder || skip != nil { return "a crosscoder that is a transcoder too" }
    if configuration.normalization.isUndoneAtOutput { return "a crosscoder whose rows are scaled together" }
    if sites.contains(where: { $0.width < 1 || !($0.scale > 0 && $0.scale.isFinite) }) {
      return "a site of a crosscoder without columns or without a scale"
    }
    let width = sites.reduce(0) { $0 + min($1.width, 1 << 30) }
    return width == configuration.inputWidth && width == configuration.outputWidth
      ? nil : "sites of \(width) columns in a crosscoder of width \(configuration.inputWidth)"
  }
}
