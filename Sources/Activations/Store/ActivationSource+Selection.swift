import Transformer

extension ActivationSource {
  /// The sites of this source that a user named, in its order; see `SiteSelection.indices(names:layers:)`.
  ///
  /// - Throws: `Fault`: `transformer.unknownSite`, `transformer.layers`.
  public func select(sites names: String, layers: String? = nil) throws -> [StoredSite] {
    let selection = SiteSelection(
      among: sites.map { .init(name: $0.name, layer: $0.layer) },
      layers: (sites.compactMap(\.layer).max() ?? 0) + 1, place: "source")
    return try selection.indices(names: names, layers: layers).map { sites[$0] }
  }
}
