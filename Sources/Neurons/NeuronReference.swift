import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

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
  /// The layer and the column, as `L3.17`, with the expert between them, as `L3.E5.17`; the site's name in place of the
  /// layer where there is none.
  public var description: String {
    layer.map { "L\($0)." + (expert.map { "E\($0)." } ?? "") + "\(index)" } ?? "\(site).\(index)"
  }
}

extension NeuronReference {
  /// The expert that the neuron belongs to, by its site's name; nil for a layer's own MLP.
  public var expert: Int? {
    StoredSite.expert(inName: site)
  }

  /// A neuron as people write it: `L3.17` (layer and column), with an expert `L3.E5.17`, or a site's full name and the
  /// column, `blocks.3.mlp.hook_post.17`. Nil where the text is none of these.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    func number(_ part: Substring, _ letters: String) -> Int? {
      let digits = part.first.map { letters.contains($0) } == true ? part.dropFirst() : part
      guard !digits.isEmpty, digits.allSatisfy(\.isASCII), digits.allSatisfy(\.isNumber) else { return nil }
      return Int(digits)
    }
    guard parts.count >= 2, let last = parts.last, let index = number(last, "") else { return nil }
    let layer = number(parts[0], "Ll")
    if parts.count == 2, let layer {
      self.init(site: Site(.mlpPost, layer: layer).name, layer: layer, index: index)
    } else if parts.count == 3, let layer, "Ee".contains(parts[1].first ?? " "), let expert = number(parts[1], "Ee") {
      self.init(site: Site(.expertPost, layer: layer, expert: expert).name, layer: layer, index: index)
    } else {
      guard parts.allSatisfy({ !$0.isEmpty }), layer == nil || parts.count > 3 else { return nil }
      self.init(
        site: parts.dropLast().joined(separator: "."),
        layer: parts.count > 2 && parts[0] == "blocks" ? number(parts[1], "") : nil, index: index)
    }
  }

  /// The neuron's layer, once the model is known to have the neuron.
  /// - Throws: `Fault` named `neurons.noSuchNeuron`.
  func requireLayer(in model: Model) throws -> Int {
    let layers = model.architecture.layers
    let count = layer.flatMap { model.architecture.neurons(layer: $0, expert: expert) }
    guard let layer, let count, (0..<count).contains(index) else {
      throw Fault(
        .usage, "neurons.noSuchNeuron", "The model has no such neuron", place: description,
        expected: "a layer from 0 to \(layers - 1)" + place(in: model)
          + (count.map { " and a neuron from 0 to \($0 - 1)" } ?? ""),
        found: "layer \(layer.map(String.init) ?? "none")" + (expert.map { ", expert \($0)" } ?? "")
          + ", neuron \(index)")
    }
    return layer
  }

  /// Which experts the neuron's layer has, in words; nothing where an expert is neither named nor needed.
  private func place(in model: Model) -> String {
    guard let layer, model.architecture.blocks.indices.contains(layer) else { return "" }
    let block = model.architecture.blocks[layer]
    guard let experts = block.experts else { return expert == nil ? "" : ", which has no experts," }
    return ", with an expert from E0 to E\(experts.count - 1),"
  }
}

extension Model {
  /// What decides when each neuron fires: the gate's weights where there is one, else the input's. Shape: [d_mlp, d_model].
  func neuronReadingWeights(layer: Int, expert: Int? = nil) throws -> Matrix {
    try neuronGateWeights(layer: layer, expert: expert) ?? neuronInputWeights(layer: layer, expert: expert)
  }
}

extension [StoredSite] {
  /// Those whose columns are neurons of a layer's MLP or of an expert.
  var neuronSites: [StoredSite] {
    filter { $0.name.hasSuffix(".mlp.hook_post") || $0.expert != nil && $0.name.hasSuffix(".hook_post") }
  }
}

extension Architecture {
  /// What users type for the sites of all neurons: `mlp_post`, in a mixture of experts `expert_post`, or both.
  public var neuronSiteNames: String {
    [
      blocks.contains { $0.mlp != nil } ? "mlp_post" : nil, blocks.contains { $0.experts != nil } ? "expert_post" : nil,
    ].compactMap(\.self).joined(separator: ",")
  }
}

extension ActivationSource {
  /// The sites whose columns are neurons: `mlp.hook_post` of every layer, or of every expert, that the source holds.
  public var neuronSites: [StoredSite] { sites.neuronSites }

  /// The neurons' sites that a user named; all, unless named.
  ///
  /// - Throws: `neurons.noNeurons`, `transformer.unknownSite`, `transformer.layers`.
  public func select(neurons names: String?, layers: String?) throws -> [StoredSite] {
    if let names { return try select(sites: names, layers: layers) }
    let all = neuronSites
    guard !all.isEmpty else { throw noSites }
    let kinds = [
      all.contains { $0.expert == nil } ? "mlp_post" : nil, all.contains { $0.expert != nil } ? "expert_post" : nil,
    ]
    return try select(sites: kinds.compactMap(\.self).joined(separator: ","), layers: layers)
  }

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

  /// Gives `body` a neuron's activation at each row where it has one, with the row's number and document, in one pass.
  ///
  /// - Throws: `activations.unknownSite`, `neurons.noSuchNeuron`.
  func stream(
    _ neuron: NeuronReference, specialTokens: Bool, _ body: (_ row: Int, _ document: Int, _ value: Float) -> Void
  ) throws {
    let width = try requireNeuron(neuron).width
    try streamRouted([neuron.site], maximumRows: max(64, (4 << 20) / max(width, 1))) { block in
      let documents = rowKind == .token ? try tokens(in: block.rows).documents : nil
      let places = Set(try places(in: block.rows, countingSpecialTokens: specialTokens))
      for (offset, row) in block.rowNumbers(0).enumerated() where places.contains(row - block.rows.lowerBound) {
        body(
          row, documents.map { Int($0[row - block.rows.lowerBound]) } ?? row,
          block.values[0].elements[offset * width + neuron.index])
      }
    }
  }

  /// The sites named, or all that hold neurons.
  func requireNeuronSites(_ names: [String]?) throws -> [StoredSite] {
    if let names { return try names.map { try site(named: $0) } }
    let sites = neuronSites
    guard !sites.isEmpty else { throw noSites }
    return sites
  }

  var noSites: Fault {
    Fault(
      .badData, "neurons.noNeurons", "The source holds no neurons' activations",
      expected: "sites such as blocks.0.mlp.hook_post",
      found: sites.isEmpty ? "no activations" : sites.prefix(4).map(\.name).joined(separator: ", "),
      advice: "capture with --sites mlp_post, or expert_post in a mixture of experts")
  }
}
