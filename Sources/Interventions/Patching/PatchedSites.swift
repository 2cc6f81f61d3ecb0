import Architectures
import Diagnostics
import Transformer

/// One kind of site in several layers, and how its values are cut into cells of a grid.
struct PatchedSites: Sendable {
  /// In the order of the pass.
  let sites: [Site]
  /// Whether each position is a cell of its own; if not, all positions are patched together.
  let byPosition: Bool
  /// Which components of a row (heads, neurons) are cells of their own; nil: the whole row is patched.
  let parts: [Int]?
  /// What a component is called: `head`, `key_value_head`, `neuron`.
  let partName: String?

  /// The name without the layer.
  var name: String {
    let full = sites[0].name
    return sites[0].layer.map { full.replacing("blocks.\($0).", with: "", maxReplacements: 1) } ?? full
  }

  /// Where a run must begin to see an edit of the site, and whether the edit is one of the stream it begins with.
  static func start(of site: Site) -> (layer: Int?, editsStream: Bool) { (site.layer, site.kind == .residPre) }
}

extension Architecture {
  /// Groups sites by kind, and says how the cells of each are cut.
  ///
  /// - Parameters:
  ///   - over: What cells are; nil: heads where the site has heads, else positions.
  ///   - parts: The heads or neurons that are patched; nil: all.
  /// - Throws: `Fault` named `patching.site` for sites that cannot be patched, `patching.part` for parts that are not.
  func patchedSites(_ chosen: [Site], over: Patching.Over?, parts: [Int]?) throws -> [PatchedSites] {
    if let site = chosen.first(where: { $0.layer == nil && $0.kind > .fullEmbed }) {
      throw Fault(
        .usage, "patching.site", "Values of the head are not patched", place: site.name,
        expected: "a site of the embeddings or of a layer, such as resid_pre, z or mlp_post")
    }
    var groups: [[Site]] = []
    for site in chosen {
      let same = groups.firstIndex { $0[0].kind == site.kind && $0[0].expert == site.expert }
      if let same { groups[same].append(site) } else { groups.append([site]) }
    }
    return try groups.map { sites in
      let shape = shape(of: sites[0])
      let hasHeads = shape.axes.count > 1
      let over = over ?? (hasHeads ? .parts : .positions)
      guard over.contains(.parts) else {
        return PatchedSites(sites: sites, byPosition: over.contains(.positions), parts: nil, partName: nil)
      }
      let count = sites.map { self.shape(of: $0).lengths[0] ?? 0 }.min() ?? 0
      if let part = parts?.first(where: { !(0..<count).contains($0) }) {
        throw Fault(
          .usage, "patching.part", hasHeads ? "The layer has no such head" : "The layer has no such neuron",
          place: sites[0].name, expected: "a number from 0 to \(count - 1)", found: "\(part)")
      }
      let name = !hasHeads ? "neuron" : shape.axes[0] == "key_value_heads" ? "key_value_head" : "head"
      return PatchedSites(
        sites: sites, byPosition: over.contains(.positions), parts: parts ?? Array(0..<count), partName: name)
    }
  }
}
