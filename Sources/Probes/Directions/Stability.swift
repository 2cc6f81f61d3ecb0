import LinearAlgebra

/// Whether a study would come to the same with other examples.
///
/// Each repeat runs the study's procedure on a bootstrap resample of the examples to learn from (whole groups, drawn with
/// replacement) with folds of its own seed, and is judged on the same examples held back.
public struct Stability: Codable, Sendable, Equatable {
  public var repeats: Int
  /// The cosine of each repeat's direction at the best site with the probe's own; of several classes, the mean over them.
  public var cosines: [Double]
  /// The mean cosine between two repeats.
  public var meanCosine: Double
  /// The least.
  public var leastCosine: Double
  /// The score of each repeat's procedure.
  public var scores: [Double]
  /// The share of all choices in all repeats that fell on the best site.
  public var sameSite: Double

  public var meanScore: Double { scores.mean }
  /// The standard deviation of the scores over repeats.
  public var deviation: Double { scores.deviation }
}

extension FittedStudy {
  /// Repeats the study on resamples.
  ///
  /// - Parameter repeats: how often, at least 2.
  /// - Throws: what a fit throws.
  /// - Complexity: a study's fits for each repeat.
  func stability(repeats: Int) throws -> Stability {
    precondition(repeats >= 2, "\(repeats) repeats")
    var directions: [[[Double]]] = []
    var scores: [Double] = []
    var choices: [Int] = []
    for repetition in 0..<repeats {
      var own = settings
      own.seed = settings.seed &+ 1 &+ UInt64(repetition)
      var generator = SeededGenerator(seed: own.seed, stream: "stability")
      let procedure = Procedure(settings: own)
      let splits = examples.splits.map {
        Split(train: resample($0.train, generator: &generator), test: $0.test)
      }
      let outcome = try procedure.judge(candidates, targets, groups: examples.groups, splits: splits)
      choices += outcome.choices.map(\.candidate)
      scores.append(outcome.judged.value(judged.measure) ?? 0)
      let drawn =
        examples.isCrossValidated
        ? resample(Array(0..<examples.count), generator: &generator) : splits[0].train
      let training = try procedure.rowsToLearn(
        candidates[best.site].rows, targets, groups: examples.groups, places: drawn)
      let fit = try MethodFit(training, settings: own.with(settings.methods[best.method])).classifier
      directions.append((0..<fit.weights.rows).map { DirectionComparison.unit(fit.weights.row($0)) })
    }
    func cosine(_ a: [[Double]], _ b: [[Double]]) -> Double {
      zip(a, b).reduce(0) { $0 + innerProduct($1.0, $1.1) } / Double(max(a.count, 1))
    }
    let weights = probe.classifier.weights
    let own = (0..<weights.rows).map { DirectionComparison.unit(weights.row($0)) }
    var between: [Double] = []
    for first in directions.indices {
      for second in directions.indices where second > first {
        between.append(cosine(directions[first], directions[second]))
      }
    }
    return Stability(
      repeats: repeats, cosines: directions.map { cosine(own, $0) },
      meanCosine: between.mean, leastCosine: between.min() ?? 1,
      scores: scores, sameSite: Double(choices.count { $0 == best.site }) / Double(max(choices.count, 1)))
  }

  /// Whole groups of some examples, as many as there are, drawn with replacement.
  private func resample(_ places: [Int], generator: inout SeededGenerator) -> [Int] {
    let members = Dictionary(grouping: places) { examples.groups[$0] }
    let groups = members.keys.sorted()
    var drawn: [Int] = []
    // A resample with too few groups of a class to choose by is drawn again; few groups make that likely, many never.
    for _ in 0..<100 {
      drawn = groups.flatMap { _ in members[groups[generator.integer(below: groups.count)]] ?? [] }
      let counts = drawn.map { targets.labels[$0] }.groupCounts(
        drawn.map { examples.groups[$0] }, of: targets.classes)
      if counts.allSatisfy({ $0 >= 2 }) { break }
    }
    return drawn
  }
}
