import LinearAlgebra

/// Fits linear classifiers by minimising a loss: all folds at all strengths in step, so that one pass over the rows, two
/// matrix products, serves an iteration of all of them.
enum LinearFit {
  typealias Settings = LogisticRegression.Settings

  static func fit(
    _ training: TrainingRows, loss: LinearLoss, settings: Settings
  ) throws -> LogisticRegression.Fit {
    let strengths = settings.strengths.sorted()
    let whole = training.standardization(standardize: settings.standardize)
    // Columns far from zero beside their spread would lose digits in float32 sums: move those to their means first.
    let (shifted, shifts) = settings.standardize ? try shiftDistant(training.matrix, whole) : (training.matrix, nil)
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
    let objective = LinearObjective(matrix: shifted, problems: problems)
    var preconditioner = Preconditioner(
      matrix: shifted, standardization: whole.shifted(by: shifts),
      curvature: problems[0].initialCurvature)
    let ends = minimise(objective, starts: nil, settings: settings, preconditioner: &preconditioner)

    var losses = strengths.map { LogisticRegression.StrengthLoss(strength: $0, loss: 0) }
    var heldOut = [Matrix](
      repeating: Matrix(zeros: training.folds.isEmpty ? 0 : training.count, columns: problems[0].outputs),
      count: strengths.count)
    let foldProblems = Array(0..<training.folds.count * strengths.count)
    let foldScores = objective.scores(foldProblems, points: foldProblems.map { ends[$0].accepted })
    for (fold, split) in training.folds.enumerated() {
      let targets = training.targets(within: fold)
      for place in strengths.indices {
        let scores = foldScores[fold * strengths.count + place]
        losses[place].loss +=
          LinearObjective.meanLoss(scores, targets: targets, kind: loss, classWeights: settings.classWeights)
          / Double(training.folds.count)
        heldOut[place].take(split.test, of: scores)
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
        matrix: shifted, problems: [problem(training.labels, strengths[best], whole)])
      end = minimise(last, starts: [start], settings: settings, preconditioner: &preconditioner)[0]
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
  ///
  /// - Parameter preconditioner: got ready, for problems with no L1 part, once the passes have cost as much as that does:
  ///   easy problems end before, and no problem takes more than twice what it takes with it from the start.
  static func minimise(
    _ objective: LinearObjective, starts: [[Double]]?, settings: Settings, preconditioner: inout Preconditioner
  ) -> [any Minimizer] {
    let width = objective.matrix.columns
    let penalties = objective.problems.map(\.penalty)
    var searches: [any Minimizer] = objective.problems.enumerated().map { number, problem in
      let start = starts?[number] ?? [Double](repeating: 0, count: problem.outputs * (width + 1))
      return problem.l1Share == 0
        ? LBFGS(start: start, tolerance: settings.tolerance, maximumIterations: settings.maximumIterations)
        : OrthantWise(
          start: start, lambda: problem.l1Share * problem.penalty, penalized: problem.outputs * width,
          tolerance: settings.tolerance, maximumIterations: settings.maximumIterations)
    }
    /// Some searches' next step, on all threads.
    func move(_ numbers: [Int], _ body: (Int, inout any Minimizer) -> Void) {
      searches.withUnsafeMutableBufferPointer { searches in
        nonisolated(unsafe) let searches = searches
        withoutActuallyEscaping(body) { body in
          nonisolated(unsafe) let body = body
          Threads.forEach(numbers.count) { place in body(place, &searches[numbers[place]]) }
        }
      }
    }
    let rowOutputs = Double(objective.matrix.rows) * Double(width)
    var spent = 0.0
    var isPreconditioned = false
    while true {
      let active = searches.indices.filter { searches[$0].state == .running }
      guard !active.isEmpty else { return searches }
      let smooth = active.filter { objective.problems[$0].l1Share == 0 }
      if !isPreconditioned, !smooth.isEmpty, preconditioner.isPossible {
        let own = smooth.map { penalties[$0] }
        if spent >= preconditioner.cost(own) {
          preconditioner.prepare(own)
          isPreconditioned = true
          if preconditioner.isPossible { move(smooth) { $1.useConditioning() } }
        }
        // Products with few columns run at half the speed of square ones.
        spent += 8 * rowOutputs * Double(smooth.reduce(0) { $0 + objective.problems[$1].outputs })
      }
      let results = objective.evaluate(active, points: active.map { searches[$0].point })
      move(active) { place, search in
        search.receive(value: results[place].value, gradient: results[place].gradient)
      }
      let waiting = active.filter { searches[$0].unconditioned != nil }
      if !waiting.isEmpty {
        let conditioned = preconditioner.applied(
          to: waiting.compactMap { searches[$0].unconditioned }, penalties: waiting.map { penalties[$0] })
        move(waiting) { place, search in search.receive(conditioned: conditioned[place]) }
      }
    }
  }

  /// Moves columns whose mean exceeds 256 standard deviations to mean 0, in a copy; none, and no copy, as a rule.
  private static func shiftDistant(
    _ matrix: ExampleMatrix, _ whole: Standardization
  ) throws -> (ExampleMatrix, [Double]?) {
    let distant = whole.means.indices.filter { abs(whole.means[$0]) > 256 * whole.scales[$0] }
    guard !distant.isEmpty else { return (matrix, nil) }
    var shifted = try matrix.selectingRows(0..<matrix.rows)
    var shifts = [Double](repeating: 0, count: matrix.columns)
    for column in distant { shifts[column] = Double(Float(whole.means[column])) }
    let columns = matrix.columns
    shifted.withUnsafeMutableElements { elements in
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
    classifier(parameters: weights + bias, outputs: bias.count)
  }

  /// The same of one array, the weights output by output and then the biases.
  func classifier(parameters: [Double], outputs: Int) -> LinearClassifier {
    var bias = [Float](repeating: 0, count: outputs)
    let weights = Matrix(rows: outputs, columns: means.count) { weights in
      bias.withUnsafeMutableBufferPointer { fold(parameters, outputs: outputs, weights: weights, bias: $0) }
    }
    return LinearClassifier(weights: weights, bias: bias)
  }

  /// The same into memory of the caller's.
  func fold(
    _ parameters: [Double], outputs: Int, weights: UnsafeMutableBufferPointer<Float>,
    bias: UnsafeMutableBufferPointer<Float>
  ) {
    let width = means.count
    parameters.withUnsafeBufferPointer { parameters in
      means.withUnsafeBufferPointer { means in
        scales.withUnsafeBufferPointer { scales in
          for output in 0..<outputs {
            var shift = 0.0
            for column in 0..<width {
              let weight = Float(parameters[output * width + column] / scales[column])
              weights[output * width + column] = weight
              // With the rounded weight, so that what rounding changes is the direction and not the threshold too.
              shift += Double(weight) * means[column]
            }
            bias[output] = Float(parameters[outputs * width + output] - shift)
          }
        }
      }
    }
  }

  /// The rows with each column brought to mean 0 and standard deviation 1.
  func applied(to matrix: Matrix) -> Matrix {
    let width = matrix.columns
    return Matrix(rows: matrix.rows, columns: width) { scaled in
      nonisolated(unsafe) let scaled = scaled
      matrix.elements.withUnsafeBufferPointer { values in
        Threads.forRanges(0..<matrix.rows, grain: 64) { rows in
          for row in rows {
            for column in 0..<width {
              scaled[row * width + column] = Float(
                (Double(values[row * width + column]) - means[column]) / scales[column])
            }
          }
        }
      }
    }
  }
}
