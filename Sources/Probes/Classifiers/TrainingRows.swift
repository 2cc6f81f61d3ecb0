import Diagnostics
import LinearAlgebra

/// The rows that a classifier learns from, and what all classifiers of a sweep need of them: folds, and each column's sums
/// by fold and class, found once.
struct TrainingRows {
  let matrix: ExampleMatrix
  /// Each row's class.
  let labels: [Int32]
  let classes: Int
  let groups: [Int]
  /// Each row's number where a number is to be predicted, else empty.
  let values: [Double]
  /// The folds that choices are made on; empty where there are none.
  let folds: [Split]
  /// Each row's fold.
  let parts: [Int32]
  /// By fold, then by class.
  let moments: [[ColumnSums]]
  let seed: UInt64

  var width: Int { matrix.columns }
  var count: Int { labels.count }

  /// - Parameters:
  ///   - folds: how many folds to make; fewer where few groups allow no more, and none below 2.
  ///   - needsFolds: whether a choice hangs on them, so that none is an error.
  /// - Throws: `probe.notFinite`, `probe.singleClass`, `probe.tooFewExamples`.
  init(
    _ matrix: ExampleMatrix, labels: [Int32], classes: Int, groups: [Int]? = nil, values: [Double] = [],
    folds wanted: Int = 0, needsFolds: Bool = false, seed: UInt64 = 0
  ) throws {
    let groups = groups ?? Array(labels.indices)
    precondition(labels.count == matrix.rows, "\(labels.count) labels for \(matrix.rows) rows")
    precondition(groups.count == matrix.rows, "\(groups.count) groups for \(matrix.rows) rows")
    precondition(values.isEmpty || values.count == matrix.rows, "\(values.count) numbers for \(matrix.rows) rows")
    precondition(classes >= 2 && labels.allSatisfy { $0 >= 0 && $0 < classes }, "labels outside 0..<\(classes)")
    try LogisticRegression.requireEveryClass(labels, classes: classes)
    self.matrix = matrix
    self.labels = labels
    self.classes = classes
    self.groups = groups
    self.values = values
    self.seed = seed
    // Few groups allow fewer folds.
    let least = labels.groupCounts(groups, of: classes).min() ?? 0
    let possible = min(wanted, least)
    guard possible > 1 || !needsFolds else {
      throw Fault(
        .badData, "probe.tooFewExamples", "A choice between settings needs folds, and the examples allow none",
        expected: "examples of each class in at least 2 documents or groups, and at least 2 folds",
        found: "\(wanted) folds asked for, and a class in \(least) documents or groups",
        advice: "give one setting instead of several, or more labelled documents of that class")
    }
    folds =
      possible > 1 ? try Split.folds(possible, labels: labels, groups: groups, seed: seed) : []
    var parts = [Int32](repeating: 0, count: labels.count)
    for (fold, split) in folds.enumerated() {
      for index in split.test { parts[index] = Int32(fold) }
    }
    self.parts = parts
    let cells = zip(parts, labels).map { $0 * Int32(classes) + $1 }
    let sums = ColumnSums.byPart(matrix, parts: cells, count: max(folds.count, 1) * classes)
    moments = (0..<max(folds.count, 1)).map { part in Array(sums[part * classes..<(part + 1) * classes]) }
    let all = Self.total(moments.joined(), width: matrix.columns)
    try all.requireFinite()
  }

  /// The sums of each class over the rows outside a fold; over all rows without one.
  func classSums(without fold: Int? = nil) -> [ColumnSums] {
    (0..<classes).map { c in
      Self.total(moments.indices.lazy.filter { $0 != fold }.map { moments[$0][c] }, width: width)
    }
  }

  /// The sums of all rows outside a fold.
  func sums(without fold: Int? = nil) -> ColumnSums { Self.total(classSums(without: fold), width: width) }

  func standardization(without fold: Int? = nil, standardize: Bool = true) -> Standardization {
    standardize ? sums(without: fold).standardization() : .none(width: width)
  }

  private static func total(_ parts: some Sequence<ColumnSums>, width: Int) -> ColumnSums {
    parts.reduce(ColumnSums(width: width), +)
  }
}

extension TrainingRows {
  /// What a classifier for each fold, learnt from the rows outside it, makes of the rows in it.
  ///
  /// - Returns: the scores of all rows, each by the classifier that has not seen it; nil without folds.
  func heldOutScores(_ classifiers: [LinearClassifier]) -> Matrix? {
    precondition(classifiers.count == folds.count, "\(classifiers.count) classifiers for \(folds.count) folds")
    guard let outputs = classifiers.first?.bias.count else { return nil }
    var result = Matrix(zeros: count, columns: outputs)
    for (classifier, split) in zip(classifiers, folds) {
      result.take(split.test, of: classifier.scores(of: matrix))
    }
    return result
  }

  /// The mean over folds of the balanced accuracy of scores above 0, or of the largest.
  func balancedAccuracy(ofHeldOut scores: Matrix) -> Double {
    let predictions = LinearClassifier.predictions(from: scores)
    var sum = 0.0
    for split in folds {
      var confusion = [Double](repeating: 0, count: classes * classes)
      for index in split.test { confusion[Int(labels[index]) * classes + Int(predictions[index])] += 1 }
      sum += Scores(confusion: confusion, classes: classes).balancedAccuracy
    }
    return sum / Double(max(folds.count, 1))
  }

  /// The classes of the rows outside a fold, −1 for those in it.
  func targets(without fold: Int) -> [Int32] {
    zip(labels, parts).map { $1 == Int32(fold) ? -1 : $0 }
  }

  /// The classes of the rows in a fold, −1 for those outside it.
  func targets(within fold: Int) -> [Int32] {
    zip(labels, parts).map { $1 == Int32(fold) ? $0 : -1 }
  }

  /// The rows outside a fold; all rows without one.
  func rows(without fold: Int?) -> [Int] {
    labels.indices.filter { fold == nil || parts[$0] != Int32(fold ?? -1) }
  }

  /// The rows in a part; without folds all are in one.
  func rows(within part: Int) -> [Int] { labels.indices.filter { parts[$0] == Int32(part) } }
}

extension Matrix {
  /// Takes some rows over from a matrix of the same shape.
  mutating func take(_ rows: [Int], of other: Matrix) {
    for row in rows {
      for index in row * columns..<(row + 1) * columns { elements[index] = other.elements[index] }
    }
  }
}

extension Standardization {
  /// What leaves columns as they are.
  static func none(width: Int) -> Standardization {
    Standardization(means: [Double](repeating: 0, count: width), scales: [Double](repeating: 1, count: width))
  }
}

extension ColumnSums {
  /// Whether a variance is more than the rounding of Float32 values, which carry 24 bits.
  static func isSpread(variance: Double, mean: Double) -> Bool {
    variance.squareRoot() > 1e-6 * abs(mean) && variance > 1e-60
  }
}
