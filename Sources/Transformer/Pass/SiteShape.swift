import Architectures

/// What a row of a site's values holds.
public struct SiteShape: Sendable, Equatable {
  /// The name of each axis, outermost first, such as ["heads", "d_head"].
  public var axes: [String]
  /// The length of each axis; nil for keys, as many as the document has tokens.
  public var lengths: [Int?]
  /// The number of elements of a token's row; nil where it depends on the document.
  public var width: Int? {
    lengths.reduce(1) { product, length in product.flatMap { product in length.map { product * $0 } } }
  }

  init(axes: [String], lengths: [Int?]) {
    self.axes = axes
    self.lengths = lengths
  }

  init(_ axes: KeyValuePairs<String, Int>) {
    self.axes = axes.map(\.key)
    lengths = axes.map(\.value)
  }
}

extension Architecture {
  /// All sites of this architecture in the order of its forward pass. O(sites).
  public var sites: [Site] {
    rows(SiteTable.embedding).map { site($0.kind) } + blocks.indices.flatMap(sites)
      + rows(SiteTable.head).map { site($0.kind) }
  }

  /// The sites of one block; those inside experts expert by expert.
  private func sites(layer: Int) -> [Site] {
    let block = blocks[layer]
    let rows = SiteTable.block.filter { $0.exists(self, block) }
    let inExperts = rows.filter(\.kind.isInExpert)
    return rows.flatMap { row -> [Site] in
      guard row.kind.isInExpert else { return [Site(row.kind, layer: layer)] }
      guard row.kind == inExperts.first?.kind else { return [] }
      return (0..<(block.experts?.count ?? 0)).flatMap { expert in
        inExperts.map { Site($0.kind, layer: layer, expert: expert) }
      }
    }
  }

  private func rows(_ table: [SiteTable.Row]) -> [SiteTable.Row] { table.filter { $0.exists(self, blocks[0]) } }

  /// Whether the model has a site.
  public func has(_ site: Site) -> Bool {
    guard let layer = site.layer else {
      return rows(SiteTable.embedding + SiteTable.head).contains { $0.kind == site.kind }
    }
    guard blocks.indices.contains(layer) else { return false }
    if let expert = site.expert, !(0..<(blocks[layer].experts?.count ?? 0)).contains(expert) { return false }
    return SiteTable.block.contains { $0.kind == site.kind && $0.exists(self, blocks[layer]) }
  }

  /// The site of a full name, or nil where the model has none of that name. O(sites).
  public func site(named name: String) -> Site? { sites.first { $0.name == name } }

  /// The site of a kind, under the name that it has in this architecture.
  func site(_ kind: Site.Kind, layer: Int? = nil, expert: Int? = nil) -> Site {
    let isPrefixed =
      embedding.normalizesSum ? kind < .fullEmbed : kind == .embedScale || kind == .embedNormalized
    return Site(kind, layer: layer, expert: expert, prefix: isPrefixed ? "embed." : "")
  }

  /// What a row of the site's values holds.
  public func shape(of site: Site) -> SiteShape {
    guard let row = SiteTable.first[site.kind] else { return SiteShape(axes: [], lengths: []) }
    return row.shape(self, blocks[site.layer ?? 0])
  }
}
