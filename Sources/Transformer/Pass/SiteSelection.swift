import Diagnostics

extension Configuration {
  /// Shorthands for kinds of sites, as users type them.
  static let shorthands: [(name: String, kind: Site.Kind)] = [
    ("embed", .embed), ("pos_embed", .positionEmbed), ("token_type_embed", .tokenTypeEmbed),
    ("full_embed", .fullEmbed), ("resid_pre", .residPre), ("resid_mid", .residMid), ("resid_post", .residPost),
    ("normalized_resid_post", .normalizedResidPost), ("q", .query), ("k", .key), ("v", .value),
    ("rot_q", .rotatedQuery), ("rot_k", .rotatedKey), ("attn_scores", .scores), ("pattern", .pattern), ("z", .mixed),
    ("result", .result), ("attn_out", .attentionOut), ("mlp_in", .mlpIn), ("mlp_pre", .mlpPre),
    ("mlp_pre_linear", .mlpPreLinear), ("mlp_post", .mlpPost), ("mlp_out", .mlpOut), ("ln1_scale", .norm1Scale),
    ("ln1_normalized", .norm1Normalized), ("ln2_scale", .norm2Scale), ("ln2_normalized", .norm2Normalized),
    ("ln_final_scale", .finalScale), ("ln_final_normalized", .finalNormalized), ("logits", .unembedOut),
  ]

  /// The sites that a user named, each once, in the order of the forward pass.
  ///
  /// - Parameters:
  ///   - names: Shorthands (`resid_post`), full names (`blocks.3.hook_resid_post`) and names with `*` for any run of
  ///     characters (`blocks.*.mlp.hook_post`), separated by commas.
  ///   - layers: Which layers shorthands and names with `*` speak of: `all` (or `*`), `last`, and numbers and ranges
  ///     such as `0,4-8`. nil: all. Sites outside the blocks are not affected.
  /// - Throws: `Fault` of the kind `usage`: `transformer.unknownSite`, which lists names near the one given, and
  ///   `transformer.layers`.
  public func select(sites names: String, layers: String? = nil) throws -> [Site] {
    let all = sites
    let layers = try select(layers: layers ?? "all")
    var chosen = Set<Site>()
    for part in names.split(separator: ",", omittingEmptySubsequences: false) {
      let name = part.filter { !$0.isWhitespace }
      chosen.formUnion(try sites(called: name, among: all, layers: layers))
    }
    return all.filter(chosen.contains)
  }

  /// The layers that a user named; see `select(sites:layers:)`.
  public func select(layers text: String) throws -> Set<Int> {
    var chosen = Set<Int>()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = part.filter { !$0.isWhitespace }
      switch part {
      case "all", "*": chosen.formUnion(0..<self.layers)
      case "last": chosen.insert(self.layers - 1)
      default:
        let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last,
          last < self.layers
        else {
          throw Fault(
            .usage, "transformer.layers", "These layers cannot be chosen", place: part.isEmpty ? "an empty part" : part,
            expected: "all, last, or numbers and ranges from 0 to \(self.layers - 1), such as 0,\(self.layers - 1)",
            found: text)
        }
        chosen.formUnion(first...last)
      }
    }
    return chosen
  }

  private func sites(called name: String, among all: [Site], layers: Set<Int>) throws -> [Site] {
    if let shorthand = Self.shorthands.first(where: { $0.name == name }) {
      let found = all.filter { $0.kind == shorthand.kind }
      if !found.isEmpty { return found.filter { $0.layer.map(layers.contains) ?? true } }
    } else if name.contains("*") {
      let found = all.filter { matches($0.name, pattern: name) }
      if !found.isEmpty { return found.filter { $0.layer.map(layers.contains) ?? true } }
    } else if let site = all.first(where: { $0.name == name }) {
      return [site]
    }
    throw unknownSite(name, among: all)
  }

  private func unknownSite(_ name: String, among all: [Site]) -> Fault {
    let kinds = Set(all.map(\.kind))
    let shorthands = Self.shorthands.filter { kinds.contains($0.kind) }.map(\.name)
    let near = nearestNames(to: name, among: all.map(\.name) + shorthands, limit: 4)
    let advice =
      near.isEmpty
      ? "choose one of: \(shorthands.joined(separator: ", "))" : "did you mean \(near.joined(separator: ", "))?"
    return Fault(
      .usage, "transformer.unknownSite", "This model has no such site", place: name.isEmpty ? "an empty name" : name,
      expected: "a shorthand (resid_post, mlp_post …), a full name, or a name with *", advice: advice)
  }
}
