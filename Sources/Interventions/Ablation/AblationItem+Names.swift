import Architectures
import Diagnostics
import Dictionaries
import Foundation
import Neurons
import Transformer

/// What users type for what is to be taken out.
extension AblationItem {
  /// How many items one run takes.
  public static let most = 20_000

  /// Neurons: `L2.10`, of an expert `L2.E5.43`; `L2` for all of a layer's MLP.
  /// - Throws: `ablation.name`, `neurons.noSuchNeuron`.
  public static func neurons(_ list: String, in model: Model) throws -> [AblationItem] {
    try each(list, "neurons", "L2.10, L2.E5.43 of an expert, or L2 for all of a layer") { part in
      if let layer = number(part, "Ll"), part.first?.isLetter == true {
        let count = model.architecture.neurons(layer: layer) ?? 0
        guard count > 0 else {
          throw Fault(
            .usage, "ablation.noSuchPart", "The layer has no MLP of its own", place: part,
            expected: "a layer from 0 to \(model.architecture.layers - 1) with one MLP", found: part,
            advice: "name neurons of experts one by one, as L\(layer).E0.43, or an expert with --experts")
        }
        return try (0..<count).map {
          try neuron(NeuronReference(site: Site(.mlpPost, layer: layer).name, layer: layer, index: $0), in: model)
        }
      }
      return try NeuronReference(part).map { [try neuron($0, in: model)] }
    }
  }

  /// Heads: `L1.H3` or `1.3`; `L1` for all of a layer, `all` for all.
  /// - Throws: `ablation.name`, `ablation.noSuchPart`.
  public static func heads(_ list: String, in model: Model) throws -> [AblationItem] {
    func all(_ layer: Int) throws -> [AblationItem] {
      try (0..<block(layer, in: model).attention.heads).map { try head($0, layer: layer, in: model) }
    }
    return try each(list, "heads", "L1.H3, L1 for all of a layer, or all") { part in
      if part == "all" { return try (0..<model.architecture.layers).flatMap(all) }
      if part.first?.isLetter == true, let layer = number(part, "Ll") { return try all(layer) }
      return try pair(part, "Hh").map { [try head($1, layer: $0, in: model)] }
    }
  }

  /// Experts: `L2.E5` or `2.5`; `L2` for all of a layer, `all` for all.
  /// - Throws: `ablation.name`, `ablation.noSuchPart`.
  public static func experts(_ list: String, in model: Model) throws -> [AblationItem] {
    func all(_ layer: Int) throws -> [AblationItem] {
      let count = try block(layer, in: model).experts?.count ?? 0
      guard count > 0 else { return [try expert(0, layer: layer, in: model)] }
      return try (0..<count).map { try expert($0, layer: layer, in: model) }
    }
    return try each(list, "experts", "L2.E5, L2 for all of a layer, or all") { part in
      if part == "all" {
        let mixed = model.architecture.blocks.indices.filter { model.architecture.blocks[$0].experts != nil }
        guard !mixed.isEmpty else { throw Model.noExperts(model) }
        return try mixed.flatMap(all)
      }
      if part.first?.isLetter == true, let layer = number(part, "Ll") { return try all(layer) }
      return try pair(part, "Ee").map { [try expert($1, layer: $0, in: model)] }
    }
  }

  /// The layers of a list such as `0,4-8`, `last` or `all`, each made into an item.
  /// - Throws: `transformer.layers`.
  public static func layers(
    _ list: String, in model: Model, _ make: (Int, Model) throws -> AblationItem
  ) throws -> [AblationItem] {
    let names = SiteSelection(among: [], layers: model.architecture.layers, place: "model")
    let bare = parts(of: list).map { part in number(part, "Ll").map(String.init) ?? part }
    return try names.layers(bare.joined(separator: ",")).sorted().map { try make($0, model) }
  }

  /// A dictionary's features: `FOLDER:12,57`.
  /// - Throws: `ablation.name`, those of `SparseAutoencoder.load` and of `features(_:of:name:in:)`.
  public static func features(_ reference: String, in model: Model) throws -> [AblationItem] {
    let expected = "a dictionary's folder and numbers of its features, such as dictionary:12,57"
    guard let colon = reference.lastIndex(of: ":") else { throw name(reference, "features", expected, reference) }
    let numbers = try parts(of: String(reference[reference.index(after: colon)...])).map { part in
      guard let number = number(part, "") else { throw name(reference, "features", expected, part) }
      return number
    }
    let folder = URL(filePath: String(reference[..<colon]))
    return try features(
      numbers, of: SparseAutoencoder.load(folder: folder), name: folder.lastPathComponent, in: model)
  }

  private static func each(
    _ list: String, _ kind: String, _ expected: String, _ make: (String) throws -> [AblationItem]?
  ) throws -> [AblationItem] {
    try parts(of: list).flatMap { part in
      guard let items = try make(part) else { throw name(list, kind, expected, part) }
      return items
    }
  }

  private static func parts(of list: String) -> [String] {
    list.split(separator: ",", omittingEmptySubsequences: false).map { String($0.filter { !$0.isWhitespace }) }
  }

  private static func name(_ list: String, _ kind: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .usage, "ablation.name", "This names no \(kind)", place: list, expected: expected,
      found: found.isEmpty ? "an empty part" : "\"\(found)\"")
  }

  /// A number, with or without one of some letters before it.
  private static func number(_ text: some StringProtocol, _ letters: String) -> Int? {
    let digits = text.first.map { letters.contains($0) } == true ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(digits)
  }

  /// A layer and a number in it.
  private static func pair(_ text: String, _ letters: String) -> (Int, Int)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let layer = number(parts[0], "Ll"), let own = number(parts[1], letters) else { return nil }
    return (layer, own)
  }
}
