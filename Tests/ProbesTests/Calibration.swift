import Activations
import Foundation
import LinearAlgebra
import Probes
import TestSupport

/// Data sets on which the truth is known, and what a study says of them.
struct Calibration: Sendable {
  var name: String
  /// What labels are; of numbers 0.
  var classes = 2
  /// The share of the first of two classes.
  var share = 0.5
  var examples = 160
  var width = 24
  /// How many examples share a group, its label and a part of their activations.
  var groupSize = 1
  var sites = 1
  var methods = [ProbeSettings.Method.massMean]
  var outerFolds = 5
  /// How far the classes' means lie apart along one direction, in standard deviations of an example there; of numbers the
  /// slope.
  var effect = 0.0
  /// The same at the embeddings, which are there where it is set.
  var embeddingEffect: Double?
  /// How many times as many data sets as others.
  var times = 1

  /// Whether nothing tells the labels.
  var isChance: Bool { effect == 0 && (embeddingEffect ?? 0) == 0 }
  var chance: Double { classes == 0 ? 0 : 1 / Double(classes) }

  func settings(seed: UInt64, exact: Int = 99) -> ProbeSettings {
    var settings = ProbeSettings(
      target: classes == 0 ? .number : .label, classifiers: methods, strengths: classes == 0 ? nil : [0.01, 1],
      folds: 3, outerFolds: outerFolds, controls: [.shuffledLabels] + (embeddingEffect == nil ? [] : [.embedding]),
      seed: seed)
    (settings.shuffles, settings.exactShuffles, settings.resamples) = (199, exact, 400)
    return settings
  }

  func result(seed: UInt64, exact: Int = 99) throws -> StudyResult {
    let source = source(seed: seed)
    return try Study(settings: settings(seed: seed, exact: exact)).run(
      on: source, sites: source.sites.map(\.name).filter { $0.hasPrefix("s") }
    ).result
  }

  /// Labels drawn without a look at the activations: as many of each class as their shares say, in random order.
  private func targets(_ groups: Int, _ generator: inout SeededGenerator) -> [Double] {
    guard classes > 0 else { return (0..<groups).map { _ in generator.normal() } }
    let firsts = Int((Double(groups) * share).rounded())
    let labels = classes == 2 ? (0..<groups).map { $0 < firsts ? 0.0 : 1 } : (0..<groups).map { Double($0 % classes) }
    return generator.permutation(groups).map { labels[$0] }
  }

  /// Activations as models have them: a few strong directions that many columns share, columns of different sizes, and
  /// noise; members of a group have half of it in common.
  ///
  /// - Parameter draw: another one has other examples of the same kind: the directions are the seed's.
  func source(seed: UInt64, draw: Int = 0) -> MemorySource {
    var generator = SeededGenerator(seed: seed, stream: draw == 0 ? name : "\(name) \(draw)")
    let groups = examples / groupSize
    let targets = targets(groups, &generator)
    var matrices: [String: Matrix] = [:]
    for name in names { matrices[name] = matrix(targets, structure(name, seed: seed), &generator) }
    var source = MemorySource.documents(
      [Int](repeating: 1, count: examples), labels: (0..<examples).map { .number(targets[$0 / groupSize]) },
      groups: (0..<examples).map { "g\($0 / groupSize)" },
      sites: Dictionary(uniqueKeysWithValues: names.map { ($0, width) })
    ) { name, document, _, column in matrices[name]?.elements[document * width + column] ?? 0 }
    source.rowKind = .document
    return source
  }

  private var names: [String] { (0..<sites).map { "s\($0)" } + (embeddingEffect == nil ? [] : ["hook_embed"]) }

  /// What all examples of a site have in common.
  private struct Structure {
    /// The directions that columns share.
    var loadings: [[Double]]
    /// The columns' sizes.
    var scales: [Double]
    /// How far the means of two classes lie apart, or a number of 1 from 0; in units of `scales`.
    var shift: [Double]
  }

  private func structure(_ name: String, seed: UInt64) -> Structure {
    // The embeddings have the first site's directions: equal effects are then equally easy to find.
    let isEmbedding = name == "hook_embed"
    var generator = SeededGenerator(seed: seed, stream: "structure \(isEmbedding ? "s0" : name)")
    let loadings = (0..<5).map { factor in (0..<width).map { _ in 2 * generator.normal() / Double(factor + 1) } }
    let scales = (0..<width).map { _ in exp(0.7 * generator.normal()) }
    let columns = (0..<width).map { _ in generator.normal() }
    let length = dot(columns, columns).squareRoot()
    // What an example has along the direction that carries the labels.
    let spread = loadings.reduce(1.0) { $0 + dot($1, columns) * dot($1, columns) / (length * length) }.squareRoot()
    let size = (isEmbedding ? embeddingEffect ?? 0 : effect) * spread / length
    return Structure(loadings: loadings, scales: scales, shift: columns.map { size * $0 })
  }

  private func matrix(_ targets: [Double], _ structure: Structure, _ generator: inout SeededGenerator) -> Matrix {
    func draw() -> [Double] {
      let factors = structure.loadings.map { _ in generator.normal() }
      return (0..<width).map { column in
        factors.indices.reduce(generator.normal()) { $0 + factors[$1] * structure.loadings[$1][column] }
      }
    }
    var elements: [Float] = []
    var shared: [Double] = []
    for example in 0..<examples {
      if example % groupSize == 0 { shared = draw() }
      let own = groupSize == 1 ? shared : zip(shared, draw()).map { 0.5.squareRoot() * ($0 + $1) }
      let target = targets[example / groupSize]
      let amount = classes == 0 ? target : target == 1 ? 0.5 : -0.5
      for column in 0..<width {
        elements.append(Float((own[column] + amount * structure.shift[column]) * structure.scales[column]))
      }
    }
    return Matrix(rows: examples, columns: width, elements: elements)
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

// What a fit is truly worth: its score on endlessly many examples of the kind. They are normal, so that it needs no sample.
extension Calibration {
  /// Squared errors of numbers and of their training mean, or the balanced accuracy and 1.
  struct Worth {
    var part = 0.0
    var whole = 0.0
  }

  func worth(_ probe: Probe, seed: UInt64, mean: Double) -> Worth {
    let structure = structure(probe.record.site.name, seed: seed)
    let weights = zip(probe.direction(), structure.scales).map { Double($0) * $1 }
    let bias = Double(probe.classifier.bias[0])
    let along = dot(weights, structure.shift)
    let variance = structure.loadings.reduce(dot(weights, weights)) { $0 + dot(weights, $1) * dot(weights, $1) }
    // A number is normal with variance 1: y − ŷ = (1 − w·shift) y − w·noise − b.
    if classes == 0 {
      return Worth(part: (1 - along) * (1 - along) + variance + bias * bias, whole: 1 + mean * mean)
    }
    func share(above score: Double) -> Double { 0.5 * erfc(-score / (2 * max(variance, 1e-300)).squareRoot()) }
    return Worth(part: (share(above: bias + along / 2) + share(above: along / 2 - bias)) / 2, whole: 1)
  }

  func score(_ worths: [Worth]) -> Double {
    let ratio = worths.reduce(0) { $0 + $1.part } / worths.reduce(0) { $0 + $1.whole }
    return classes == 0 ? 1 - ratio : ratio
  }

  /// The probe that a study learns from some examples, of all at one of its sites.
  func probe(_ source: MemorySource, _ places: [Int], sites: [String], seed: UInt64) throws -> Probe {
    var own = settings(seed: seed)
    (own.controls, own.resamples, own.outerFolds) = ([], 0, 2)
    var part = MemorySource()
    part.rowKind = .document
    part.documents = DocumentTable(
      places.enumerated().map { place, document in
        DocumentRow(
          id: source.documents.ids[document], label: source.documents.labels[DocumentTable.defaultLabels]?[document],
          group: source.documents.groups[document], firstToken: place, tokenCount: 1)
      })
    for place in places.indices {
      part.tokenTable.append(id: 0, position: 0, document: Int32(place), start: 0, end: 0, special: true)
    }
    part.sites = source.sites.filter { sites.contains($0.name) }
    for site in sites { part.values[site] = source.values[site]?.selectingRows(places) }
    return try Study(settings: own).run(on: part).probe
  }

  private func worth(_ source: MemorySource, _ places: [Int], sites: [String], seed: UInt64) throws -> Worth {
    let labels = source.documents.labels[DocumentTable.defaultLabels] ?? []
    let numbers = places.map { place -> Double in
      guard case .number(let number) = labels[place] else { return 0 }
      return number
    }
    return worth(
      try probe(source, places, sites: sites, seed: seed), seed: seed,
      mean: numbers.reduce(0, +) / Double(numbers.count))
  }

  /// The true score of the very fits by which a study of this seed judges its examples.
  func truth(seed: UInt64, ofEmbeddings: Bool = false) throws -> Double {
    let source = source(seed: seed)
    let sites = names.filter { ($0 == "hook_embed") == ofEmbeddings }
    let splits = try LabelledExamples(
      settings(seed: seed), of: source, sites: source.sites.filter { sites.contains($0.name) }
    ).splits
    return score(try splits.map { try worth(source, $0.train, sites: sites, seed: seed) })
  }

  /// The mean true score of fits to other examples of the same kind, as many as a study of this seed learns from.
  func expected(seed: UInt64, draws: Int, ofEmbeddings: Bool = false) throws -> Double {
    let sites = names.filter { ($0 == "hook_embed") == ofEmbeddings }
    let count = examples / groupSize * (outerFolds == 0 ? 4 : outerFolds - 1) / max(outerFolds, 5) * groupSize
    return score(
      try (1...draws).map { draw in
        try worth(source(seed: seed, draw: draw), Array(0..<count), sites: sites, seed: seed)
      })
  }
}

/// What studies of many data sets came to.
struct CalibrationTally: Sendable {
  private(set) var scores: [Double] = []
  private(set) var covers = 0
  /// The true scores of the fits, and how many intervals hold their own.
  private(set) var truths: [Double] = []
  private(set) var coversTruth = 0
  private(set) var found = 0
  private(set) var exact = 0
  private(set) var differences: [Compared] = []
  /// Data sets of which a sentence about the embeddings is printed.
  private(set) var sentences = 0

  /// The difference that a study prints, and what it may be about.
  struct Compared: Sendable {
    var printed: Difference
    /// The true difference of the fits that it comes from.
    var fits: Double
    /// The mean true difference of fits to other examples of the kind.
    var kind: Double

    func covers(_ value: Double) -> Bool { printed.interval?.covers(value) == true }
  }

  mutating func add(_ condition: Calibration, seed: UInt64, exact most: Int = 99) throws {
    let result = try condition.result(seed: seed, exact: most)
    scores.append(result.score)
    if result.interval?.covers(result.chance) == true { covers += 1 }
    let shuffles = result.controls?[.shuffledLabels]
    if result.isFound == true { found += 1 }
    if shuffles?.isExact == true { exact += 1 }
    // Of labels that nothing tells apart every classifier gets half of each class right.
    let truth = condition.isChance && condition.classes > 0 ? condition.chance : try condition.truth(seed: seed)
    truths.append(truth)
    if result.interval?.covers(truth) == true { coversTruth += 1 }
    guard let printed = result.controls?[.embedding]?.difference else { return }
    func expected(_ ofEmbeddings: Bool) throws -> Double {
      try condition.expected(seed: seed, draws: 20, ofEmbeddings: ofEmbeddings)
    }
    differences.append(
      Compared(
        printed: printed, fits: truth - (try condition.truth(seed: seed, ofEmbeddings: true)),
        kind: try expected(false) - expected(true)))
    if result.controls?.implications.contains(where: { $0.contains("the embeddings alone") }) == true { sentences += 1 }
  }

  var count: Int { scores.count }
  var mean: Double { Self.mean(scores) }
  var standardError: Double {
    let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(max(count - 1, 1)) / Double(max(count, 1))).squareRoot()
  }
  func share(_ number: Int) -> Double { Double(number) / Double(max(count, 1)) }
  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
}

/// The least number of successes that has so much of the binomial distribution at or below it.
func binomialQuantile(_ probability: Double, trials: Int, share: Double) -> Int {
  var sum = 0.0
  for successes in 0...trials {
    let logarithm =
      lgamma(Double(trials + 1)) - lgamma(Double(successes + 1)) - lgamma(Double(trials - successes + 1))
      + Double(successes) * log(share) + Double(trials - successes) * log1p(-share)
    sum += exp(logarithm)
    if sum >= probability { return successes }
  }
  return trials
}
