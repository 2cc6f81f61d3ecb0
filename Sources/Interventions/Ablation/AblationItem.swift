import Architectures
import Diagnostics
import Dictionaries
import Neurons
import Transformer

/// Something to take out of a model: a neuron, a head, a layer, an expert, a dictionary's feature, or a direction.
public struct AblationItem: Sendable {
  /// What it is called: `L2.10`, `L1.H3`, `L2.attention`, `L2.E5`, `sae:12`, `sae:12 at blocks.2.hook_resid_post` of a direction.
  public let what: String
  /// What is changed, in the order of the pass.
  let places: [Place]

  /// Values at a site that are put in the place of what stands there.
  struct Place: Sendable {
    enum Content: Sendable {
      /// Elements of a row.
      case columns(Range<Int>)
      /// The part of a row along a direction.
      case direction([Float])
      /// What a dictionary's latent adds to a row: its activation times the direction.
      case latent(LatentReader, Int, [Float])
    }
    let site: Site
    let content: Content

    /// How many numbers of a token are replaced.
    var width: Int { if case .columns(let columns) = content { columns.count } else { 1 } }
  }

  /// A dictionary that is read once a run, for all its latents together.
  final class LatentReader: Sendable {
    let dictionary: SparseAutoencoder
    let input: Site

    init(_ dictionary: SparseAutoencoder, input: Site) {
      self.dictionary = dictionary
      self.input = input
    }
  }

  private init(_ what: String, _ places: [Place]) {
    self.what = what
    self.places = places
  }

  /// The first layer that it changes; nil where that lies before or behind the blocks.
  var firstLayer: Int? {
    let layers = places.map { $0.site.layer }
    return layers.contains(nil) ? nil : layers.compactMap(\.self).min()
  }
}

// MARK: - Making

extension AblationItem {
  /// A neuron of an MLP, or of an expert.
  /// - Throws: `neurons.noSuchNeuron`.
  public static func neuron(_ neuron: NeuronReference, in model: Model) throws -> AblationItem {
    let layer = try neuron.requireLayer(in: model)
    let site = neuron.expert.map { Site(.expertPost, layer: layer, expert: $0) } ?? Site(.mlpPost, layer: layer)
    return AblationItem(
      "\(neuron)", [Place(site: site, content: .columns(neuron.index..<neuron.index + 1))])
  }

  /// A head: its mixed values, `attn.hook_z`.
  /// - Throws: `ablation.noSuchPart`.
  public static func head(_ head: Int, layer: Int, in model: Model) throws -> AblationItem {
    let shape = try block(layer, in: model).attention
    guard (0..<shape.heads).contains(head) else {
      throw noSuchPart("L\(layer).H\(head)", "a head from 0 to \(shape.heads - 1)", "head \(head)")
    }
    let first = head * shape.valueWidth
    return AblationItem(
      "L\(layer).H\(head)",
      [Place(site: Site(.mixed, layer: layer), content: .columns(first..<first + shape.valueWidth))])
  }

  /// All that a layer's attention adds to the stream.
  /// - Throws: `ablation.noSuchPart`.
  public static func attention(layer: Int, in model: Model) throws -> AblationItem {
    _ = try block(layer, in: model)
    return AblationItem("L\(layer).attention", [whole(.attentionOut, layer, model)])
  }

  /// All that a layer's MLP, or its experts together, adds to the stream.
  /// - Throws: `ablation.noSuchPart`.
  public static func mlp(layer: Int, in model: Model) throws -> AblationItem {
    _ = try block(layer, in: model)
    return AblationItem("L\(layer).mlp", [whole(.mlpOut, layer, model)])
  }

  /// All that a layer adds to the stream: its attention's output and its MLP's.
  /// - Throws: `ablation.noSuchPart`.
  public static func layer(_ layer: Int, in model: Model) throws -> AblationItem {
    _ = try block(layer, in: model)
    return AblationItem("L\(layer)", [whole(.attentionOut, layer, model), whole(.mlpOut, layer, model)])
  }

  /// An expert: all its neurons, where it is awake.
  /// - Throws: `ablation.noSuchPart`.
  public static func expert(_ expert: Int, layer: Int, in model: Model) throws -> AblationItem {
    let what = "L\(layer).E\(expert)"
    guard let experts = try block(layer, in: model).experts else {
      throw noSuchPart(what, "a layer with experts", "layer \(layer), which has one MLP")
    }
    guard (0..<experts.count).contains(expert) else {
      throw noSuchPart(what, "an expert from 0 to \(experts.count - 1)", "expert \(expert)")
    }
    return AblationItem(
      what,
      [
        Place(
          site: Site(.expertPost, layer: layer, expert: expert), content: .columns(0..<experts.expert.neurons))
      ])
  }

  /// Features of a dictionary: what each adds to the dictionary's output is taken out of the activation, and what the
  /// dictionary does not explain stays.
  ///
  /// - Parameter name: What the dictionary is called in results.
  /// - Throws: those of `Direction.feature`; `ablation.crosscoder`.
  public static func features(
    _ features: [Int], of dictionary: SparseAutoencoder, name: String, in model: Model
  ) throws -> [AblationItem] {
    guard !dictionary.isCrosscoder else {
      throw Fault(
        .usage, "ablation.crosscoder", "A crosscoder's feature is no part of one site's activation", place: name,
        expected: "a dictionary or a transcoder", found: "a crosscoder of \(dictionary.configuration.hookIn)",
        advice: "project its direction out with --directions \(name):FEATURE")
    }
    let reader = LatentReader(
      dictionary, input: try dictionary.site(dictionary.configuration.hookIn, width: dictionary.inputWidth, in: model))
    return try features.map { feature in
      let what = "\(name):\(feature)"
      guard let direction = try Direction.feature(feature, of: dictionary, name: what, in: model).first else {
        throw noSuchPart(what, "a feature that writes something", "none")
      }
      try requireRow(direction.site, what)
      try requireRow(reader.input, what)
      return AblationItem(
        what, [Place(site: direction.site, content: .latent(reader, feature, direction.values))])
    }
  }

  /// The part of a site's rows along a direction.
  /// - Throws: `ablation.noRow` where the site has not one row for every token.
  public static func direction(_ direction: Direction) throws -> AblationItem {
    try requireRow(direction.site, direction.name)
    return AblationItem(
      "\(direction.name) at \(direction.site.name)",
      [Place(site: direction.site, content: .direction(direction.unit))])
  }

  /// Several items taken out in one run.
  /// - Precondition: There is one at least.
  public static func together(_ items: [AblationItem], called what: String? = nil) -> AblationItem {
    precondition(!items.isEmpty, "no items")
    let places = items.flatMap(\.places)
    return AblationItem(
      what ?? items.map(\.what).joined(separator: " + "),
      places.enumerated().sorted { ($0.element.site, $0.offset) < ($1.element.site, $1.offset) }.map(\.element))
  }

  private static func whole(_ kind: Site.Kind, _ layer: Int, _ model: Model) -> Place {
    Place(site: Site(kind, layer: layer), content: .columns(0..<model.architecture.width))
  }

  static func block(_ layer: Int, in model: Model) throws -> Block {
    guard model.architecture.blocks.indices.contains(layer) else {
      throw noSuchPart("L\(layer)", "a layer from 0 to \(model.architecture.layers - 1)", "layer \(layer)")
    }
    return model.architecture.blocks[layer]
  }

  private static func noSuchPart(_ place: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .usage, "ablation.noSuchPart", "The model has no such part", place: place, expected: expected, found: found,
      advice: "`unfold anatomy MODEL` lists what it is made of")
  }

  private static func requireRow(_ site: Site, _ what: String) throws {
    let inGroups: Set<Site.Kind> = [.scores, .pattern, .result, .unembedOut]
    guard site.expert != nil || inGroups.contains(site.kind) else { return }
    throw Fault(
      .usage, "ablation.noRow", "Nothing can be taken out at this site", place: site.name,
      expected: "a site that has one row for every token, such as hook_resid_post", found: what)
  }
}
