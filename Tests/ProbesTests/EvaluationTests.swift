import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Testing

@Suite struct EvaluationTests {
  @Test func scoresAreThoseOfScikitLearnWithTies() throws {
    for metric in try Reference.read().metrics {
      let scores = Matrix(
        rows: metric.labels.count, columns: metric.classes == 2 ? 1 : metric.classes, elements: metric.raw)
      let evaluation = Evaluation(
        scores: scores, labels: metric.labels, groups: Array(metric.labels.indices),
        classes: (0..<metric.classes).map(String.init), majorityClass: 1, bootstrap: .init(resamples: 200, seed: 5))
      let ours = evaluation.scores
      let theirs = metric.scores
      #expect(abs(ours.accuracy - theirs.accuracy) < 1e-12)
      #expect(abs(ours.balancedAccuracy - theirs.balancedAccuracy) < 1e-12)
      #expect(abs(ours.f1 - theirs.f1) < 1e-12)
      #expect(abs(ours.mcc - theirs.mcc) < 1e-12)
      // With three classes, probabilities that are equal on paper differ by rounding, and ties fall either way.
      #expect(abs((ours.auroc ?? 0) - (theirs.auroc ?? 0)) < (metric.classes == 2 ? 1e-12 : 2e-4))
      let intervals = try #require(evaluation.intervals)
      #expect(intervals.accuracy.low < ours.accuracy && ours.accuracy < intervals.accuracy.high)
      #expect(intervals.accuracy.high - intervals.accuracy.low < 0.2)
      #expect(evaluation.majority.accuracy == Double(metric.labels.count { $0 == 1 }) / 200)
    }
  }

  @Test func aGroupOfCopiesCountsOnce() {
    // A hundred examples that are ten, ten times over: resampled by group the interval is as wide as that of ten.
    let labels = (0..<100).map { Int32($0 / 10 % 2) }
    let raw = (0..<100).map { Float($0 / 10 % 3) - 1 }
    func width(_ groups: [Int]) -> Double {
      let evaluation = Evaluation(
        scores: Matrix(rows: 100, columns: 1, elements: raw), labels: labels, groups: groups, classes: ["a", "b"],
        majorityClass: 0, bootstrap: .init(resamples: 500))
      return evaluation.intervals.map { $0.accuracy.high - $0.accuracy.low } ?? 0
    }
    #expect(width((0..<100).map { $0 / 10 }) > 2 * width(Array(0..<100)))
  }

  /// Scores of different fits have no common scale.
  @Test func areasAreFoundInEachFold() throws {
    // In fold 0 three of four pairs are in order, in fold 1 all: (0.75 + 1) / 2. Pooled, fold 1's scores lie above all.
    let scores: [Float] = [1, 3, 2, 4, 11, 12, 13, 14]
    let labels: [Int32] = [0, 0, 1, 1, 0, 0, 1, 1]
    func area(_ folds: [Int32]) -> Double? {
      Evaluation(
        scores: Matrix(rows: 8, columns: 1, elements: scores), labels: labels, groups: Array(0..<8), folds: folds,
        classes: ["a", "b"], majorityClass: 0, bootstrap: .init(resamples: 0)
      ).scores.auroc
    }
    #expect(area([0, 0, 0, 0, 1, 1, 1, 1]) == 0.875)
    // 2 lies above one negative, 4 above two, 13 and 14 above all four, of 16 pairs.
    #expect(area([]) == 11.0 / 16)
    // A fold that lacks a class says nothing.
    #expect(area([0, 0, 0, 0, 1, 1, 2, 2]) == 0.75)
  }

  @Test func intervalsAreWidened() {
    // √(m / (m − 1)) · t₀.₉₇₅(m − 1) / z₀.₉₇₅, by scipy.stats: t(9) = 2.262157163, t(1) = 12.70620474, z = 1.959963985.
    let plain = GroupBootstrap()
    #expect(abs(plain.widening(groups: 10) - (10.0 / 9).squareRoot() * 2.262157163 / 1.959963985) < 1e-4)
    #expect(abs(plain.widening(groups: 2) - 2.0.squareRoot() * 12.70620474 / 1.959963985) < 1e-3)
    #expect(abs(plain.widening(groups: 100_000) - 1) < 1e-4)
    // Fits that share their examples widen by √(1 + 2/π).
    let crossed = GroupBootstrap(isCrossValidated: true)
    #expect(abs(crossed.widening(groups: 10) / plain.widening(groups: 10) - 1.279304) < 1e-5)
    #expect(plain.widening(groups: 0).isFinite)
  }

  private func mean(_ values: [Double], _ weights: [Int32]? = nil) -> Double? {
    var (sum, count) = (0.0, 0.0)
    for (index, value) in values.enumerated() {
      let weight = Double(weights?[index] ?? 1)
      sum += weight * value
      count += weight
    }
    return sum / count
  }

  /// Two measures of the same examples, over resamples of the same groups.
  @Test func differencesArePaired() throws {
    var generator = SeededGenerator(seed: 3)
    // 40 groups of two; b is a and a little noise, less a tenth.
    let groups: [Int32] = (0..<80).map { Int32($0 / 2) }
    var a: [Double] = []
    var b: [Double] = []
    for _ in 0..<80 {
      let value: Double = generator.normal()
      a.append(value)
      b.append(value - 0.1 + 0.1 * generator.normal())
    }
    let (first, second) = (a, b)
    let bootstrap = GroupBootstrap(resamples: 400, seed: 5)
    let found = Difference(first, less: [second], groups: groups, count: 40, least: 40, within: -10...10, bootstrap) {
      self.mean($0, $1)
    }
    let difference = try #require(found)
    let interval = try #require(difference.interval)
    // The same by hand: the groups' own differences, as often as each is drawn.
    var own: [Double] = []
    for group in 0..<40 {
      let sum: Double = a[2 * group] + a[2 * group + 1] - b[2 * group] - b[2 * group + 1]
      own.append(sum / 2)
    }
    var drawn: [Double] = []
    for resample in 0..<400 {
      let times: [Int32] = bootstrap.times(resample, groups: 40)
      var sum = 0.0
      for group in 0..<40 { sum += Double(times[group]) * own[group] }
      drawn.append(sum / 40)
    }
    drawn.sort()
    let value: Double = own.reduce(0, +) / 40
    // numpy.quantile of 400 values: between 9 and 10, 0.975 of the way; between 389 and 390, a fortieth.
    let low: Double = drawn[9] + 0.975 * (drawn[10] - drawn[9])
    let high: Double = drawn[389] + 0.025 * (drawn[390] - drawn[389])
    let factor: Double = (40.0 / 39).squareRoot() * 2.022690912 / 1.959963985
    let (wantedLow, wantedHigh): (Double, Double) = (value + factor * (low - value), value + factor * (high - value))
    #expect(abs(difference.value - value) < 1e-12)
    #expect(abs(interval.low - wantedLow) < 1e-5)
    #expect(abs(interval.high - wantedHigh) < 1e-5)
    #expect(difference.isShown)
    // Of groups drawn apart the noise that both share, 1 a value, would drown the tenth: its standard error alone is this.
    let apart: Double = (2.0 / 80).squareRoot()
    #expect(interval.high - interval.low < apart)
    #expect(!Difference(value: 1, interval: Interval(low: 0, high: 2)).isShown)
    #expect(Difference(value: -1, interval: Interval(low: -2, high: -0.1)).isShown)
    #expect(!Difference(value: 1, interval: nil).isShown)
  }

  @Test func areaOfAConstantIsAHalf() {
    #expect(AUROC.area(scores: [1, 1, 1], positive: [true, false, true]) == 0.5)
    #expect(AUROC.area(scores: [1, 2], positive: [true, true]) == nil)
    #expect(AUROC.area(scores: [2, 1, 3], positive: [true, false, true]) == 1)
  }

  @Test func splitsKeepGroupsTogetherAndClassesBalanced() throws {
    var generator = SeededGenerator(seed: 9)
    let groups = (0..<600).map { _ in generator.integer(below: 150) }
    let labels = groups.map { Int32($0 % 3 == 0 ? 1 : 0) }
    let split = try Split.trainAndTest(labels: labels, groups: groups, testShare: 0.25, seed: 4)
    #expect(Set(split.train.map { groups[$0] }).isDisjoint(with: split.test.map { groups[$0] }))
    #expect(split.train.count + split.test.count == 600)
    for label: Int32 in [0, 1] {
      let share =
        Double(split.test.count { labels[$0] == label }) / Double(labels.count { $0 == label })
      #expect(abs(share - 0.25) < 0.03)
    }
    #expect(try Split.trainAndTest(labels: labels, groups: groups, testShare: 0.25, seed: 4) == split)
    #expect(try Split.trainAndTest(labels: labels, groups: groups, testShare: 0.25, seed: 5) != split)

    let folds = try Split.folds(5, labels: labels, groups: groups, seed: 1)
    #expect(folds.flatMap(\.test).sorted() == Array(0..<600))
    for fold in folds { #expect(abs(fold.test.count - 120) < 12) }
  }

  @Test func aClassInOneGroupCannotBeSplit() {
    #expect(throws: Fault.self) {
      try Split.trainAndTest(labels: [0, 0, 0, 1, 1], groups: [0, 1, 2, 3, 3], seed: 0)
    }
  }
}
