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
  func source(seed: UInt64) -> MemorySource {
    var generator = SeededGenerator(seed: seed, stream: name)
    let groups = examples / groupSize
    let targets = targets(groups, &generator)
    let names = (0..<sites).map { "s\($0)" } + (embeddingEffect == nil ? [] : ["hook_embed"])
    var matrices: [String: Matrix] = [:]
    for name in names {
      // The embeddings have the first site's directions: equal effects are then equally easy to find.
      let isEmbedding = name == "hook_embed"
      var structure = SeededGenerator(seed: seed, stream: "structure \(isEmbedding ? "s0" : name)")
      matrices[name] = matrix(
        targets, effect: isEmbedding ? embeddingEffect ?? 0 : effect, structure: &structure, generator: &generator)
    }
    var source = MemorySource.documents(
      [Int](repeating: 1, count: examples), labels: (0..<examples).map { .number(targets[$0 / groupSize]) },
      groups: (0..<examples).map { "g\($0 / groupSize)" },
      sites: Dictionary(uniqueKeysWithValues: names.map { ($0, width) })
    ) { name, document, _, column in matrices[name]?.elements[document * width + column] ?? 0 }
    source.rowKind = .document
    return source
  }

  private func matrix(
    _ targets: [Double], effect: Double, structure: inout SeededGenerator, generator: inout SeededGenerator
  ) -> Matrix {
    let rank = 5
    let loadings = (0..<rank).map { factor in
      (0..<width).map { _ in 2 * structure.normal() / Double(factor + 1) }
    }
    let scales = (0..<width).map { _ in exp(0.7 * structure.normal()) }
    let columns = (0..<width).map { _ in structure.normal() }
    let length = columns.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // What an example has along the direction that carries the labels.
    let spread = loadings.reduce(1.0) { sum, loading in
      let along = zip(loading, columns).reduce(0) { $0 + $1.0 * $1.1 } / length
      return sum + along * along
    }.squareRoot()
    func draw() -> [Double] {
      let factors = (0..<rank).map { _ in generator.normal() }
      return (0..<width).map { column in
        (0..<rank).reduce(generator.normal()) { $0 + factors[$1] * loadings[$1][column] }
      }
    }
    var elements: [Float] = []
    var shared: [Double] = []
    for example in 0..<examples {
      if example % groupSize == 0 { shared = draw() }
      let own = groupSize == 1 ? shared : zip(shared, draw()).map { 0.5.squareRoot() * ($0 + $1) }
      let target = targets[example / groupSize]
      let shift = effect * spread * (classes == 0 ? target : target == 1 ? 0.5 : -0.5)
      for column in 0..<width {
        elements.append(Float((own[column] + shift * columns[column] / length) * scales[column]))
      }
    }
    return Matrix(rows: examples, columns: width, elements: elements)
  }
}

/// What studies of many data sets came to.
struct CalibrationTally: Sendable {
  private(set) var scores: [Double] = []
  private(set) var covers = 0
  private(set) var small = 0
  private(set) var found = 0
  private(set) var exact = 0
  private(set) var differences: [Difference] = []
  /// Data sets of which a sentence about the embeddings is printed.
  private(set) var sentences = 0

  mutating func add(_ result: StudyResult) {
    scores.append(result.score)
    if result.interval?.covers(result.chance) == true { covers += 1 }
    let shuffles = result.controls?[.shuffledLabels]
    if shuffles?.pValue.map({ $0 <= 0.05 }) == true { small += 1 }
    if result.isFound == true { found += 1 }
    if shuffles?.isExact == true { exact += 1 }
    if let difference = result.controls?[.embedding]?.difference { differences.append(difference) }
    if result.controls?.implications.contains(where: { $0.contains("the embeddings alone") }) == true { sentences += 1 }
  }

  var count: Int { scores.count }
  var mean: Double { scores.reduce(0, +) / Double(max(count, 1)) }
  var standardError: Double {
    let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(max(count - 1, 1)) / Double(max(count, 1))).squareRoot()
  }
  func share(_ number: Int) -> Double { Double(number) / Double(max(count, 1)) }
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
