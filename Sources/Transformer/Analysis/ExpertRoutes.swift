import Architectures
import Diagnostics
import Foundation

/// Which experts of one layer the tokens of a text wake, and how strongly.
public struct ExpertRoutes: Sendable, Equatable, Codable {
  public struct Choice: Sendable, Equatable, Codable {
    public var expert: Int
    /// What the expert's result is multiplied by.
    public var weight: Float
  }

  public var layer: Int
  /// How many experts the layer has.
  public var experts: Int
  /// For each token its experts, in the order of the router's choice.
  public var tokens: [[Choice]]
}

extension Model {
  /// Where each layer's router sends the tokens of a text.
  ///
  /// - Parameter layers: only these; all that have experts, unless given.
  /// - Throws: `transformer.noExperts` where the model, or every layer asked for, has none.
  public func expertRoutes(
    of tokens: [Int32], layers: Set<Int>? = nil, hooks: [Hook] = []
  ) throws -> [ExpertRoutes] {
    let mixed = architecture.blocks.indices.filter { architecture.blocks[$0].experts != nil }
    let wanted = mixed.filter { layers?.contains($0) ?? true }
    guard !mixed.isEmpty else { throw Self.noExperts(self) }
    guard !wanted.isEmpty else {
      throw Fault(
        .usage, "transformer.noExperts", "The layers asked for have no experts", place: folder.lastPathComponent,
        expected: "a layer among \(mixed.map(String.init).joined(separator: ", "))",
        found: "layer \((layers ?? []).sorted().map(String.init).joined(separator: ", "))")
    }
    var weights = [Int: [[Float]]]()
    var routes: [ExpertRoutes] = []
    let reads = wanted.flatMap { layer in
      [
        Hook(Site(.expertWeights, layer: layer)) { value in weights[layer] = value.rows.map { value.row($0) } },
        Hook(Site(.expertIndices, layer: layer)) { [architecture] value in
          routes.append(
            ExpertRoutes(
              layer: layer, experts: architecture.blocks[layer].experts?.count ?? 0,
              tokens: value.rows.map { token in
                zip(value.row(token), weights[layer]?[token] ?? []).map {
                  ExpertRoutes.Choice(expert: Int(exactly: $0.rounded()) ?? -1, weight: $1)
                }
              }))
        },
      ]
    }
    try run(TokenBatch(documents: [tokens]), hooks: hooks + reads)
    return routes
  }

  /// That a model is no mixture of experts.
  public static func noExperts(_ model: Model) -> Fault {
    Fault(
      .usage, "transformer.noExperts", "The model is no mixture of experts", place: model.folder.lastPathComponent,
      expected: "a model whose layers have experts, such as Mixtral, OLMoE or Qwen 3 MoE",
      found: "\(model.architecture.layers) layers with one MLP each",
      advice: "look at its neurons instead, with `unfold neurons top`")
  }
}
