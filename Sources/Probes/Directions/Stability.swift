import Activations
import LinearAlgebra

/// Whether a probe's direction would be the same with other examples and another seed.
///
/// Each repeat learns from a bootstrap resample of the training groups (whole groups, drawn with replacement) with
/// folds of its own seed, and is judged on the same examples held back.
public struct Stability: Codable, Sendable, Equatable {
  public var repeats: Int
  /// The cosine of each repeat's direction with the probe's own; of several classes, the mean over them.
  public var cosines: [Double]
  /// The mean cosine between two repeats.
  public var meanCosine: Double
  /// The least.
  public var leastCosine: Double
  /// The balanced accuracy of each repeat.
  public var scores: [Double]

  public var meanScore: Double { scores.reduce(0, +) / Double(max(scores.count, 1)) }
  /// The standard deviation of the scores over repeats.
  public var deviation: Double {
    guard scores.count > 1 else { return 0 }
    return (scores.reduce(0) { $0 + ($1 - meanScore) * ($1 - meanScore) } / Double(scores.count - 1)).squareRoot()
  }
}

extension Probe {
  /// Trains the probe again on resamples of its training examples.
  ///
  /// - Parameters:
  ///   - source: the labelled activations that the probe was trained on.
  ///   - repeats: how often, at least 2.
  /// - Throws: what training throws.
  /// - Complexity: one pass over the site, then a fit for each repeat.
  public func stability(on source: some ActivationSource, repeats: Int) throws -> Stability {
    precondition(repeats >= 2, "\(repeats) repeats")
    var settings = record.settings
    settings.outerFolds = 0
    let site = try source.site(named: record.site.name)
    try requireMatch(origin: source.origin, site: site)
    let task = try ProbeTask(settings: settings, source: source)
    let fitter = ControlFitter(task: task)
    let rows = try task.examples.rows(
      of: [site], in: source, order: task.order, pooling: task.pooling, memory: ProbeSweep.defaultMemory)[0]
    var members: [Int: [Int]] = [:]
    for place in 0..<task.trainingCount { members[fitter.groups[place], default: []].append(place) }
    let groups = members.keys.sorted()
    var directions: [[[Double]]] = []
    var scores: [Double] = []
    for repetition in 0..<repeats {
      var generator = SeededGenerator(seed: settings.seed &+ UInt64(repetition), stream: "stability")
      var drawn: [Int] = []
      var classes = Set<Int32>()
      // A resample without one of the classes is drawn again; few groups make that likely, many never.
      for _ in 0..<100 where classes.count < fitter.classes.count {
        drawn = []
        for _ in groups { drawn += members[groups[generator.integer(below: groups.count)]] ?? [] }
        classes = Set(drawn.map { fitter.targets.labels[$0] })
      }
      let fit = try fitter.fit(rows, places: drawn, seed: settings.seed &+ 1 &+ UInt64(repetition))
      directions.append(
        (0..<fit.weights.rows).map { DirectionComparison.unit(fit.weights.row($0)) })
      scores.append(fitter.judged(fit, rows).score)
    }
    func cosine(_ a: [[Double]], _ b: [[Double]]) -> Double {
      zip(a, b).reduce(0) { $0 + DirectionComparison.dot($1.0, $1.1) } / Double(max(a.count, 1))
    }
    let own = (0..<classifier.weights.rows).map { DirectionComparison.unit(classifier.weights.row($0)) }
    var between: [Double] = []
    for first in directions.indices {
      for second in directions.indices where second > first {
        between.append(cosine(directions[first], directions[second]))
      }
    }
    return Stability(
      repeats: repeats, cosines: directions.map { cosine(own, $0) },
      meanCosine: between.reduce(0, +) / Double(max(between.count, 1)), leastCosine: between.min() ?? 1,
      scores: scores)
  }
}
