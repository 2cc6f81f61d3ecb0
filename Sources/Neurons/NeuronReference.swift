import Activations
import Diagnostics

/// One neuron: a column of an MLP's activations.
public struct NeuronReference: Codable, Sendable, Hashable, Comparable {
  /// The hook point's full name, such as `blocks.3.mlp.hook_post`.
  public var site: String
  public var layer: Int?
  /// The column of the site.
  public var index: Int

  public init(site: String, layer: Int?, index: Int) {
    self.site = site
    self.layer = layer
    self.index = index
  }

  public static func < (a: NeuronReference, b: NeuronReference) -> Bool {
    if a.layer != b.layer { return (a.layer ?? -1) < (b.layer ?? -1) }
    if a.site != b.site { return a.site < b.site }
    return a.index < b.index
  }
}

extension NeuronReference: CustomStringConvertible {
  /// The layer and the column, as `L3.17`; the site's name in place of the layer where there is none.
  public var description: String { layer.map { "L\($0).\(index)" } ?? "\(site).\(index)" }
}

extension ActivationSource {
  /// The sites whose columns are neurons: `mlp.hook_post` of every layer that the source holds.
  public var neuronSites: [StoredSite] { sites.filter { $0.name.hasSuffix("mlp.hook_post") } }

  /// The neuron of that number at a site.
  ///
  /// - Throws: `activations.unknownSite`, `neurons.noSuchNeuron`.
  func requireNeuron(_ neuron: NeuronReference) throws -> StoredSite {
    let site = try site(named: neuron.site)
    guard neuron.index >= 0, neuron.index < site.width else {
      throw Fault(
        .usage, "neurons.noSuchNeuron", "The site has no such neuron", place: neuron.site,
        expected: "0 to \(site.width - 1)", found: "\(neuron.index)")
    }
    return site
  }

  /// The sites named, or all that hold neurons.
  func requireNeuronSites(_ names: [String]?) throws -> [StoredSite] {
    if let names { return try names.map { try site(named: $0) } }
    let sites = neuronSites
    guard !sites.isEmpty else {
      throw Fault(
        .badData, "neurons.noNeurons", "The source holds no neurons' activations",
        expected: "sites such as blocks.0.mlp.hook_post",
        found: self.sites.isEmpty ? "no activations" : self.sites.prefix(4).map(\.name).joined(separator: ", "),
        advice: "capture with --sites mlp_post")
    }
    return sites
  }
}
