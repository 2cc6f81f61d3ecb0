import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Testing

@Suite struct ClassifierTests {
  /// Whether two lists agree within a share of the largest value.
  private func agree(
    _ ours: [Double], _ theirs: [Double], _ tolerance: Double, _ what: Comment,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(ours.count == theirs.count, what, sourceLocation: location)
    let largest = theirs.map(abs).max() ?? 0
    let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= tolerance * largest, "\(what): off by \(worst) beside \(largest)", sourceLocation: location)
  }

  private func scores(_ classifier: LinearClassifier, _ reference: ClassifierReference.Case) throws -> [Double] {
    classifier.scores(of: try reference.examples().selectingRows(reference.trained..<reference.rows)).elements.map {
      Double($0)
    }
  }

  /// Scores of more than two classes share a constant that no comparison of classes sees, and no penalty holds.
  private func centred(_ values: [Double], _ reference: ClassifierReference.Case) -> [Double] {
    guard reference.classes > 2 else { return values }
    return values.indices.map { index in
      let row = index / reference.classes * reference.classes
      return values[index] - values[row..<row + reference.classes].reduce(0, +) / Double(reference.classes)
    }
  }

  @Test func sparsePenaltiesReachScikitLearnsMinimum() throws {
    for reference in try ClassifierReference.read().cases {
      for theirs in reference.penalties {
        let ratio = try #require(theirs.l1Ratio)
        let strength = try #require(theirs.strength)
        let fit = try LogisticRegression.fit(
          try reference.examples().selectingRows(0..<reference.trained), labels: reference.trainingLabels,
          classes: reference.classes,
          settings: .init(
            strengths: [strength], folds: 0, tolerance: 1e-6, maximumIterations: 5000,
            penalty: ratio == 1 ? .l1 : .elasticNet, l1Ratio: ratio))
        let name: Comment = "\(reference.name) l1=\(ratio) C=\(strength) \(fit.converged) \(fit.gradient)"
        // The minimum is flat: float32 sums leave about three digits of the weights, six of the objective.
        agree(fit.coefficients, theirs.coefficients, 3e-3, name)
        agree(
          centred(try scores(fit.classifier, reference), reference), centred(theirs.testScores, reference), 3e-3, name)
        // What is 0 there is 0 here, to the letter.
        let zeros = zip(fit.coefficients, theirs.coefficients).count { ($0 == 0) != ($1 == 0) }
        #expect(zeros <= 2, name)
      }
    }
  }

  @Test func balancedWeightsAreScikitLearns() throws {
    for reference in try ClassifierReference.read().cases {
      let fit = try LogisticRegression.fit(
        try reference.examples().selectingRows(0..<reference.trained), labels: reference.trainingLabels,
        classes: reference.classes,
        settings: .init(
          strengths: [0.5], folds: 0, tolerance: 1e-7, maximumIterations: 5000, classWeights: .balanced))
      agree(fit.coefficients, reference.balanced.coefficients, 5e-4, "\(reference.name)")
      agree(try scores(fit.classifier, reference), reference.balanced.testScores, 1e-3, "\(reference.name)")
    }
  }

  @Test func supportVectorsAreLinearSVCs() throws {
    for reference in try ClassifierReference.read().cases {
      let fit = try LinearSVM.fit(
        try reference.examples().selectingRows(0..<reference.trained), labels: reference.trainingLabels,
        classes: reference.classes,
        settings: .init(strengths: [0.1], folds: 0, tolerance: 1e-7, maximumIterations: 5000))
      agree(fit.coefficients, reference.svm.coefficients, 1e-3, "\(reference.name)")
      agree(fit.intercepts, reference.svm.intercepts, 1e-3, "\(reference.name)")
      agree(try scores(fit.classifier, reference), reference.svm.testScores, 1e-3, "\(reference.name)")
    }
  }

  @Test func discriminantsAreScikitLearns() throws {
    for reference in try ClassifierReference.read().cases {
      let fit = try LinearDiscriminant.fit(
        try reference.examples().selectingRows(0..<reference.trained), labels: reference.trainingLabels,
        classes: reference.classes, folds: 3)
      // Covariances in float32 products, solved in float64.
      let ours = try scores(fit.classifier, reference)
      agree(
        centred(ours, reference), centred(reference.lda.testScores, reference), 1e-3,
        "\(reference.name) \(fit.shrinkage)")
      #expect(fit.shrinkage.allSatisfy { $0 > 0 && $0 < 1 })
      #expect(try #require(fit.validation) > 0.5)
    }
  }

  @Test func selectorsAreScikitLearns() throws {
    for reference in try ClassifierReference.read().cases {
      let rows = try reference.examples().selectingRows(0..<reference.trained)
      let (labels, classes) = (reference.trainingLabels, reference.classes)
      var f = try ColumnSelector.fStatistics(of: rows, labels: labels, classes: classes)
      var information = try ColumnSelector.mutualInformation(of: rows, labels: labels, classes: classes)
      #expect(f[1] == 0 && information[1] == 0)
      f.remove(at: 1)
      information.remove(at: 1)
      agree(f, reference.f, 1e-5, "F of \(reference.name)")
      // scikit-learn breaks ties by noise of 1e−10; without ties the estimates are the same.
      agree(information, reference.mutualInformation, 1e-6, "information of \(reference.name)")
      for selector in ColumnSelector.allCases {
        let ranking = try selector.ranking(of: rows, labels: labels, classes: classes, count: 8)
        #expect(ranking.count == 8 && Set(ranking).count == 8)
        if selector != .random { #expect(!ranking.contains(1), "\(selector)") }
      }
    }
  }

  @Test func tiedValuesKeepTheirInformation() throws {
    // A neuron that is 0 without the concept: all it tells is whether it fires, ln 2 for even classes; one that fires at
    // every other pair tells nothing.
    let labels = (0..<400).map { Int32($0 % 2) }
    var rows = Matrix(zeros: 400, columns: 2)
    for row in 0..<400 {
      rows[row, 0] = row % 2 == 0 ? 0 : 1
      rows[row, 1] = row / 2 % 2 == 0 ? 0 : 1
    }
    let information = try ColumnSelector.mutualInformation(of: rows, labels: labels, classes: 2)
    #expect(abs(information[0] - log(2)) < 0.01)
    #expect(information[1] < 0.01)
  }

  @Test func componentsAreScikitLearns() throws {
    for reference in try ClassifierReference.read().cases {
      let found = try PrincipalComponents.of(
        try reference.examples().selectingRows(0..<reference.trained), count: 4)
      agree(found.variances, reference.components.variances, 1e-4, "\(reference.name)")
      // Directions by their cosine; variances that lie near each other leave them loose.
      for k in 0..<4 {
        let theirs = Array(reference.components.directions[k * reference.columns..<(k + 1) * reference.columns])
        let cosine = zip(found.directions.row(k), theirs).reduce(0) { $0 + Double($1.0) * $1.1 }
        #expect(abs(cosine) > 0.995, "\(reference.name) \(k)")
      }
    }
  }

  @Test func erasureIsLEACEs() throws {
    for reference in try ClassifierReference.read().cases {
      let rows = try reference.examples().selectingRows(0..<reference.trained)
      let eraser = try ConceptEraser(rows, labels: reference.trainingLabels, classes: reference.classes)
      let erased = eraser.apply(to: rows)
      // With more columns than rows the inverse of the covariance is cut off at directions of 1e−7 of the largest
      // variance, in float32 products: three digits.
      agree(
        erased.elements[..<reference.erased.count].map { Double($0) }, reference.erased,
        reference.columns > reference.trained ? 5e-3 : 1e-4, "\(reference.name)")
      let others = reference.trained..<reference.rows
      let check = try eraser.check(
        rows, labels: reference.trainingLabels, classes: reference.classes,
        newRows: try reference.examples().selectingRows(others), newLabels: Array(reference.labels[others]))
      #expect(check.isErased, "\(check)")
      #expect(check.before > 0.7 && check.after <= check.chance + 0.02, "\(check)")
      // The probe of the erased fitting rows has nothing to tell of any row.
      #expect(abs(check.newRows.after - check.chance) < 0.1, "\(check)")
    }
  }

  @Test func erasureHoldsForTheFittingSample() throws {
    // Four classes along directions of their own in 120 columns.
    func sample(_ count: Int, seed: UInt64) -> (rows: Matrix, labels: [Int32]) {
      var generator = SeededGenerator(seed: seed)
      let labels = (0..<count).map { Int32($0 % 4) }
      let rows = Matrix(
        rows: count, columns: 120,
        elements: (0..<count * 120).map { index in
          Float(generator.normal()) + (index % 120 % 4 == Int(labels[index / 120]) ? 0.8 : 0)
        })
      return (rows, labels)
    }
    // Fitted on fewer rows than columns: what the sample's covariance doesn't show of the concept stays.
    let few = sample(200, seed: 3)
    let check = try ConceptEraser.check(few.rows, labels: few.labels, classes: 4, seed: 1)
    #expect(check.isErased && check.before == 1 && check.newRows.before > 0.8, "\(check)")
    #expect(abs(check.newRows.after - 0.25) < 0.1, "\(check)")
    #expect(check.isFoundInNewRows && (check.newRows.fresh ?? 0) > 0.5, "\(check)")
    #expect(check.summary.contains("not erased there") && check.newRows.examples == 100)
    // With forty times as many it is gone from new rows too.
    let many = sample(8000, seed: 4)
    let gone = try ConceptEraser.check(many.rows, labels: many.labels, classes: 4, seed: 1)
    #expect(gone.isErased && gone.newRows.before > 0.8 && (gone.newRows.fresh ?? 1) < 0.45, "\(gone)")
    #expect((gone.newRows.fresh ?? 1) < (check.newRows.fresh ?? 0))
  }

  @Test func ridgeIsScikitLearns() throws {
    let reference = try ClassifierReference.read().regression
    let rows = try ClassifierReference.matrix("number", rows: reference.rows, columns: reference.columns)
    let values = Array(reference.values[..<reference.trained])
    for theirs in reference.fits {
      let fit = try RidgeRegression.fit(
        rows.selectingRows(0..<reference.trained), values: values, settings: .init(penalties: [theirs.penalty]))
      agree(fit.coefficients, theirs.coefficients, 1e-4, "α = \(theirs.penalty)")
      let predictions = fit.classifier.scores(of: rows.selectingRows(reference.trained..<reference.rows)).elements.map {
        Double($0)
      }
      agree(predictions, theirs.predictions, 1e-5, "α = \(theirs.penalty)")
      let scores = RegressionScores(predictions: predictions, values: Array(reference.values[reference.trained...]))
      #expect(abs(scores.r2 - theirs.r2) < 1e-5 && abs(scores.mae - theirs.mae) < 1e-4)
      #expect(abs(scores.rmse - theirs.rmse) < 1e-4 && abs(scores.spearman - theirs.spearman) < 1e-6)
      #expect(try #require(fit.validation) > 0.5)
    }
    let chosen = try RidgeRegression.fit(
      rows.selectingRows(0..<reference.trained), values: values, settings: .init(penalties: [1e6, 1]))
    #expect(chosen.penalty == 1)
  }

  /// With more columns than rows the solution is found among the rows; it is the same.
  @Test func wideRidgeIsScikitLearns() throws {
    let reference = try ClassifierReference.read()
    let wide = reference.wideRegression
    let rows = try ClassifierReference.matrix("wide", rows: wide.rows, columns: wide.columns)
    #expect(wide.columns > wide.trained)
    for theirs in wide.fits {
      let fit = try RidgeRegression.fit(
        rows.selectingRows(0..<wide.trained), values: Array(wide.values[..<wide.trained]),
        settings: .init(penalties: [theirs.penalty]))
      // Products in float32, summed and solved in float64.
      agree(fit.coefficients, theirs.coefficients, 1e-4, "α = \(theirs.penalty)")
      let predictions = fit.classifier.scores(of: rows.selectingRows(wide.trained..<wide.rows)).elements.map {
        Double($0)
      }
      agree(predictions, theirs.predictions, 1e-4, "α = \(theirs.penalty)")
    }
  }

  @Test func sparseProbesWeighClassesAlike() throws {
    var generator = SeededGenerator(seed: 8)
    let labels = (0..<400).map { Int32($0 % 10 == 0 ? 1 : 0) }
    let rows = Matrix(
      rows: 400, columns: 12,
      elements: (0..<400 * 12).map { index in
        Float(generator.normal()) + (index % 12 == 5 ? 1.5 * Float(labels[index / 12]) : 0)
      })
    func said(_ settings: SparseProbe.Settings) throws -> Int {
      let fit = try SparseProbe.fit(rows, labels: labels, classes: 2, settings: settings, logistic: .init(folds: 0))
      return LinearClassifier.predictions(from: fit.classifier.scores(of: rows)).count { $0 == 1 }
    }
    // 40 of 400 rows are of the class: weighed alike, many more are called so than where each row counts the same.
    let (balanced, plain) = (try said(.init(counts: [1])), try said(.init(counts: [1], classWeights: .none)))
    #expect(balanced > 3 * max(plain, 1), "\(balanced), \(plain)")
    // A setting written before there were weights was learnt without them.
    let old = try JSONDecoder().decode(
      SparseProbe.Settings.self, from: Data(#"{"selector": "l1", "counts": [1]}"#.utf8))
    #expect(old.classWeights == .none && SparseProbe.Settings().classWeights == .balanced)
  }

  @Test func precisionAndCalibrationAreAsDefined() throws {
    let reference = try ClassifierReference.read()
    for metric in reference.metrics {
      let evaluation = Evaluation(
        scores: Matrix(
          rows: metric.labels.count, columns: metric.classes == 2 ? 1 : metric.classes, elements: metric.raw),
        labels: metric.labels, groups: Array(metric.labels.indices), classes: (0..<metric.classes).map(String.init),
        majorityClass: 0, bootstrap: .init(resamples: 100))
      let (area, error) = (try #require(evaluation.scores.prAUC), try #require(evaluation.scores.calibrationError))
      // With three classes, probabilities that are equal on paper differ by rounding, and ties fall either way.
      #expect(abs(area - metric.prAUC) < (metric.classes == 2 ? 1e-9 : 2e-3))
      #expect(abs(error - metric.calibrationError) < 1e-6)
      let interval = try #require(evaluation.intervals?.prAUC)
      #expect(interval.low < area && area < interval.high)
    }
    let own = RegressionScores(predictions: reference.ranks.a, values: reference.ranks.b)
    #expect(abs(own.spearman - reference.ranks.spearman) < 1e-9)
  }

  @Test func aFewColumnsAreFoundAmongMany() throws {
    var generator = SeededGenerator(seed: 5)
    let labels = (0..<300).map { Int32($0 % 2) }
    let rows = Matrix(
      rows: 300, columns: 60,
      elements: (0..<300 * 60).map { index in
        Float(generator.normal()) + ([7, 20, 41].contains(index % 60) ? 1.4 * Float(labels[index / 60]) : 0)
      })
    for selector in ColumnSelector.allCases {
      let fit = try SparseProbe.fit(
        rows, labels: labels, classes: 2, settings: .init(selector: selector, counts: [1, 3, 256]), seed: 1)
      #expect(fit.sizes.map(\.size) == [1, 3], "counts above the width are left out")
      guard selector != .random else { continue }
      #expect(fit.size == 3 && Set(fit.columns) == [7, 20, 41], "\(selector): \(fit.columns)")
      #expect(fit.classifier.weights.elements.count { $0 != 0 } == 3)
      #expect(try #require(fit.validation) > 0.8)
    }
    // The same direction, spread: one component finds it without labels.
    let spread = Matrix(
      rows: 300, columns: 60,
      elements: (0..<300 * 60).map { Float(generator.normal()) + 2 * Float(labels[$0 / 60]) })
    let found = try PrincipalComponents.fit(
      spread, labels: labels, classes: 2, settings: .init(counts: [1, 4]), logistic: .init(folds: 3), seed: 1)
    #expect(try #require(found.sizes.first?.validation) > 0.98)
  }
}
