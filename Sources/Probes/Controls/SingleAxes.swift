import Activations
import LinearAlgebra

/// Whether single neurons tell the concept better than axes of the same activations turned at random (Gurnee et al., arXiv
/// 2305.01610).
///
/// In every split the column that stands out most among the examples to learn from, over all layers' neurons, is judged
/// by its AUROC on those held back; of several classes for each against the rest. The same is done after each rotation.
struct SingleAxes {
  private let study: FittedStudy
  private let sites: [Int]

  init(_ study: FittedStudy) {
    self.study = study
    sites = study.examples.sites.indices.filter { study.examples.sites[$0].holdsNeurons }
  }

  /// More rows take long to turn.
  private static let most = 1000

  func result(generator: inout SeededGenerator) -> ControlResult {
    var result = ControlResult(.rotatedBasis, measure: .auroc)
    guard !sites.isEmpty else {
      result.notRun = "no neurons were probed: add mlp_post to the sites"
      return result
    }
    guard study.settings.rotations > 0 else {
      result.notRun = "no rotations were asked for"
      return result
    }
    let task = AxisTask(study, most: Self.most)
    let matrices = sites.map { study.candidates[$0].rows.matrix(ofRows: task.chosen) }
    let neurons = task.judged(matrices)
    let rotated = (0..<study.settings.rotations).map { _ in
      task.judged(RandomBases.rotated(matrices, generator: &generator))
    }
    guard let own = neurons.value(nil) else {
      result.notRun = "a class has no example to judge by"
      return result
    }
    let scores = rotated.compactMap { $0.value(nil) }
    result.reference = own
    result.score = scores.mean
    result.interval = Interval(low: scores.min() ?? 0, high: scores.max() ?? 0)
    result.difference = neurons.difference(from: rotated, study.settings.bootstrap)
    result.pValue = Double(1 + scores.count { $0 >= own - 1e-12 }) / Double(1 + scores.count)
    result.tries = scores.count
    let width = matrices.reduce(0) { $0 + $1.columns }
    result.detail =
      "the best of \(width) neurons against the best axis of \(scores.count) rotations"
      + (task.chosen.count < study.examples.count ? ", on \(task.chosen.count) examples" : "")
    return result
  }
}

extension StoredSite {
  /// Whether the columns are neurons.
  var holdsNeurons: Bool {
    name.hasSuffix("mlp.hook_post") || (StoredSite.expert(inName: name) != nil && name.hasSuffix(".hook_post"))
  }
}

/// Which examples single columns are chosen and judged by.
private struct AxisTask {
  let chosen: [Int]
  let labels: [Int32]
  let groups: [Int]
  let classes: Int
  /// By place in `chosen`.
  let splits: [Split]

  /// The classes told from the rest.
  var wanted: [Int] { classes == 2 ? [1] : Array(0..<classes) }

  init(_ study: FittedStudy, most: Int) {
    let (chosen, splits) = study.examples.choice(of: most)
    (self.chosen, self.splits) = (chosen, splits)
    labels = chosen.map { study.targets.labels[$0] }
    groups = chosen.map { study.examples.groups[$0] }
    classes = study.targets.classes
  }

  /// What the best columns of some matrices say of the examples held back.
  func judged(_ matrices: [Matrix]) -> AxisJudgement {
    var scores = wanted.map { _ in Matrix(zeros: chosen.count, columns: 1) }
    for split in splits {
      let own = split.train.map { labels[$0] }
      var best = wanted.map { _ in (contrast: 0.0, matrix: 0, column: 0) }
      for (number, matrix) in matrices.enumerated() {
        let rows = ExampleMatrix(matrix.selectingRows(split.train))
        let sums = ColumnSums.byPart(rows, parts: own, count: classes)
        for (place, wanted) in wanted.enumerated() {
          for (column, contrast) in ColumnSums.contrasts(sums, of: wanted).enumerated()
          where abs(contrast) > abs(best[place].contrast) {
            best[place] = (contrast, number, column)
          }
        }
      }
      for place in wanted.indices {
        let (contrast, number, column) = best[place]
        for row in split.test {
          let value = matrices[number].elements[row * matrices[number].columns + column]
          scores[place].elements[row] = contrast < 0 ? -value : value
        }
      }
    }
    let places = splits.places
    return AxisJudgement(
      samples: zip(wanted, scores).map { wanted, scores in
        JudgedSample(
          scores: scores.selectingRows(places), labels: places.map { labels[$0] == Int32(wanted) ? 1 : 0 },
          groups: places.map { groups[$0] }, folds: splits.folds, classes: 2)
      })
  }
}

private struct AxisJudgement: Sendable {
  /// For each class told from the rest.
  let samples: [JudgedSample]

  /// The mean AUROC over classes.
  func value(_ weights: [Int32]?) -> Double? {
    var sum = 0.0
    for sample in samples {
      guard let area = sample.auroc(weights: weights) else { return nil }
      sum += area
    }
    return sum / Double(max(samples.count, 1))
  }

  func difference(from others: [AxisJudgement], _ bootstrap: GroupBootstrap) -> Difference? {
    Difference(
      self, less: others, groups: samples[0].groups, count: samples[0].groupCount,
      least: samples.map(\.leastGroups).min() ?? 1, within: -1...1, bootstrap
    ) { $0.value($1) }
  }
}

extension ColumnSums {
  /// How far a class's mean lies from that of the rest in each column, in standard errors: Welch's t; 0 where a column is
  /// constant.
  ///
  /// - Parameter sums: of each class.
  package static func contrasts(_ sums: [ColumnSums], of wanted: Int) -> [Double] {
    let own = sums[wanted]
    let rest = sums.indices.filter { $0 != wanted }.reduce(ColumnSums(width: own.sums.count)) { $0 + sums[$1] }
    guard own.count > 1, rest.count > 1 else { return own.sums.map { _ in 0 } }
    func moments(_ sums: ColumnSums, _ column: Int) -> (mean: Double, error: Double) {
      let count = Double(sums.count)
      let mean = sums.sums[column] / count
      return (mean, max(sums.squares[column] / count - mean * mean, 0) / (count - 1))
    }
    return own.sums.indices.map { column in
      let (a, b) = (moments(own, column), moments(rest, column))
      let error = (a.error + b.error).squareRoot()
      return error > 1e-7 * max(abs(a.mean), abs(b.mean), 1e-30) ? (a.mean - b.mean) / error : 0
    }
  }
}
