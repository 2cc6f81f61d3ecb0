import LinearAlgebra

/// Fits linear classifiers by minimising a loss: all folds at all strengths in step, so that one pass over the rows, two
/// matrix products, serves an iteration of all of them.
enum LinearFit {
  typealias Settings = LogisticRegression.Settings

  static func fit(_ training: TrainingRows, loss: LinearLoss, settings: Settings) -> LogisticRegression.Fit {
    let strengths = settings.strengths.sorted()
    let whole = training.standardization(standardize: settings.standardize)
    // Columns far from zero beside their spread would lose digits in float32 sums: move those to their means first.
    let (shifted, shifts) = settings.standardize ? shiftDistant(training.matrix, whole) : (training.matrix, nil)
    func problem(_ targets: [Int32], _ strength: Double, _ standardization: Standardization) -> LinearProblem {
      LinearProblem(
        targets: targets, classes: training.classes, loss: loss, strength: strength,
        l1Share: loss == .logistic ? settings.l1Share : 0, penalizesIntercept: loss == .squaredHinge,
        classWeights: settings.classWeights.weights(of: targets, classes: training.classes),
        standardization: standardization.shifted(by: shifts))
    }

    // Every fold at every strength, and where there is nothing to choose the whole too.
    var problems: [LinearProblem] = []
    for fold in training.folds.indices {
      let own = training.standardization(without: fold, standardize: settings.standardize)
      let targets = training.targets(without: fold)
      for strength in strengths { problems.append(problem(targets, strength, own)) }
    }
    if strengths.count == 1 { problems.append(problem(training.labels, strengths[0], whole)) }
    let objective = LinearObjective(matrix: shifted, rows: training.rows, problems: problems)
    let ends = minimise(objective, starts: nil, settings: settings)

    var losses = strengths.map { LogisticRegression.StrengthLoss(strength: $0, loss: 0) }
    var heldOut = [Matrix](
      repeating: Matrix(zeros: training.folds.isEmpty ? 0 : training.count, columns: problems[0].outputs),
      count: strengths.count)
    for (fold, split) in training.folds.enumerated() {
      var targets = [Int32](repeating: -1, count: training.count)
      for index in split.test { targets[index] = training.labels[index] }
      for place in strengths.indices {
        let number = fold * strengths.count + place
        let scores = objective.scores(number, parameters: ends[number].accepted)
        losses[place].loss +=
          LinearObjective.meanLoss(scores, targets: targets, kind: loss) / Double(training.folds.count)
        let outputs = scores.columns
        for index in split.test {
          for output in index * outputs..<(index + 1) * outputs {
            heldOut[place].elements[output] = scores.elements[output]
          }
        }
      }
    }
    var best = 0
    for place in losses.indices where losses[place].loss < losses[best].loss - 1e-6 { best = place }
    let end: any Minimizer
    if strengths.count == 1 {
      end = ends[ends.count - 1]
    } else {
      // The folds' weights are near those of the whole: begin at their mean.
      let near = training.folds.indices.map { ends[$0 * strengths.count + best].accepted }
      var start = [Double](repeating: 0, count: near[0].count)
      for point in near { addScaled(1 / Double(near.count), point, to: &start) }
      let last = LinearObjective(
        matrix: shifted, rows: training.rows, problems: [problem(training.labels, strengths[best], whole)])
      end = minimise(last, starts: [start], settings: settings)[0]
    }
    let outputs = training.classes == 2 ? 1 : training.classes
    let weightCount = outputs * training.width
    return LogisticRegression.Fit(
      classifier: whole.classifier(
        weights: Array(end.accepted[..<weightCount]), bias: Array(end.accepted[weightCount...])),
      coefficients: Array(end.accepted[..<weightCount]), intercepts: Array(end.accepted[weightCount...]),
      standardization: whole, strength: strengths[best], strengthLosses: training.folds.isEmpty ? [] : losses,
      validation: training.folds.isEmpty ? nil : training.balancedAccuracy(ofHeldOut: heldOut[best]),
      heldOutScores: training.folds.isEmpty ? nil : heldOut[best], iterations: end.iterations,
      converged: end.state == .converged, gradient: end.gradientNorm)
  }

  /// Takes all problems down together; those that have ended drop out of the passes.
  static func minimise(
    _ objective: LinearObjective, starts: [[Double]]?, settings: Settings
  ) -> [any Minimizer] {
    let width = objective.matrix.columns
    var searches: [any Minimizer] = objective.problems.enumerated().map { number, problem in
      let start = starts?[number] ?? [Double](repeating: 0, count: problem.outputs * (width + 1))
      return problem.l1Share == 0
        ? LBFGS(start: start, tolerance: settings.tolerance, maximumIterations: settings.maximumIterations)
        : OrthantWise(
          start: start, lambda: problem.l1Share * problem.penalty, penalized: problem.outputs * width,
          tolerance: settings.tolerance, maximumIterations: settings.maximumIterations)
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
}

extension Standardization {
  fileprivate func shifted(by shifts: [Double]?) -> Standardization {
    guard let shifts else { return self }
    var result = self
    for column in shifts.indices { result.means[column] -= shifts[column] }
    return result
  }

  /// The classifier of unstandardised rows that has the given weights of standardised columns, output by output.
  func classifier(weights: [Double], bias: [Double]) -> LinearClassifier {
    let width = means.count
    var own = Matrix(zeros: bias.count, columns: width)
    var ownBias = [Float](repeating: 0, count: bias.count)
    for output in bias.indices {
      var shift = 0.0
      for column in 0..<width {
        let weight = Float(weights[output * width + column] / scales[column])
        own.elements[output * width + column] = weight
        // With the rounded weight, so that what rounding changes is the direction and not the threshold too.
        shift += Double(weight) * means[column]
      }
      ownBias[output] = Float(bias[output] - shift)
    }
    return LinearClassifier(weights: own, bias: ownBias)
  }
}
