import Diagnostics
import Foundation
import LinearAlgebra

extension ConceptEraser {
  /// What linear probes find after the erasure: in the rows that the eraser was found on, and in others.
  public struct Check: Codable, Sendable, Equatable {
    /// The largest |mean of a class − mean of all| over columns of the erased fitting rows, in standard deviations: 0 but
    /// for rounding.
    public var largestMeanDifference: Double
    /// The mean loss in nats of a logistic regression trained on the erased fitting rows, on those rows.
    public var loss: Double
    /// The loss of always stating the classes' shares: no linear probe can be below it where nothing is left.
    public var constantLoss: Double
    /// The balanced accuracy of a logistic regression on the fitting rows before the erasure, and after it.
    public var before: Double
    public var after: Double
    /// What is found in rows that the eraser has not seen.
    public var newRows: NewRows
    /// The balanced accuracy of guessing, one part in as many classes.
    public var chance: Double

    /// Balanced accuracies on rows that the eraser was not found on.
    public struct NewRows: Codable, Sendable, Equatable {
      public var examples: Int
      public var groups: Int
      /// Of the probe trained on the fitting rows, before the erasure and after it. After it that probe has seen nothing to
      /// learn, so that `after` is at chance by construction and proves nothing.
      public var before: Double
      public var after: Double
      /// Of a fresh probe trained on some of the new rows, erased, and judged on others: folds of whole groups. Above
      /// chance, the concept is still there; nil where the rows allow no folds.
      public var fresh: Double?
      /// The range of `fresh` in 95 of 100 resamples of the groups.
      public var freshInterval: Interval?
    }

    /// Whether nothing linear is left in the fitting rows, but for rounding.
    public var isErased: Bool { largestMeanDifference < 1e-3 && loss > constantLoss - 1e-3 }

    /// Whether a fresh probe finds the concept in new rows beyond chance.
    public var isFoundInNewRows: Bool { newRows.freshInterval.map { $0.low > chance } ?? false }

    private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }

    /// Both findings in words.
    public var summary: String {
      let fitting =
        isErased
        ? "In the fitting sample nothing linear is left: balanced accuracy \(fixed(before)) before, "
          + "\(fixed(after)) after."
        : "In the fitting sample something is left: class means differ by up to \(largestMeanDifference) deviations."
      guard let fresh = newRows.fresh, let interval = newRows.freshInterval else {
        return fitting + " The new rows are too few to train a fresh probe on."
      }
      return fitting
        + " On \(newRows.examples) new rows a fresh probe reaches \(fixed(fresh)) "
        + "(\(fixed(interval.low)) to \(fixed(interval.high)); chance \(fixed(chance)))"
        + (isFoundInNewRows ? ": the concept is not erased there." : ".")
    }
  }

  /// Erases the rows that the eraser was found on, and new ones, and trains probes on what is left.
  ///
  /// LEACE is exact for the covariances of the fitting sample; other rows have others, the more so the fewer rows there
  /// were beside columns.
  ///
  /// - Parameters:
  ///   - rows: the rows that the eraser was found on, with their classes.
  ///   - newRows: others of the same width, with their classes; every class among them.
  ///   - newGroups: those rows' groups; a row alone where there are none.
  /// - Throws: `probe.singleClass`, `probe.notFinite`.
  /// - Complexity: eight logistic regressions.
  public func check(
    _ rows: Matrix, labels: [Int32], classes: Int, newRows: Matrix, newLabels: [Int32], newGroups: [Int]? = nil,
    seed: UInt64 = 0
  ) throws -> Check {
    let erased = apply(to: rows)
    let own = try TrainingRows(ExampleMatrix(erased), labels: labels, classes: classes)
    let whole = own.standardization()
    var largest = 0.0
    for sums in own.classSums() {
      for column in 0..<own.width {
        let difference = sums.sums[column] / Double(sums.count) - whole.means[column]
        largest = max(largest, abs(difference) / whole.scales[column])
      }
    }
    func judge(_ scores: Matrix, _ labels: [Int32], _ groups: [Int], resamples: Int = 0) -> Evaluation {
      Evaluation(
        scores: scores, labels: labels, groups: groups, classes: (0..<classes).map(String.init), majorityClass: 0,
        bootstrap: .init(resamples: resamples, seed: seed))
    }
    func accuracy(_ classifier: LinearClassifier, _ matrix: Matrix, _ labels: [Int32]) -> Double {
      judge(classifier.scores(of: matrix), labels, Array(labels.indices)).scores.balancedAccuracy
    }
    let single = LogisticRegression.Settings(folds: 0)
    let before = try LogisticRegression.fit(rows, labels: labels, classes: classes, settings: single).classifier
    let after = try LogisticRegression.fit(erased, labels: labels, classes: classes, settings: single).classifier
    let count = Double(labels.count)
    let constant = (0..<classes).reduce(0.0) { sum, c in
      let share = Double(labels.count { $0 == Int32(c) }) / count
      return share > 0 ? sum - share * log(share) : sum
    }

    let newErased = apply(to: newRows)
    let groups = newGroups ?? Array(newLabels.indices)
    let fresh = try LogisticRegression.fit(
      newErased, labels: newLabels, classes: classes, groups: groups, settings: .init(folds: 5), seed: seed)
    let found = fresh.heldOutScores.map { judge($0, newLabels, groups, resamples: 1000) }
    return Check(
      largestMeanDifference: largest,
      loss: LinearObjective.meanLoss(after.scores(of: erased), targets: labels, kind: .logistic),
      constantLoss: constant, before: accuracy(before, rows, labels), after: accuracy(after, erased, labels),
      newRows: .init(
        examples: newLabels.count, groups: Set(groups).count, before: accuracy(before, newRows, newLabels),
        after: accuracy(after, newErased, newLabels), fresh: found?.scores.balancedAccuracy,
        freshInterval: found?.intervals?.balancedAccuracy),
      chance: 1 / Double(classes))
  }

  /// Finds the eraser on some of the rows and checks it on those and on the others.
  ///
  /// - Parameters:
  ///   - groups: each row's group: whole groups are held back.
  ///   - heldBack: the share of rows that are new to the eraser.
  /// - Throws: `probe.testShare`, `probe.tooFewExamples`, and what the others throw.
  public static func check(
    _ rows: Matrix, labels: [Int32], classes: Int, groups: [Int]? = nil, heldBack: Double = 0.5, seed: UInt64 = 0
  ) throws -> Check {
    let groups = groups ?? Array(labels.indices)
    let split = try Split.trainAndTest(labels: labels, groups: groups, testShare: heldBack, seed: seed)
    let (fitting, fittingLabels) = (rows.selectingRows(split.train), split.train.map { labels[$0] })
    return try ConceptEraser(fitting, labels: fittingLabels, classes: classes).check(
      fitting, labels: fittingLabels, classes: classes, newRows: rows.selectingRows(split.test),
      newLabels: split.test.map { labels[$0] }, newGroups: split.test.map { groups[$0] }, seed: seed)
  }
}
