import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

/// A direction at a site of a model: what is added to its activations, taken out of them, or read from them.
public struct Direction: Sendable {
  /// Where a direction comes from.
  public enum Kind: String, Sendable, Codable {
    /// The weights of a linear probe.
    case probe
    /// What a feature of a dictionary adds for each unit of its activation.
    case feature
    /// A tensor of a safetensors file.
    case vector
    /// One layer of a control vector in GGUF, as repeng and llama.cpp know them.
    case controlVector = "control_vector"
    /// The mean activation of some prompts less that of others.
    case contrast
    /// Drawn by chance, to compare with.
    case random
  }

  /// What the user called it.
  public let name: String
  public let kind: Kind
  public let site: Site
  /// Finite and not all zero. Shape: [width of a row of the site].
  public let values: [Float]
  /// The feature that the direction is of, where it is one's, with what reads its activation.
  public let feature: DictionaryFeature?

  /// A direction, held against the model's site.
  ///
  /// - Throws: `Fault`: `direction.width`, `direction.notFinite`, `direction.zero`, `transformer.unknownSite`.
  public init(
    _ values: [Float], name: String, kind: Kind, at site: Site, in model: Model, feature: DictionaryFeature? = nil
  ) throws {
    guard model.architecture.has(site) else {
      throw Fault(
        .usage, "transformer.unknownSite", "This model has no such site", place: site.name,
        expected: "a site of this architecture (\(model.architecture.modelType), \(model.architecture.layers) layers)",
        advice: nearestNames(to: site.name, among: model.architecture.sites.map(\.name)).first.map {
          "did you mean \($0)?"
        })
    }
    let width = model.architecture.shape(of: site).width
    guard width == values.count else {
      throw Fault(
        .badData, "direction.width", "The direction has another width than the model's site", file: name,
        place: site.name, expected: width.map { "\($0) numbers" } ?? "a site whose rows have one width in every text",
        found: "\(values.count) numbers", advice: "check that model and site are those that the direction belongs to")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Fault(
        .badData, "direction.notFinite", "The direction holds a number that is NaN or infinite", file: name,
        place: "element \(bad)", expected: "finite numbers", found: "\(values[bad])")
    }
    guard values.contains(where: { $0 != 0 }) else {
      throw Fault(
        .badData, "direction.zero", "All numbers of the direction are zero", file: name, place: site.name,
        expected: "a vector that points somewhere", found: "\(values.count) zeros")
    }
    self.name = name
    self.kind = kind
    self.site = site
    self.values = values
    self.feature = feature
  }

  /// The Euclidean norm.
  public var norm: Double {
    values.withUnsafeBufferPointer { values in
      values.baseAddress.map { Kernels.dotInDouble($0, $0, count: values.count).squareRoot() } ?? 0
    }
  }

  /// The direction with norm 1. Shape: [width].
  public var unit: [Float] {
    let norm = norm
    return values.map { Float(Double($0) / norm) }
  }

  /// A direction of the same norm at the same site, drawn by chance: what any vector of this length does.
  public func random(seed: UInt64, in model: Model) throws -> Direction {
    var generator = SeededGenerator(seed: seed, stream: "random direction \(site.name)")
    let values = self.values.map { _ in generator.normal() }
    let scale = norm / values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return try Direction(
      values.map { Float($0 * scale) }, name: "random like \(name)", kind: .random, at: site, in: model)
  }

  /// The same numbers at another site, where they mean the same: sites of the residual stream, and what is added to it,
  /// share their axes.
  ///
  /// - Throws: `Fault` named `direction.otherSite` where the site's axes are others.
  public func moved(to other: Site, in model: Model) throws -> Direction {
    guard site != other else { return self }
    guard site.kind.isInStream && other.kind.isInStream else {
      throw Fault(
        .usage, "direction.otherSite", "The direction belongs to another site", file: name,
        expected: site.kind.isInStream ? "\(site.name), or another site of the residual stream" : site.name,
        found: other.name, advice: "name the direction's own site, or leave the sites out")
    }
    return try Direction(values, name: name, kind: kind, at: other, in: model, feature: feature)
  }
}

extension Site.Kind {
  /// Whether a row is the residual stream, or is added to it: all such rows share their axes.
  public var isInStream: Bool {
    switch self {
    case .embed, .fullEmbed, .residPre, .residMid, .residPost, .attentionOut, .mlpOut: true
    default: false
    }
  }
}
