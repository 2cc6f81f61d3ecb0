import Architectures
import Diagnostics

/// Chooses among the sites of a model, or of a store made with one, by what users type.
public struct SiteSelection: Sendable {
  /// A site to choose from.
  public struct Candidate: Sendable {
    public let name: String
    /// The block's number; nil outside the blocks.
    public let layer: Int?

    public init(name: String, layer: Int?) {
      self.name = name
      self.layer = layer
    }

    /// The name without the block's number, or without the module of normalized embeddings.
    fileprivate var suffix: Substring {
      if let layer, name.hasPrefix("blocks.\(layer).") { return name.dropFirst("blocks.\(layer).".count) }
      return name.hasPrefix("embed.") ? name.dropFirst("embed.".count) : name[...]
    }
  }

  public let candidates: [Candidate]
  /// The model's number of layers.
  public let layers: Int
  /// What messages call the place where the sites are, such as "model".
  public let place: String

  public init(among candidates: [Candidate], layers: Int, place: String) {
    self.candidates = candidates
    self.layers = layers
    self.place = place
  }

  /// Shorthands for kinds of sites, as users type them; `*` in a name stands for any expert.
  static let shorthands: [(name: String, suffix: String)] = {
    var seen = Set<Site.Kind>()
    return (SiteTable.embedding + SiteTable.block + SiteTable.head).compactMap { row in
      guard let shorthand = row.shorthand, seen.insert(row.kind).inserted else { return nil }
      return (shorthand, row.name.replacing("{e}", with: "*"))
    }
  }()

  /// The indices of the candidates that a user named, ascending.
  ///
  /// - Parameters:
  ///   - names: Shorthands (`resid_post`), full names (`blocks.3.hook_resid_post`) and names with `*` for any run of
  ///     characters (`blocks.*.mlp.hook_post`), separated by commas.
  ///   - layers: Which layers shorthands and names with `*` speak of: `all` (or `*`), `last`, and numbers and ranges
  ///     such as `0,4-8`. nil: all. Sites outside the blocks are not affected.
  /// - Throws: `Fault` of the kind `usage`: `transformer.unknownSite`, which lists names near the one given, and
  ///   `transformer.layers`.
  public func indices(names: String, layers: String? = nil) throws -> [Int] {
    let layers = try self.layers(layers ?? "all")
    var chosen = Set<Int>()
    for part in names.split(separator: ",", omittingEmptySubsequences: false) {
      chosen.formUnion(try indices(called: part.filter { !$0.isWhitespace }, layers: layers))
    }
    return chosen.sorted()
  }

  /// The layers that a user named; see `indices(names:layers:)`.
  public func layers(_ text: String) throws -> Set<Int> {
    var chosen = Set<Int>()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = part.filter { !$0.isWhitespace }
      switch part {
      case "all", "*": chosen.formUnion(0..<layers)
      case "last": chosen.insert(layers - 1)
      default:
        let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last, last < layers
        else {
          throw Fault(
            .usage, "transformer.layers", "These layers cannot be chosen", place: part.isEmpty ? "an empty part" : part,
            expected: "all, last, or numbers and ranges from 0 to \(layers - 1), such as 0,\(layers - 1)",
            found: text)
        }
        chosen.formUnion(first...last)
      }
    }
    return chosen
  }

  private func indices(called name: String, layers: Set<Int>) throws -> [Int] {
    let found: [Int]
    if let shorthand = Self.shorthands.first(where: { $0.name == name }) {
      found = candidates.indices.filter { matches(String(candidates[$0].suffix), pattern: shorthand.suffix) }
    } else if name.contains("*") {
      found = candidates.indices.filter { matches(candidates[$0].name, pattern: name) }
    } else if let index = candidates.firstIndex(where: { $0.name == name }) {
      return [index]
    } else {
      found = []
    }
    guard !found.isEmpty else { throw unknownSite(name) }
    return found.filter { candidates[$0].layer.map(layers.contains) ?? true }
  }

  private func unknownSite(_ name: String) -> Fault {
    let suffixes = Set(candidates.map(\.suffix))
    let shorthands = Self.shorthands.filter { shorthand in
      suffixes.contains { matches(String($0), pattern: shorthand.suffix) }
    }.map(\.name)
    let near = nearestNames(to: name, among: candidates.map(\.name) + shorthands, limit: 4)
    let advice =
      near.isEmpty
      ? "choose one of: \(shorthands.joined(separator: ", "))" : "did you mean \(near.joined(separator: ", "))?"
    return Fault(
      .usage, "transformer.unknownSite", "This \(place) has no such site",
      place: name.isEmpty ? "an empty name" : name,
      expected: "a shorthand (resid_post, mlp_post …), a full name, or a name with *", advice: advice)
  }
}

extension Architecture {
  /// The sites that a user named, each once, in the order of the forward pass; see `SiteSelection.indices(names:layers:)`.
  public func select(sites names: String, layers: String? = nil) throws -> [Site] {
    let all = sites
    let selection = SiteSelection(
      among: all.map { .init(name: $0.name, layer: $0.layer) }, layers: self.layers, place: "model")
    return try selection.indices(names: names, layers: layers).map { all[$0] }
  }
}
