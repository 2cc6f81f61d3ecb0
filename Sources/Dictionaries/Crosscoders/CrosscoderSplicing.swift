import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

extension SparseAutoencoder {
  /// The rows that the dictionary reads in a run of the model. Shape: [tokens, inputWidth].
  ///
  /// - Parameter site: as in `reconstruction`.
  /// - Throws: `dictionary.modelSite`, `dictionary.width`, `dictionary.crosscoder`.
  func rows(of batch: TokenBatch, in model: Model, site name: String? = nil) throws -> Matrix {
    try requireOwnSites(name)
    let sites = try sites(in: model, name)
    var parts = sites.map { _ in Matrix(zeros: 0, columns: 0) }
    try model.run(batch, hooks: Self.reading(sites) { parts[$0] = $1 })
    return parts.count == 1 ? parts[0] : Matrix(sideBySide: parts)
  }

  /// The sites that the dictionary reads, of a crosscoder several.
  private func sites(in model: Model, _ name: String? = nil) throws -> [Site] {
    try configuration.crosscoder.map { try $0.map { try site($0.site, width: $0.width, in: model) } }
      ?? [site(name ?? configuration.hookIn, width: inputWidth, in: model)]
  }

  /// Hooks that give `body` what stands at each site.
  private static func reading(_ sites: [Site], _ body: @escaping (Int, Matrix) -> Void) -> [Hook] {
    sites.enumerated().map { place, site in
      Hook(site) { value in
        body(place, Matrix(rows: value.rows.count, columns: value.width, elements: value.copy()))
      }
    }
  }

  /// Splices a crosscoder's reconstructions into the model: at all sites at once, and at each alone.
  ///
  /// The reconstructions are those of the untouched run's activations. A site that a splice before it reaches gets its
  /// own reconstruction all the same: of residual streams spliced at once, the last decides nearly all. Everything else as
  /// in `splice`; three passes for each of the sites and for all together, and one for the untouched model.
  ///
  /// - Parameter means: each site's mean over the corpus.
  public func spliceSites(
    into model: Model, source: any ActivationSource, means: [[Double]], specialTokens: Bool = false,
    tokens most: Int = 8192, seed: UInt64 = 0, progress: (Int) -> Void = { _ in }
  ) throws -> (all: SpliceMeasures, sites: [SpliceMeasures]) {
    guard let widths = configuration.crosscoder?.map(\.width) else {
      throw Fault(
        .usage, "dictionary.crosscoder", "Only a crosscoder is spliced in at several sites",
        found: configuration.hookIn,
        advice: "use splice")
    }
    let sites = try sites(in: model)
    let sets = [Array(sites.indices)] + sites.indices.map { [$0] }
    var parts = sites.map { _ in Matrix(zeros: 0, columns: 0) }
    let measures = try splice(
      into: model, source: source, ways: sets.count, specialTokens: specialTokens, tokens: most, seed: seed,
      progress: progress, reading: Self.reading(sites) { parts[$0] = $1 }
    ) { edited in
      let rebuilt = reconstruct(Matrix(sideBySide: parts)).splitColumns(widths)
      return sets.map { set in
        [
          set.map { place in Hook(sites[place]) { $0.put(rebuilt[place], where: edited) } },
          set.map { replacing(sites[$0], with: [Float](repeating: 0, count: widths[$0]), edited: edited) },
          set.map { replacing(sites[$0], with: means[$0].map { Float($0) }, edited: edited) },
        ]
      }
    }
    return (measures[0], Array(measures.dropFirst()))
  }
}
