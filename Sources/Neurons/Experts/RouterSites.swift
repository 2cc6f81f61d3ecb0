import Activations
import Diagnostics
import LinearAlgebra

/// Where a source holds a layer's routing.
struct RouterSites {
  let layer: Int
  let indices: StoredSite
  let logits: StoredSite?

  /// Those of the layers asked for, in order.
  static func find(in source: some ActivationSource, layers: Set<Int>?) throws -> [RouterSites] {
    let all = source.sites.compactMap { site -> RouterSites? in
      guard site.name.hasSuffix(".mlp.hook_expert_indices"), let layer = site.layer else { return nil }
      let logits = "blocks.\(layer).mlp.hook_router_logits"
      return RouterSites(layer: layer, indices: site, logits: source.sites.first { $0.name == logits })
    }
    guard !all.isEmpty, source.rowKind == .token else {
      throw Fault(
        .badData, "neurons.noRouter", "The source does not say which experts its tokens wake",
        expected: "sites such as blocks.0.mlp.hook_expert_indices, a row for every token",
        found: source.rowKind == .token
          ? source.sites.prefix(4).map(\.name).joined(separator: ", ") : "pooled documents",
        advice: "capture a mixture of experts with --sites expert_indices,router_logits")
    }
    let chosen = all.filter { layers?.contains($0.layer) ?? true }
    guard !chosen.isEmpty else {
      throw Fault(
        .usage, "neurons.noSuchLayer", "The source holds no experts of this layer",
        place: (layers ?? []).sorted().map { "layer \($0)" }.joined(separator: ", "),
        expected: "a layer among \(all.map { String($0.layer) }.joined(separator: ", "))", found: "none of them")
    }
    return chosen
  }

  /// How many experts there are: as the capture recorded, else as many as the router has logits or the numbers reach.
  func expertCount(_ source: some ActivationSource) throws -> Int {
    if let known = indices.routing?.experts ?? logits?.width { return known }
    var highest: Float = 0
    try source.stream([indices.name], maximumRows: 4096) { block in
      highest = max(highest, block.values[0].elements.filter(\.isFinite).max() ?? 0)
    }
    return Int(min(highest.rounded(), 1_048_576)) + 1
  }

  /// The experts that the token of a row wakes.
  func awake(_ values: Matrix, _ offset: Int, _ experts: Int, row: Int) throws -> [Int] {
    try (0..<values.columns).map { column -> Int in
      let value = values[offset, column]
      guard let expert = Int(exactly: value.rounded()), (0..<experts).contains(expert),
        abs(value.rounded() - value) < 0.25
      else {
        throw Fault(
          .badData, "neurons.expertNumber", "This is not the number of an expert",
          place: "\(indices.name), row \(row)", expected: "a whole number from 0 to \(experts - 1)", found: "\(value)",
          advice: "capture the numbers in float32, or see with `unfold store verify` whether the store is damaged")
      }
      return expert
    }
  }
}
