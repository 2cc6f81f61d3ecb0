import LinearAlgebra

/// One of the sizes that a k-sparse or principal-components probe was tried at.
public struct SizeScore: Codable, Sendable, Equatable {
  /// How many columns or components the probe reads.
  public var size: Int
  /// The mean loss in nats on held-out folds of the training rows; nil without folds.
  public var loss: Double?
  /// The mean balanced accuracy on those folds.
  public var validation: Double?
  /// Scores on the examples held back, of outer folds the mean: to be looked at, never to choose by.
  public var test: Scores?
}

/// Logistic regression on a few numbers made of each row, at several sizes; the choice of those numbers happens anew in
/// each fold.
public struct ReducedFit: Sendable, Equatable {
  /// Of whole rows, in their units.
  public var classifier: LinearClassifier
  public var standardization: Standardization
  /// The size used: of the least loss on held-out folds, of equal ones the smallest; without folds the largest.
  public var size: Int
  /// The C used.
  public var strength: Double
  /// Every size tried.
  public var sizes: [SizeScore]
  /// A classifier of all training rows for each size.
  public var classifiers: [LinearClassifier]
  /// The mean balanced accuracy on held-out folds at the size used; nil where there were none.
  public var validation: Double?
  /// Each row's scores by the fit that had not seen it.
  public var heldOutScores: Matrix?
  public var iterations: Int
  public var converged: Bool
  /// The columns read, best first; of components none.
  public var columns: [Int]

  /// What makes a few numbers of each row.
  struct Reduction {
    /// [training rows, size].
    var values: Matrix
    /// The classifier of whole rows that reads those numbers as the given one does.
    var expand: (LinearClassifier) -> LinearClassifier
  }

  /// - Parameters:
  ///   - sizes: in rising order, none twice.
  ///   - reduce: the reduction learnt without a fold, or from all rows, at a size.
  static func fit(
    _ training: TrainingRows, sizes: [Int], settings: LogisticRegression.Settings,
    reduce: (_ fold: Int?, _ size: Int) -> Reduction
  ) -> ReducedFit {
    let strengths = settings.strengths.sorted()
    let folds = Double(max(training.folds.count, 1))
    struct Candidate {
      var size: Int
      var strength: Double
      var loss = 0.0
      var scores: Matrix
    }
    let outputs = training.classes == 2 ? 1 : training.classes
    var candidates = sizes.flatMap { size in
      strengths.map { strength in
        Candidate(
          size: size, strength: strength,
          scores: Matrix(zeros: training.folds.isEmpty ? 0 : training.count, columns: outputs))
      }
    }
    for (fold, split) in training.folds.enumerated() {
      let heldOut = training.targets(within: fold)
      for size in sizes {
        let values = reduce(fold, size).values
        let fit = minimise(
          values, targets: training.targets(without: fold), classes: training.classes, strengths: strengths,
          settings: settings)
        let scores = fit.objective.scores(
          Array(fit.ends.indices), points: fit.ends.map(\.accepted))
        for (strength, end) in zip(strengths, fit.ends.indices) {
          guard let place = candidates.firstIndex(where: { $0.size == size && $0.strength == strength }) else {
            continue
          }
          candidates[place].loss +=
            LinearObjective.meanLoss(
              scores[end], targets: heldOut, kind: .logistic, classWeights: settings.classWeights) / folds
          candidates[place].scores.take(split.test, of: scores[end])
        }
      }
    }
    // For each size its best strength.
    var chosen: [Candidate] = []
    for size in sizes {
      let own = candidates.filter { $0.size == size }
      var best = own[0]
      for candidate in own where candidate.loss < best.loss - 1e-6 { best = candidate }
      chosen.append(best)
    }
    var best = training.folds.isEmpty ? chosen.count - 1 : 0
    if !training.folds.isEmpty {
      for place in chosen.indices where chosen[place].loss < chosen[best].loss - 1e-6 { best = place }
    }
    var classifiers: [LinearClassifier] = []
    var iterations = 0
    var converged = true
    for (place, candidate) in chosen.enumerated() {
      let reduction = reduce(nil, candidate.size)
      let fit = minimise(
        reduction.values, targets: training.labels, classes: training.classes, strengths: [candidate.strength],
        settings: settings)
      classifiers.append(reduction.expand(fit.objective.classifier(0, parameters: fit.ends[0].accepted)))
      if place == best {
        iterations = fit.ends[0].iterations
        converged = fit.ends[0].state == .converged
      }
    }
    let scored = chosen.map { candidate in
      SizeScore(
        size: candidate.size, loss: training.folds.isEmpty ? nil : candidate.loss,
        validation: training.folds.isEmpty ? nil : training.balancedAccuracy(ofHeldOut: candidate.scores))
    }
    return ReducedFit(
      classifier: classifiers[best], standardization: training.standardization(), size: chosen[best].size,
      strength: chosen[best].strength, sizes: scored, classifiers: classifiers,
      validation: scored[best].validation, heldOutScores: training.folds.isEmpty ? nil : chosen[best].scores,
      iterations: iterations, converged: converged, columns: [])
  }

  private static func minimise(
    _ values: Matrix, targets: [Int32], classes: Int, strengths: [Double], settings: LogisticRegression.Settings
  ) -> (objective: LinearObjective, ends: [any Minimizer]) {
    let values = ExampleMatrix(values)
    let parts = targets.map { $0 >= 0 ? Int32(0) : 1 }
    let standardization = ColumnSums.byPart(values, parts: parts, count: 2)[0].standardization()
    let objective = LinearObjective(
      matrix: values,
      problems: strengths.map {
        LinearProblem(
          targets: targets, classes: classes, strength: $0, l1Share: settings.l1Share,
          classWeights: settings.classWeights.weights(of: targets, classes: classes), standardization: standardization)
      })
    var preconditioner = Preconditioner(
      matrix: values, standardization: standardization,
      curvature: objective.problems[0].initialCurvature)
    return (
      objective, LinearFit.minimise(objective, starts: nil, settings: settings, preconditioner: &preconditioner)
    )
  }
}
