import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Testing

@Suite struct LogisticRegressionTests {
  @Test func coefficientsAreThoseOfScikitLearn() throws {
    for reference in try Reference.read().cases {
      let examples = try reference.examples()
      for fit in reference.fits {
        let ours = try LogisticRegression.fit(
          examples.selectingRows(0..<reference.trained), labels: Array(reference.labels[..<reference.trained]),
          classes: reference.classes,
          settings: .init(strengths: [fit.strength], folds: 0, tolerance: 1e-7, maximumIterations: 5000))
        // Float32 data and sums: about six digits of each score, and coefficients in proportion to the largest.
        let largest = fit.coefficients.map(abs).max() ?? 0
        for (ours, theirs) in zip(ours.coefficients, fit.coefficients) {
          #expect(abs(ours - theirs) < 2e-4 * largest, "\(reference.name) C=\(fit.strength)")
        }
        for (ours, theirs) in zip(ours.intercepts, fit.intercepts) {
          #expect(abs(ours - theirs) < 2e-4 * max(largest, abs(theirs)), "\(reference.name) C=\(fit.strength)")
        }
        let scores = ours.classifier.scores(
          of: examples.selectingRows(reference.trained..<reference.rows))
        let largestScore = fit.testScores.map(abs).max() ?? 0
        for (ours, theirs) in zip(scores.elements, fit.testScores) {
          #expect(abs(Double(ours) - theirs) < 1e-3 * largestScore, "\(reference.name) C=\(fit.strength)")
        }
        let evaluation = Evaluation(
          scores: scores, labels: Array(reference.labels[reference.trained...]),
          groups: Array(reference.trained..<reference.rows), classes: (0..<reference.classes).map(String.init),
          majorityClass: 0, bootstrap: .init(resamples: 0))
        #expect(abs(evaluation.scores.accuracy - fit.scores.accuracy) < 1e-9)
        #expect(abs((evaluation.scores.auroc ?? 0) - (fit.scores.auroc ?? 0)) < 1e-3)
        #expect(abs(evaluation.scores.mcc - fit.scores.mcc) < 1e-9)
      }
    }
  }

  @Test func constantColumnsGetNoWeight() throws {
    let reference = try #require(try Reference.read().cases.first)
    let fit = try LogisticRegression.fit(
      try reference.examples(), labels: reference.labels, classes: 2, settings: .init(strengths: [100]))
    #expect(abs(fit.coefficients[1]) < 1e-5)
    #expect(fit.converged)
  }

  @Test func aStrengthIsChosenOnHeldOutFolds() throws {
    // Few examples of many noisy columns: the weakest penalty must lose.
    var generator = SeededGenerator(seed: 3)
    let labels = (0..<120).map { Int32($0 % 2) }
    let examples = Matrix(
      rows: 120, columns: 200,
      elements: (0..<120 * 200).map { index in
        Float(generator.normal()) + (index % 200 < 3 ? Float(labels[index / 200]) - 0.5 : 0)
      })
    let fit = try LogisticRegression.fit(
      examples, labels: labels, classes: 2, settings: .init(strengths: [100, 0.001, 0.1]), seed: 1)
    #expect(fit.strengthLosses.map(\.strength) == [0.001, 0.1, 100])
    #expect(fit.strength < 1)
    let alone = try LogisticRegression.fit(
      examples, labels: labels, classes: 2, settings: .init(strengths: [fit.strength]), seed: 1)
    for (one, other) in zip(alone.coefficients, fit.coefficients) { #expect(abs(one - other) < 1e-6) }
  }

  @Test func badInputIsNamed() throws {
    var examples = Matrix(zeros: 4, columns: 2)
    #expect(throws: Fault.self) { try LogisticRegression.fit(examples, labels: [1, 1, 1, 1], classes: 2) }
    examples.elements[3] = .nan
    do {
      _ = try LogisticRegression.fit(examples, labels: [0, 1, 0, 1], classes: 2)
      Issue.record("NaN was accepted")
    } catch let fault as Fault {
      #expect(fault.name == "probe.notFinite")
      #expect(fault.place == "column 1")
    }
    #expect(throws: Fault.self) { try LogisticRegression.Settings(strengths: [0]).validate() }
  }

  @Test func massMeansPredictAsInNumpy() throws {
    for reference in try Reference.read().cases {
      let examples = try reference.examples()
      let fit = try MassMean.fit(
        examples.selectingRows(0..<reference.trained), labels: Array(reference.labels[..<reference.trained]),
        classes: reference.classes)
      let scores = fit.classifier.scores(of: examples.selectingRows(reference.trained..<reference.rows))
      let predictions = LinearClassifier.predictions(from: scores)
      let agreeing = zip(predictions, reference.massMeanPredictions).count { $0 == $1 }
      // Float32 scores may flip an example that lies on the line.
      #expect(agreeing >= predictions.count - 1, "\(reference.name)")
    }
  }

  @Test func aThresholdByTrainingIsAtLeastAsGood() throws {
    let reference = try #require(try Reference.read().cases.first)
    let examples = try reference.examples()
    func accuracy(_ threshold: MassMean.Threshold) throws -> Double {
      let fit = try MassMean.fit(examples, labels: reference.labels, classes: 2, threshold: threshold)
      return Evaluation(
        scores: fit.classifier.scores(of: examples), labels: reference.labels, groups: Array(0..<examples.rows),
        classes: ["a", "b"], majorityClass: 0, bootstrap: .init(resamples: 0)
      ).scores.balancedAccuracy
    }
    #expect(try accuracy(.training) >= accuracy(.midpoint))
  }
}
