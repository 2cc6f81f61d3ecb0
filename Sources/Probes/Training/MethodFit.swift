import LinearAlgebra

/// What any method leaves: a classifier, and what is known of it from the training rows alone.
struct MethodFit: Sendable {
  var classifier: LinearClassifier
  var standardization: Standardization
  var record: ProbeRecord.FitRecord
  /// The mean balanced accuracy, or R², on held-out folds.
  var validation: Double?
  /// A classifier for each of `record.sizes`.
  var sizes: [LinearClassifier] = []

  init(_ training: TrainingRows, settings: ProbeSettings) throws {
    var heldOut: Matrix?
    switch settings.method {
    case .logistic, .svm:
      let fit = try LinearFit.fit(
        training, loss: settings.method == .svm ? .squaredHinge : .logistic, settings: settings.logistic)
      (classifier, standardization) = (fit.classifier, fit.standardization)
      (validation, heldOut) = (fit.validation, fit.heldOutScores)
      record = .init(
        strength: fit.strength, strengthLosses: fit.strengthLosses, iterations: fit.iterations,
        converged: fit.converged)
    case .massMean:
      classifier = MassMean.classifier(training.classSums())
      standardization = training.standardization()
      heldOut = training.heldOutScores(
        training.folds.indices.map { MassMean.classifier(training.classSums(without: $0)) })
      validation = heldOut.map { training.balancedAccuracy(ofHeldOut: $0) }
      record = .init()
    case .lda:
      let fit = LinearDiscriminant.fit(training)
      (classifier, standardization) = (fit.classifier, fit.standardization)
      (validation, heldOut) = (fit.validation, fit.heldOutScores)
      record = .init(shrinkage: fit.shrinkage)
    case .sparse, .components:
      let fit =
        settings.method == .sparse
        ? SparseProbe.fit(training, settings: settings.sparse, logistic: settings.logistic)
        : PrincipalComponents.fit(training, settings: settings.components, logistic: settings.logistic)
      (classifier, standardization) = (fit.classifier, fit.standardization)
      (validation, heldOut, sizes) = (fit.validation, fit.heldOutScores, fit.classifiers)
      record = .init(
        strength: fit.strength, iterations: fit.iterations, converged: fit.converged, size: fit.size,
        sizes: fit.sizes, columns: settings.method == .sparse ? fit.columns : nil)
    case .ridge:
      let fit = RidgeRegression.fit(training, settings: settings.ridge)
      (classifier, standardization, validation) = (fit.classifier, fit.standardization, fit.validation)
      record = .init(strengthLosses: fit.penaltyErrors, penalty: fit.penalty)
    }
    if settings.threshold == .training, training.classes == 2, !settings.method.predictsNumbers {
      let scores = heldOut ?? classifier.scores(of: training.matrix)
      classifier.bias[0] -= MassMean.bestThreshold(scores.elements, labels: training.labels)
    }
  }
}
