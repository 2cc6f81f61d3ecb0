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
