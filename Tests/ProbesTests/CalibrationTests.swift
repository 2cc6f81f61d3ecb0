import Activations
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing

/// What a study says of labels that have nothing to do with the activations: scores at chance, intervals that cover it,
/// p-values that are small as seldom as they say.
@Suite struct CalibrationTests {
  /// Cheap ones, for every run of the tests.
  private static let quick = [
    Calibration(name: "quick plain", examples: 80, width: 16, sites: 2),
    Calibration(name: "quick groups", examples: 160, width: 16, groupSize: 2, sites: 2),
    Calibration(name: "quick 9:1", share: 0.9, examples: 120, width: 16),
    Calibration(name: "quick numbers", classes: 0, examples: 80, width: 16),
  ]

  /// 10 data sets each, 40 in all; a limit fails one correct build in a thousand, and the seeds are fixed.
  @Test func chanceIsCalledChance() throws {
    var (trials, covers, small) = (0, 0, 0)
    for condition in Self.quick {
      var tally = CalibrationTally()
      for seed in 0..<10 { try tally.add(condition, seed: UInt64(seed), exact: 39) }
      // 3.3 standard errors of ten scores; R² of numbers that cannot be predicted lies a little below 0.
      let bias = condition.classes == 0 ? 0.05 : 0.01
      #expect(
        abs(tally.mean - condition.chance) < 3.3 * tally.standardError + bias,
        "\(condition.name): \(tally.mean) ± \(tally.standardError)")
      (trials, covers, small) = (trials + 10, covers + tally.covers, small + tally.found)
    }
    #expect(covers >= binomialQuantile(0.001, trials: trials, share: 0.93), "\(covers) of \(trials)")
    #expect(small <= binomialQuantile(0.999, trials: trials, share: 0.07), "\(small) of \(trials)")
  }

  /// The same data with a direction that carries the labels: what the test above would say of a study blind to all.
  @Test func aPlantedDirectionIsFound() throws {
    var condition = Self.quick[0]
    condition.effect = 4
    var tally = CalibrationTally()
    for seed in 0..<5 { try tally.add(condition, seed: UInt64(seed)) }
    #expect(tally.found == 5 && tally.mean > 0.7 && tally.covers == 0)
  }

  /// The interval of a difference is about the fits that it comes from; these differ, so that it leaves 0 out as a rule.
  @Test func intervalsHoldTheDifferenceOfTheirFits() throws {
    var tally = CalibrationTally()
    for classes in [0, 2] {
      let condition = Calibration(
        name: "quick difference", classes: classes, examples: 120, width: 16, effect: 3, embeddingEffect: 0.5)
      for seed in 0..<10 { try tally.add(condition, seed: UInt64(seed), exact: 0) }
    }
    let holding = tally.differences.count { $0.covers($0.fits) }
    #expect(holding >= binomialQuantile(0.001, trials: 20, share: 0.93), "\(holding) of 20")
    #expect(tally.differences.count(where: \.printed.isShown) >= 15)
  }

  /// What a fit is worth by formula is what it scores on many fresh examples: within four standard errors of 10,000.
  @Test func trueScoresAreThoseOfFreshExamples() throws {
    for classes in [0, 2] {
      let condition = Calibration(name: "quick truth", classes: classes, examples: 120, width: 16, effect: 1)
      let probe = try condition.probe(condition.source(seed: 1), Array(0..<120), sites: ["s0"], seed: 1)
      var many = condition
      many.examples = 10_000
      let fresh = many.source(seed: 1, draw: 1)
      let scores = probe.classifier.scores(of: try #require(fresh.values["s0"])).elements.map(Double.init)
      let numbers = try #require(fresh.documents.labels["label"]).map { label -> Double in
        if case .number(let number) = label { number } else { .nan }
      }
      let sampled =
        classes == 0
        ? RegressionScores(predictions: scores, values: numbers, baseline: numbers.map { _ in 0 }).r2
        : Double(zip(scores, numbers).count { ($0 > 0) == ($1 == 1) }) / 10_000
      let exact = condition.score([condition.worth(probe, seed: 1, mean: 0)])
      #expect(abs(sampled - exact) < 0.02 && exact > (classes == 0 ? 0.1 : 0.6), "\(sampled), \(exact)")
    }
  }

  /// The whole table, by `make calibration`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["UNFOLD_CALIBRATION"] != nil))
  func table() throws {
    let environment = ProcessInfo.processInfo.environment
    let runs = environment["UNFOLD_CALIBRATION"].flatMap { Int($0) }.map { $0 > 1 ? $0 : 200 } ?? 200
    var page = CalibrationPage(runs: runs)
    try page.run()
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = environment["UNFOLD_CALIBRATION_PAGE"].map { URL(filePath: $0) }
    try page.text.write(
      to: file ?? root.appending(path: "docs/calibration.md"), atomically: true, encoding: .utf8)
  }
}
