import Diagnostics
import LinearAlgebra

/// Logistic regression with an L2 penalty, as scikit-learn's `LogisticRegression` with `StandardScaler` before it.
///
/// The same objective, C · Σ loss + ½‖w‖² with the intercept free, over columns standardised by the training rows alone;
/// two classes have one weight vector, more have one each (multinomial). Minimised by L-BFGS.
public enum LogisticRegression {
  public struct Settings: Codable, Sendable, Equatable {
    /// scikit-learn's C: larger follows the examples more closely. With several, the one with the least mean loss on
    /// held-out folds of the training rows is taken, and of equal ones the smallest.
    public var strengths: [Double]
    /// The folds of the training rows that choose among several strengths, and on which `Fit.validation` is found; 0
    /// for none where there is one strength.
    public var folds: Int
    /// The largest component that the gradient of the mean objective may keep.
    public var tolerance: Double
    public var maximumIterations: Int
    /// Whether columns are brought to mean 0 and standard deviation 1 over the training rows first.
    public var standardize: Bool

    public init(
      strengths: [Double] = [1], folds: Int = 5, tolerance: Double = 1e-5, maximumIterations: Int = 1000,
      standardize: Bool = true
    ) {
      self.strengths = strengths
      self.folds = folds
      self.tolerance = tolerance
      self.maximumIterations = maximumIterations
      self.standardize = standardize
    }

    /// Refuses what no fit can use.
    public func validate() throws {
      guard !strengths.isEmpty, strengths.allSatisfy({ $0.isFinite && $0 > 0 }) else {
        throw Fault(
          .usage, "probe.strength", "A regularisation strength C must be a number above 0",
          expected: "such as 1, or 0.01,0.1,1,10 to choose inside the training folds",
          found: strengths.map { "\($0)" }.joined(separator: ", "))
      }
      guard tolerance > 0, maximumIterations > 0 else {
        throw Fault(
          .usage, "probe.tolerance", "The tolerance and the number of iterations must be above 0",
          found: "tolerance \(tolerance), iterations \(maximumIterations)")
      }
    }
  }

  /// A fitted classifier and how it was come by.
  public struct Fit: Sendable, Equatable {
    /// In the units of the rows.
    public var classifier: LinearClassifier
    /// scikit-learn's `coef_`: the weights of the standardised columns, [1 or classes, width] in float64, row by row.
    public var coefficients: [Double]
    /// scikit-learn's `intercept_`.
    public var intercepts: [Double]
    public var standardization: Standardization
    /// The C used.
    public var strength: Double
    /// The mean loss in nats on held-out folds for each C tried; empty where there was one.
    public var strengthLosses: [StrengthLoss]
    /// The mean balanced accuracy on held-out folds at that C; nil where there were none.
    public var validation: Double?
    public var iterations: Int
    /// Whether the gradient fell below the tolerance.
    public var converged: Bool
    /// The largest component of the gradient at the end.
    public var gradient: Double
  }

  public struct StrengthLoss: Codable, Sendable, Equatable {
    public var strength: Double
    public var loss: Double
  }

  /// Fits the rows of a matrix.
  ///
  /// - Parameters:
  ///   - matrix: the examples, a row each.
  ///   - rows: the rows to learn from; all, unless given.
  ///   - labels: the class of each of those rows, from 0 to `classes` − 1.
  ///   - groups: the group of each of those rows, for the folds that choose C.
  ///   - seed: divides the folds.
  /// - Throws: `probe.notFinite`, `probe.singleClass`, `probe.tooFewExamples`.
  /// - Complexity: a pass over the rows for an iteration of all folds and strengths together.
  public static func fit(
    _ matrix: Matrix, rows: Range<Int>? = nil, labels: [Int32], classes: Int, groups: [Int]? = nil,
    settings: Settings = Settings(), seed: UInt64 = 0
  ) throws -> Fit {
    try settings.validate()
    let rows = rows ?? 0..<matrix.rows
    precondition(labels.count == rows.count, "\(labels.count) labels for \(rows.count) rows")
    precondition(classes >= 2 && labels.allSatisfy { $0 >= 0 && $0 < classes }, "labels outside 0..<\(classes)")
    try requireEveryClass(labels, classes: classes)

    let strengths = settings.strengths.sorted()
    let groups = groups ?? Array(labels.indices)
    // Few groups allow fewer folds; none are needed where there is nothing to choose.
    let possible = min(settings.folds, leastGroups(labels, groups: groups, classes: classes))
    let folds =
      possible > 1 || strengths.count > 1
      ? try Split.folds(possible, labels: labels, groups: groups, seed: seed) : []
    var parts = [Int32](repeating: 0, count: rows.count)
    for (fold, split) in folds.enumerated() {
      for index in split.test { parts[index] = Int32(fold) }
    }
    let moments = ColumnSums.byPart(matrix, rows: rows, parts: parts, partCount: max(folds.count, 1))
    var all = moments[0]
    for part in moments.dropFirst() { all = all + part }
    try all.requireFinite()
    func standardization(_ moments: ColumnSums) -> Standardization {
      let width = matrix.columns
      return settings.standardize
        ? moments.standardization()
        : Standardization(
          means: [Double](repeating: 0, count: width), scales: [Double](repeating: 1, count: width))
    }
    // Columns far from zero beside their spread would lose digits in float32 sums: move those to their means first.
    let whole = standardization(all)
    let (shifted, shifts) = settings.standardize ? shiftDistant(matrix, whole) : (matrix, nil)

    // Every fold at every strength, and where there is nothing to choose the whole too, in step.
    var problems: [LogisticProblem] = []
    for (fold, split) in folds.enumerated() {
      var targets = labels
      for index in split.test { targets[index] = -1 }
      let own = standardization(all - moments[fold]).shifted(by: shifts)
      for strength in strengths {
        problems.append(
          LogisticProblem(targets: targets, classes: classes, strength: strength, standardization: own))
      }
    }
    func wholeProblem(_ strength: Double) -> LogisticProblem {
      LogisticProblem(
        targets: labels, classes: classes, strength: strength, standardization: whole.shifted(by: shifts))
    }
    if strengths.count == 1 { problems.append(wholeProblem(strengths[0])) }
    let objective = LogisticObjective(matrix: shifted, rows: rows, problems: problems)
    let ends = minimise(objective, settings: settings)

    var losses = strengths.map { StrengthLoss(strength: $0, loss: 0) }
    var accuracies = [Double](repeating: 0, count: strengths.count)
    for (fold, split) in folds.enumerated() {
      var heldOut = [Int32](repeating: -1, count: rows.count)
      for index in split.test { heldOut[index] = labels[index] }
      for place in strengths.indices {
        let problem = fold * strengths.count + place
        let scores = objective.scores(problem, parameters: ends[problem].accepted)
        losses[place].loss += LogisticObjective.meanLoss(scores, targets: heldOut) / Double(folds.count)
        let predictions = LinearClassifier.predictions(from: scores)
        var confusion = [Double](repeating: 0, count: classes * classes)
        for index in split.test { confusion[Int(labels[index]) * classes + Int(predictions[index])] += 1 }
        accuracies[place] +=
          Scores(confusion: confusion, classes: classes, auroc: nil).balancedAccuracy / Double(folds.count)
      }
    }
    var best = 0
    for place in losses.indices where losses[place].loss < losses[best].loss - 1e-6 { best = place }
    let strength = strengths[best]
    let end: LBFGS
    if strengths.count == 1 {
      end = ends[ends.count - 1]
    } else {
      end =
        minimise(
          LogisticObjective(matrix: shifted, rows: rows, problems: [wholeProblem(strength)]), settings: settings)[0]
    }
    let outputs = classes == 2 ? 1 : classes
    let width = matrix.columns
    // Back to the units of the rows, in float64 until the last step.
    var weights = [Float](repeating: 0, count: outputs * width)
    var bias = [Float](repeating: 0, count: outputs)
    for output in 0..<outputs {
      var shift = 0.0
      for column in 0..<width {
        let weight = Float(end.accepted[output * width + column] / whole.scales[column])
        weights[output * width + column] = weight
        shift += Double(weight) * whole.means[column]
      }
      bias[output] = Float(end.accepted[outputs * width + output] - shift)
    }
    return Fit(
      classifier: LinearClassifier(
        weights: Matrix(rows: outputs, columns: width, elements: weights), bias: bias),
      coefficients: Array(end.accepted[..<(outputs * width)]),
      intercepts: Array(end.accepted[(outputs * width)...]),
      standardization: whole, strength: strength, strengthLosses: folds.isEmpty ? [] : losses,
      validation: folds.isEmpty ? nil : accuracies[best], iterations: end.iterations,
      converged: end.state == .converged, gradient: end.gradientNorm)
  }

  /// Takes all problems down together; those that have ended drop out of the passes.
  private static func minimise(_ objective: LogisticObjective, settings: Settings) -> [LBFGS] {
    let width = objective.matrix.columns
    var searches = objective.problems.map { problem in
      LBFGS(
        start: [Double](repeating: 0, count: problem.outputs * (width + 1)), tolerance: settings.tolerance,
        maximumIterations: settings.maximumIterations)
    }
    while true {
      let active = searches.indices.filter { searches[$0].state == .running }
      guard !active.isEmpty else { return searches }
      let results = objective.evaluate(active, points: active.map { searches[$0].point })
      for (place, problem) in active.enumerated() {
        searches[problem].receive(value: results[place].value, gradient: results[place].gradient)
      }
    }
  }

  /// Moves columns whose mean exceeds 256 standard deviations to mean 0, in a copy; none, and no copy, as a rule.
  private static func shiftDistant(_ matrix: Matrix, _ whole: Standardization) -> (Matrix, [Double]?) {
    let distant = whole.means.indices.filter { abs(whole.means[$0]) > 256 * whole.scales[$0] }
    guard !distant.isEmpty else { return (matrix, nil) }
    var shifted = matrix
    var shifts = [Double](repeating: 0, count: matrix.columns)
    for column in distant { shifts[column] = Double(Float(whole.means[column])) }
    let columns = matrix.columns
    shifted.elements.withUnsafeMutableBufferPointer { elements in
      for row in 0..<matrix.rows {
        for column in distant { elements[row * columns + column] -= Float(shifts[column]) }
      }
    }
    return (shifted, shifts)
  }

  /// The number of groups of the class that has fewest.
  private static func leastGroups(_ labels: [Int32], groups: [Int], classes: Int) -> Int {
    var seen = [Set<Int>](repeating: [], count: classes)
    for (label, group) in zip(labels, groups) { seen[Int(label)].insert(group) }
    return seen.map(\.count).min() ?? 0
  }

  static func requireEveryClass(_ labels: [Int32], classes: Int) throws {
    var counts = [Int](repeating: 0, count: classes)
    for label in labels { counts[Int(label)] += 1 }
    let present = counts.count { $0 > 0 }
    guard present == classes else {
      throw Fault(
        .badData, "probe.singleClass", "The examples to learn from do not hold every class",
        expected: "examples of \(classes) classes", found: "examples of \(present)",
        advice: "give labelled examples of each class")
    }
  }
}

extension Standardization {
  fileprivate func shifted(by shifts: [Double]?) -> Standardization {
    guard let shifts else { return self }
    var result = self
    for column in shifts.indices { result.means[column] -= shifts[column] }
    return result
  }
}
