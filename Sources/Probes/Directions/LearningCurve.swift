import Activations
import Diagnostics
import LinearAlgebra

/// How the score grows with the examples that the study's procedure learns from, judged on the same examples held back
/// throughout.
///
/// A curve that still rises at its end asks for more examples; one that is flat from a few on says that the concept is
/// easy to find.
public struct LearningCurve: Codable, Sendable, Equatable {
  public var settings: ProbeSettings
  public var origin: Origin
  public var classes: [String]
  /// How many examples are judged.
  public var testExamples: Int
  public var measure: Measure
  /// In rising order of examples.
  public var points: [Point]

  public struct Point: Codable, Sendable, Equatable {
    /// The examples learnt from: the mean over splits and repeats, since whole groups are drawn.
    public var examples: Double
    public var repeats: Int
    /// The mean over the repeats.
    public var score: Double
    /// The standard deviation over the repeats; 0 with one.
    public var deviation: Double
    /// The mean AUROC; nil where a class was missing.
    public var auroc: Double?
  }
}

extension FittedStudy {
  /// Repeats the procedure on growing parts of the examples to learn from: halves of all down to 16.
  ///
  /// - Parameter repeats: how often each part is drawn anew, by group and with each class's share.
  /// - Throws: what a fit throws. Parts with too few groups of a class to choose by are left out.
  /// - Complexity: a study's fits for each size and repeat.
  func learningCurve(repeats: Int = 3) throws -> LearningCurve {
    let all = examples.splits.reduce(0) { $0 + $1.train.count } / examples.splits.count
    var points: [LearningCurve.Point] = []
    var size = all
    while size >= min(16, all) {
      var drawn: [(examples: Double, judged: Judged)] = []
      for draw in 0..<(size == all ? 1 : repeats) {
        do {
          drawn.append(try part(share: Double(size) / Double(all), seed: UInt64(draw + 1) &+ UInt64(size) << 8))
        } catch let fault as Fault where ["probe.singleClass", "probe.tooFewExamples"].contains(fault.name) {
          continue
        }
      }
      let scores = drawn.compactMap { $0.judged.value(judged.measure) }
      if !scores.isEmpty {
        let areas = drawn.compactMap { $0.judged.value(.auroc) }
        points.append(
          .init(
            examples: drawn.map(\.examples).mean, repeats: scores.count, score: scores.mean,
            deviation: scores.deviation, auroc: areas.count == scores.count ? areas.mean : nil))
      }
      size /= 2
      if size == 0 { break }
    }
    return LearningCurve(
      settings: settings, origin: examples.origin, classes: examples.classes, testExamples: judged.places.count,
      measure: judged.measure, points: points.reversed())
  }

  /// The procedure on a share of each split's examples to learn from.
  private func part(share: Double, seed: UInt64) throws -> (examples: Double, judged: Judged) {
    guard share < 1 else {
      return (Double(examples.splits.reduce(0) { $0 + $1.train.count }) / Double(examples.splits.count), judged)
    }
    let splits = examples.splits.enumerated().map { number, split in
      let parts = Split.assign(
        labels: split.train.map { targets.labels[$0] }, groups: split.train.map { examples.groups[$0] },
        shares: [share, 1 - share], seed: (settings.seed &+ seed) ^ UInt64(number) << 32)
      return Split(train: split.train.indices.filter { parts[$0] == 0 }.map { split.train[$0] }, test: split.test)
    }
    return (
      Double(splits.reduce(0) { $0 + $1.train.count }) / Double(splits.count),
      try procedure.judge(candidates, targets, groups: examples.groups, splits: splits).judged
    )
  }
}
