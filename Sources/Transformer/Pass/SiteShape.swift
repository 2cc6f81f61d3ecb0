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
}

extension Configuration {
  /// All sites of this architecture in the order of its forward pass.
  public var sites: [Site] {
    embeddingSites + (0..<layers).flatMap { layer in blockSites.map { Site($0, layer: layer) } } + headSites
  }

  /// Whether the model has a site.
  public func has(_ site: Site) -> Bool {
    site.layer.map { (0..<layers).contains($0) && blockSites.contains(site.kind) }
      ?? (embeddingSites + headSites).contains(site)
  }

  /// The site of a full name, or nil where the model has none of that name.
  public func site(named name: String) -> Site? { sites.first { $0.name == name } }

  /// The site of a kind, under the name that it has in this architecture.
  func site(_ kind: Site.Kind, layer: Int? = nil) -> Site {
    Site(kind, layer: layer, prefix: embedding.normalized && kind < .fullEmbed ? "embed." : "")
  }

  /// What a row of the site's values holds.
  public func shape(of site: Site) -> SiteShape {
    let residual = SiteShape(axes: ["d_model"], lengths: [width])
    return switch site.kind {
    case .embed, .positionEmbed, .tokenTypeEmbed, .fullEmbed, .embedNormalized: residual
    case .residPre, .attentionOut, .residMid, .mlpIn, .mlpOut, .residPost, .normalizedResidPost: residual
    case .norm1Normalized, .norm2Normalized, .finalNormalized, .headDense, .unembedIn: residual
    case .embedScale, .norm1Scale, .norm2Scale, .finalScale: SiteShape(axes: ["scale"], lengths: [1])
    case .query, .rotatedQuery, .mixed:
      SiteShape(axes: ["heads", "d_head"], lengths: [attention.heads, attention.headWidth])
    case .key, .rotatedKey, .value:
      SiteShape(axes: ["key_value_heads", "d_head"], lengths: [attention.keyValueHeads, attention.headWidth])
    case .scores, .pattern: SiteShape(axes: ["heads", "keys"], lengths: [attention.heads, nil])
    case .result: SiteShape(axes: ["heads", "d_model"], lengths: [attention.heads, width])
    case .mlpPre, .mlpPreLinear, .mlpPost: SiteShape(axes: ["d_mlp"], lengths: [mlp.width])
    case .unembedOut: SiteShape(axes: ["d_vocab"], lengths: [vocabularySize])
    }
  }

  /// The sites before the first block.
  private var embeddingSites: [Site] {
    let learned: [Site.Kind] = positions == .learned ? [.positionEmbed] : []
    let types: [Site.Kind] = embedding.tokenTypes > 0 ? [.tokenTypeEmbed] : []
    let sums = [.embed] + learned + types
    let norm: [Site.Kind] = embedding.normalized ? [.embedScale, .embedNormalized, .fullEmbed] : []
    return (sums + norm).map { site($0) }
  }

  /// The kinds of sites of one block, in the order of the pass.
  private var blockSites: [Site.Kind] {
    let rotated: [Site.Kind] = if case .rotary = positions { [.rotatedQuery, .rotatedKey] } else { [] }
    let attention: [Site.Kind] =
      [.query, .key, .value] + rotated + [.scores, .pattern, .mixed, .result, .attentionOut]
    let norm1: [Site.Kind] = [.norm1Scale, .norm1Normalized]
    let norm2: [Site.Kind] = [.norm2Scale, .norm2Normalized]
    let mlp: [Site.Kind] = [.mlpIn, .mlpPre] + (self.mlp.gated ? [.mlpPreLinear] : []) + [.mlpPost, .mlpOut]
    return switch norm.place {
    case .before: [.residPre] + norm1 + attention + [.residMid] + norm2 + mlp + [.residPost]
    case .after:
      [.residPre] + attention + [.residMid] + norm1 + mlp + [.residPost] + norm2 + [.normalizedResidPost]
    }
  }

  /// The sites after the last block.
  private var headSites: [Site] {
    let norm: [Site.Kind] = [.finalScale, .finalNormalized]
    let kinds: [Site.Kind] =
      switch head.kind {
      case .none: hasFinalNorm ? norm : []
      case .nextToken: (hasFinalNorm ? norm : []) + [.unembedIn, .unembedOut]
      case .maskedToken: [.headDense] + norm + [.unembedIn, .unembedOut]
      }
    return kinds.map { Site($0) }
  }
}
