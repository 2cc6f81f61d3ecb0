import Activations
import Checkpoints
import Diagnostics
import Foundation

/// A probe experiment as a file: the concept, where its labels come from, where in a model to look, and how to judge.
///
/// A specification is YAML; `docs/probes.md` lists the keys. Those that ship lie in `probes/` and are found by their
/// plain names wherever the tool runs.
public struct ProbeSpecification: Codable, Sendable, Equatable {
  /// What an example's target is.
  public enum Target: String, Codable, Sendable, CaseIterable {
    /// Its label, as a class.
    case label
    /// Its label, as a number to regress.
    case number
    /// The number of tokens of its document, special ones aside; no labels are needed.
    case textLength = "text-length"
    /// The token's place in its document; no labels are needed.
    case position

    public var isNumber: Bool { self != .label }
  }

  /// What is looked for, in a word or two; titles and tables use it.
  public var concept: String
  /// A sentence about it; may be empty.
  public var about = ""
  /// Corpora, as a command line names them: datasets that ship, or files.
  public var dataset: [String]
  public var level = Concept.Level.document
  public var target = Target.label
  /// The document field that holds the label.
  public var label = DocumentTable.defaultLabels
  /// The label to tell from the others; nil takes the labels as they are.
  public var positive: String?
  /// As `--sites`.
  public var sites = "embed,resid_post,mlp_post"
  /// As `--layers`.
  public var layers: String?
  public var pooling = Pooling.mean
  public var classifier = ProbeSettings.Method.logistic
  /// The grid of C, chosen from in the training folds; of ridge regression 1/α. Nil takes the method's default.
  public var strengths: [Double]?
  /// The folds of the training examples that all choices are made on.
  public var folds = 5
  /// With 2 or more, nested cross-validation: every example is judged by a probe that has not seen it.
  public var outerFolds = 0
  public var controls = Control.allCases
  /// The share of examples held back to judge by, in whole groups.
  public var testShare = 0.2
  public var seed: UInt64 = 0
  /// Resamples of the bootstrap intervals.
  public var resamples = 1000
  /// Whether tokens that the tokenizer added take part.
  public var countsSpecialTokens = false

  /// Wide enough for sentence embeddings, which need C near 0.001, and for narrow models, which need C near 1.
  public static let defaultStrengths = [0.0001, 0.001, 0.01, 0.1, 1]
  /// The grid of α of ridge regression.
  public static let defaultPenalties = [1, 10, 100, 1e3, 1e4, 1e5]

  public init(concept: String, dataset: [String]) {
    self.concept = concept
    self.dataset = dataset
  }
}

extension ProbeSpecification {
  /// The settings that it stands for.
  public var settings: ProbeSettings {
    var settings = ProbeSettings(
      concept: Concept(level: level, column: label, positive: positive), pooling: pooling,
      method: target.isNumber ? .ridge : classifier,
      specialTokens: countsSpecialTokens, testShare: testShare,
      bootstrap: .init(resamples: resamples, seed: seed), seed: seed)
    settings.logistic.strengths = strengths ?? Self.defaultStrengths
    settings.ridge.penalties = strengths.map { $0.map { 1 / $0 } } ?? Self.defaultPenalties
    settings.logistic.folds = folds
    settings.outerFolds = outerFolds
    return settings
  }
}

/// A specification and the file it was read from.
public struct SpecificationFile: Sendable {
  /// The file's name without its ending.
  public var name: String
  public var url: URL
  public var specification: ProbeSpecification

  /// Reads a specification by its path or by the plain name of one that ships.
  ///
  /// - Throws: `specification.notFound` with the nearest names, and what reading throws.
  public init(named name: String) throws {
    let local = URL(filePath: name)
    if FileManager.default.fileExists(atPath: local.path) {
      try self.init(contentsOf: local)
      return
    }
    if let shipped = ShippedFiles.probes.find(name) {
      try self.init(contentsOf: shipped)
      return
    }
    let ships = Self.shippedNames
    let stem = local.lastPathComponent.split(separator: ".").first.map(String.init) ?? name
    let near = nearestNames(to: stem, among: ships)
    throw Fault(
      .noInput, "specification.notFound", "No probe specification is called \"\(name)\"", file: local.path,
      expected: "a .yaml file, or one that ships" + (ships.isEmpty ? "" : " (\(ships.joined(separator: ", ")))"),
      found: "no such file",
      advice: near.first.map { "did you mean \"\($0)\"?" } ?? "list those that ship with `unfold probe list`")
  }

  /// Reads a file.
  ///
  /// - Throws: `specification.unreadable`, `specification.syntax`, `specification.unknownKey`,
  ///   `specification.value` and their like, each with the line.
  public init(contentsOf url: URL) throws {
    let text: String
    do {
      text = try String(contentsOf: url, encoding: .utf8)
    } catch {
      throw Fault(
        .noInput, "specification.unreadable", "This specification cannot be read as UTF-8 text", file: url.path,
        expected: "a YAML file")
    }
    name = url.deletingPathExtension().lastPathComponent
    self.url = url
    specification = try ProbeSpecification(yaml: text, file: url.path)
  }

  /// The names of the specifications that ship, sorted.
  public static var shippedNames: [String] {
    ShippedFiles.probes.names.filter { name in
      ShippedFiles.probes.find(name).map { ["yaml", "yml"].contains($0.pathExtension) } ?? false
    }
  }
}
