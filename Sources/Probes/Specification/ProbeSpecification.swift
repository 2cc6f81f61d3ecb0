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
  /// How the classes are told apart; several are compared at every site. Numbers are predicted by ridge regression.
  public var classifiers = [ProbeSettings.Method.logistic]
  /// What holds the weights of logistic regression back.
  public var penalty = LogisticRegression.Penalty.l2
  /// The share of ‖w‖₁ in the penalty of an elastic net, 0 to 1.
  public var l1Ratio = 0.5
  /// Whether the examples of rare classes count more.
  public var classWeights = ClassWeights.none
  /// Where the line between two classes lies.
  public var threshold = MassMean.Threshold.midpoint
  /// How a k-sparse probe chooses its columns.
  public var selector = ColumnSelector.meanDifference
  /// The numbers of columns that k-sparse probes try, and of components that principal components do; nil takes the
  /// method's default.
  public var columns: [Int]?
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
  /// The methods compared: ridge regression for numbers, else the classifiers, each once.
  public var methods: [ProbeSettings.Method] {
    guard !target.isNumber else { return [.ridge] }
    var methods: [ProbeSettings.Method] = []
    for classifier in classifiers where !methods.contains(classifier) { methods.append(classifier) }
    return methods.isEmpty ? [.logistic] : methods
  }

  /// The settings that it stands for, with the first of its methods.
  public var settings: ProbeSettings {
    var settings = ProbeSettings(
      concept: Concept(level: level, column: label, positive: positive), pooling: pooling, method: methods[0],
      threshold: threshold, specialTokens: countsSpecialTokens, testShare: testShare, outerFolds: outerFolds,
      bootstrap: .init(resamples: resamples, seed: seed), seed: seed)
    settings.logistic.strengths = strengths ?? Self.defaultStrengths
    settings.logistic.penalty = penalty
    settings.logistic.l1Ratio = l1Ratio
    settings.logistic.classWeights = classWeights
    settings.logistic.folds = folds
    settings.ridge.penalties = strengths.map { $0.map { 1 / $0 } } ?? Self.defaultPenalties
    settings.sparse.selector = selector
    if let columns {
      settings.sparse.counts = columns
      settings.components.counts = columns
    }
    return settings
  }

  /// A key whose value says nothing, or contradicts another.
  struct Conflict {
    var key: Key
    var problem: String
    var expected: String
    var found: String
  }

  /// What no single key can be wrong in.
  ///
  /// - Parameter isSet: whether a key was given; one that kept its default contradicts nothing.
  func conflict(isSet: (Key) -> Bool) -> Conflict? {
    if target == .position, level != .token {
      return Conflict(
        key: .target, problem: "A position is a token's, not a document's", expected: "level: token", found: "document")
    }
    if target == .textLength, level != .document {
      return Conflict(
        key: .target, problem: "A length is a document's, not a token's", expected: "level: document", found: "token")
    }
    if isSet(.classifier), let wrong = classifiers.first(where: { $0.predictsNumbers != target.isNumber }) {
      return Conflict(
        key: .classifier,
        problem: target.isNumber
          ? "A number is predicted by ridge regression" : "This method predicts numbers, not labels",
        expected: target.isNumber ? "classifier: ridge" : "target: number, or another classifier",
        found: wrong.rawValue)
    }
    if target.isNumber, let positive, isSet(.positive) || isSet(.target) {
      return Conflict(
        key: isSet(.positive) ? .positive : .target, problem: "A number to regress has no positive label",
        expected: "target: label, or no key positive", found: "target: \(target.rawValue), positive: \(positive)")
    }
    func unused(_ key: Key, _ problem: String, expected: String) -> Conflict? {
      isSet(key)
        ? Conflict(
          key: key, problem: problem, expected: expected, found: methods.map(\.rawValue).joined(separator: ", "))
        : nil
    }
    if !methods.contains(.logistic),
      let found = unused(.penalty, "Only logistic regression has a choice of penalty", expected: "classifier: logistic")
    {
      return found
    }
    if isSet(.l1Ratio), penalty != .elasticNet || !methods.contains(.logistic) {
      return Conflict(
        key: .l1Ratio, problem: "Only the elastic net mixes two penalties", expected: "penalty: elastic-net",
        found: "penalty: \(penalty.rawValue)")
    }
    if !methods.contains(.sparse),
      let found = unused(.selector, "Only k-sparse probes select columns", expected: "classifier: k-sparse")
    {
      return found
    }
    if !methods.contains(.sparse), !methods.contains(.components),
      let found = unused(
        .columns, "No method here reads a number of columns", expected: "classifier: k-sparse, or principal-components")
    {
      return found
    }
    if methods.allSatisfy({ $0 == .massMean || $0 == .lda || $0 == .ridge }) {
      if let found = unused(
        .classWeights, "Class weights have no part in this method",
        expected: "classifier: logistic, linear-svm, k-sparse, or principal-components")
      {
        return found
      }
      if !methods.contains(.ridge),
        let found = unused(
          .strengths, "This method has no strength to choose",
          expected: "classifier: logistic, linear-svm, k-sparse, or principal-components")
      {
        return found
      }
    }
    return nil
  }
}

extension ProbeSpecification {
  /// Refuses flags that say nothing, or contradict what else is set.
  ///
  /// - Parameter flags: those given on a command line, by the names of a specification's keys.
  /// - Throws: `specification.conflict`.
  public func check(flags: Set<String>) throws {
    guard let conflict = conflict(isSet: { flags.contains($0.rawValue) }) else { return }
    throw Fault(
      .usage, "specification.conflict", conflict.problem, place: conflict.key.rawValue, expected: conflict.expected,
      found: conflict.found)
  }
}

extension ProbeSettings.Method {
  /// The method that a word stands for; `svm` is short for `linear-svm`.
  public init?(word: String) {
    guard let method = Self(rawValue: word == "svm" ? Self.svm.rawValue : word) else { return nil }
    self = method
  }

  /// The methods that tell classes apart.
  public static var classifiers: [Self] { allCases.filter { !$0.predictsNumbers } }
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
