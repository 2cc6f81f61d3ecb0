import Activations
import Diagnostics
import LinearAlgebra

/// How a probe's scores grow with the examples it learns from, judged on the same held-back examples throughout.
///
/// A curve that still rises at its end asks for more examples; one that is flat from a few on says that the direction is
/// easy to find.
public struct LearningCurve: Codable, Sendable, Equatable {
  public var site: String
  public var settings: ProbeSettings
  public var origin: Origin
  public var classes: [String]
  public var testExamples: Int
  /// In rising order of examples.
  public var points: [Point]

  public struct Point: Codable, Sendable, Equatable {
    /// The examples learnt from: the mean over the repeats, since whole groups are drawn.
    public var examples: Double
    public var repeats: Int
    /// The mean over the repeats.
    public var scores: Scores
    /// The standard deviation over the repeats of the balanced accuracy; 0 with one repeat.
    public var deviation: Double
    /// Of a method that predicts numbers, the mean R².
    public var r2: Double?
  }

  /// Learns from growing parts of the training examples.
  ///
  /// - Parameters:
  ///   - sizes: how many examples to learn from; those above what there are count as all. Unless given, halves of all
  ///     down to 16.
  ///   - repeats: how often each part is drawn anew, by group and with each class's share.
  /// - Throws: `probe.learningCurve`; what `ProbeTrainer.train` throws.
  /// - Complexity: one pass over the site's rows; sizes · repeats fits.
  public init(
    on source: some ActivationSource, site: String, settings: ProbeSettings = ProbeSettings(), sizes: [Int]? = nil,
    repeats: Int = 3
  ) throws {
    guard repeats >= 1, sizes?.allSatisfy({ $0 >= 4 }) ?? true, sizes?.isEmpty != true else {
      throw Fault(
        .usage, "probe.learningCurve", "A learning curve needs sizes and repeats",
        expected: "sizes of at least 4 and at least one repeat",
        found: "sizes \(sizes?.map(String.init).joined(separator: ",") ?? "by halves"), \(repeats) repeats")
    }
    var own = settings
    own.outerFolds = 0
    let stored = try source.site(named: site)
    let task = try ProbeTask(settings: own, source: source)
    let rows = try task.examples.rows(
      of: [stored], in: source, order: task.order, pooling: task.pooling, memory: ProbeSweep.defaultMemory)[0]
    try task.requireVariation(rows, site: stored)
    let all = task.trainingCount
    let wanted = Set((sizes ?? Self.halves(of: all)).map { min($0, all) }).sorted()
    let labels = task.order[..<all].map { task.examples.labels[$0] }
    let groups = task.order[..<all].map { task.examples.groups[$0] }
    let test = Array(all..<task.order.count)

    points = []
    for size in wanted {
      var counts: [Int] = []
      var scores: [Scores] = []
      var determination: [Double] = []
      for draw in 0..<(size == all ? 1 : repeats) {
        var chosen = Array(0..<all)
        if size < all {
          let share = Double(size) / Double(all)
          let seed = own.seed &+ UInt64(draw + 1) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(size)
          let parts = Split.assign(labels: labels, groups: groups, shares: [share, 1 - share], seed: seed)
          chosen = chosen.filter { parts[$0] == 0 }
        }
        let training = try task.rowsToLearn(rows, places: chosen)
        let fit = try MethodFit(training, settings: own)
        let held = fit.classifier.scores(of: rows, in: all..<task.order.count)
        counts.append(chosen.count)
        scores.append(
          task.evaluation(held, settings: own, places: test, training: training, bootstrap: 0).scores)
        if own.method.predictsNumbers {
          determination.append(
            RegressionScores(
              predictions: held.elements.map { Double($0) },
              values: test.map { task.examples.values[task.order[$0]] }
            ).r2)
        }
      }
      guard let mean = Scores.mean(of: scores) else { continue }
      let count = Double(scores.count)
      let spread = scores.reduce(0) {
        $0 + ($1.balancedAccuracy - mean.balancedAccuracy) * ($1.balancedAccuracy - mean.balancedAccuracy)
      }
      points.append(
        Point(
          examples: Double(counts.reduce(0, +)) / count, repeats: scores.count, scores: mean,
          deviation: count > 1 ? (spread / (count - 1)).squareRoot() : 0,
          r2: determination.isEmpty ? nil : determination.reduce(0, +) / count))
    }
    self.site = site
    self.settings = own
    origin = source.origin
    classes = task.classes
    testExamples = test.count
  }

  /// All, a half, a quarter … down to 16.
  private static func halves(of count: Int) -> [Int] {
    var sizes: [Int] = []
    var size = count
    while size >= 16 {
      sizes.append(size)
      size /= 2
    }
    return sizes.isEmpty ? [count] : sizes
  }
}
