import Activations
import Diagnostics
import LinearAlgebra

/// The labelled examples of a source with their activations at some sites, gathered in one pass, and how they are divided.
///
/// Everything that is learnt or compared in a study is learnt from these: the same examples, groups and folds.
public struct LabelledExamples: Sendable {
  let examples: Examples
  /// What is learnt from and what is judged by: the outer folds, each held back once, or one part held back.
  public let splits: [Split]
  public let sites: [StoredSite]
  public let origin: Origin
  /// Each site's rows, an example each.
  let rows: [ExampleMatrix]
  /// The token embeddings, pooled alike; nil where the source does not hold them.
  let embeddings: ExampleMatrix?
  let tokens: ExampleTokens
  /// Nil where an example is one row.
  let pooling: Pooling?
  /// Whether an example's row is one token's or made of several.
  let areTokens: Bool

  /// 2 GiB.
  public static let defaultMemory = 2 << 30

  /// Gathers the examples.
  ///
  /// - Parameters:
  ///   - sites: the sites to read; the source's own embeddings come along.
  ///   - memory: how many bytes of activations may be held in memory; sites beyond lie in scratch files (in `TMPDIR`).
  /// - Throws: `probe.noSites`, `probe.noLabels`, `probe.singleClass`, `probe.unknownLabel`, `probe.tooFewExamples`,
  ///   `probe.notFinite`, `probe.constantRows` and their like; `probe.scratch`.
  /// - Complexity: one pass over the source.
  public init(
    _ settings: ProbeSettings, of source: some ActivationSource, sites: [StoredSite], memory: Int = defaultMemory
  ) throws {
    try settings.validate()
    guard !sites.isEmpty else {
      throw Fault(
        .badData, "probe.noSites", "The source holds no activations to learn from",
        advice: "capture some sites; a store of statistics alone has none")
    }
    examples = try Examples(
      settings.concept, of: source, specialTokens: settings.countsSpecialTokens, numeric: settings.predictsNumbers,
      most: settings.maximumExamples, seed: settings.seed)
    splits = try examples.splits(settings)
    pooling = settings.concept.level == .document && source.rowKind == .token ? settings.pooling : nil
    areTokens = settings.concept.level == .token
    tokens = try ExampleTokens(
      examples, order: Array(0..<examples.count), of: source, specialTokens: settings.countsSpecialTokens)
    self.sites = sites
    origin = source.origin
    let embedding = source.sites.first { $0.name.hasSuffix("hook_embed") }
    let isExtra = embedding.map { own in !sites.contains { $0.name == own.name } } ?? false
    var all = try examples.rows(
      of: sites + (isExtra ? [embedding].compactMap(\.self) : []), in: source, order: Array(0..<examples.count),
      pooling: pooling, memory: memory)
    for place in all.indices where !all[place].varies {
      // What differs by rounding alone is the same.
      all[place] = ExampleMatrix(Matrix(zeros: all[place].rows, columns: all[place].columns))
    }
    guard all.contains(where: \.varies) else {
      throw Fault(
        .badData, "probe.constantRows", "Every example has the same activations, so nothing can be learnt from them",
        place: sites.map(\.name).joined(separator: ", "), expected: "a column that varies",
        found: "\(sites[0].width) constant columns over \(examples.count) examples",
        advice: "choose another site, or pool the tokens in another way")
    }
    rows = Array(all[..<sites.count])
    embeddings = embedding.flatMap { own in
      isExtra ? all.last : sites.firstIndex { $0.name == own.name }.map { all[$0] }
    }
  }

  public var count: Int { examples.count }
  public var classes: [String] { examples.classes }
  /// Each example's class.
  public var labels: [Int32] { examples.labels }
  /// Each example's number, where numbers are predicted; else empty.
  public var numbers: [Double] { examples.values }
  /// Each example's group.
  public var groups: [Int] { examples.groups }
  /// Whether every example is judged, by fits that the others teach.
  public var isCrossValidated: Bool { splits.count > 1 }

  /// An even choice of at most so many examples: which, and the splits of what is left by their places in it.
  func choice(of most: Int) -> (chosen: [Int], splits: [Split]) {
    let chosen = count > most ? (0..<most).map { $0 * count / most } : Array(0..<count)
    var places = [Int](repeating: -1, count: count)
    for (place, example) in chosen.enumerated() { places[example] = place }
    func kept(_ examples: [Int]) -> [Int] { examples.map { places[$0] }.filter { $0 >= 0 } }
    return (chosen, splits.map { Split(train: kept($0.train), test: kept($0.test)) })
  }

  /// The rows of the same examples at other sites or in another model, whose tokens are the same.
  func rows(of sites: [StoredSite], in source: some ActivationSource, memory: Int) throws -> [ExampleMatrix] {
    try examples.rows(of: sites, in: source, order: Array(0..<count), pooling: pooling, memory: memory)
  }
}

extension ExampleMatrix {
  /// Whether rows differ by more than rounding, which depends on what else was in a text's batch and could be learnt in
  /// its place.
  var varies: Bool {
    guard rows > 1 else { return false }
    let largest = row(0).reduce(0) { max($0, abs($1)) }
    return withUnsafeElements { values in
      (columns..<values.count).contains { abs(values[$0] - values[$0 % columns]) > 1e-5 * largest }
    }
  }
}

extension Examples {
  /// The outer folds, or the part held back, in whole groups with each class's share; a fault names the class.
  package func splits(_ settings: ProbeSettings) throws -> [Split] {
    guard settings.isCrossValidated else { return [try split(testShare: settings.testShare, seed: settings.seed)] }
    return try namingClasses {
      try Split.folds(settings.outerFolds, labels: labels, groups: groups, seed: settings.seed ^ 0x6F75_7465)
    }
  }

  /// Divides the examples in two.
  package func split(testShare: Double, seed: UInt64) throws -> Split {
    try namingClasses { try Split.trainAndTest(labels: labels, groups: groups, testShare: testShare, seed: seed) }
  }

  /// Puts a class's name for its number in a fault about too few examples.
  func namingClasses<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var fault as Fault where fault.name == "probe.tooFewExamples" {
      if let number = fault.place?.split(separator: " ").last.flatMap({ Int($0) }), classes.indices.contains(number) {
        fault.place = "class \(classes[number])"
      }
      throw fault
    }
  }
}
