import LinearAlgebra

/// How well predicted numbers agree with the true ones.
public struct RegressionScores: Codable, Sendable, Equatable {
  /// 1 − Σ(y − ŷ)² / Σ(y − ȳ)², the share of the variance explained, ȳ the mean of the examples learnt from (Campbell &
  /// Thompson 2008): 0 for always saying that mean. Where no such mean is given, that of these very examples.
  public var r2: Double
  /// The mean of |y − ŷ|, in the number's units.
  public var mae: Double
  /// The root of the mean of (y − ŷ)².
  public var rmse: Double
  /// Spearman's correlation of ranks, ties at their mean rank, −1 to 1; 0 where a side is constant.
  public var spearman: Double
}

extension RegressionScores {
  /// Compares predictions with values. O(n log n).
  ///
  /// - Parameter baseline: what each value would be said to be without a model; the mean of the values, unless given.
  public init(predictions: [Double], values: [Double], baseline: [Double]? = nil) {
    precondition(predictions.count == values.count, "\(predictions.count) predictions of \(values.count) numbers")
    let count = Double(max(values.count, 1))
    let mean = values.reduce(0, +) / count
    var residual = 0.0
    var total = 0.0
    var absolute = 0.0
    for (index, (prediction, value)) in zip(predictions, values).enumerated() {
      let guess = baseline?[index] ?? mean
      residual += (value - prediction) * (value - prediction)
      total += (value - guess) * (value - guess)
      absolute += abs(value - prediction)
    }
    self.init(
      r2: total > 0 ? 1 - residual / total : 0, mae: absolute / count, rmse: (residual / count).squareRoot(),
      spearman: correlation(Self.ranks(predictions), Self.ranks(values)))
  }

  /// Each value's rank from 1, ties at the mean of their ranks.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var place = 0
    while place < order.count {
      var end = place
      while end < order.count, values[order[end]] == values[order[place]] { end += 1 }
      for index in order[place..<end] { ranks[index] = Double(place + end + 1) / 2 }
      place = end
    }
    return ranks
  }
}

/// How well a probe predicts a number on examples that it had not seen.
public struct RegressionEvaluation: Codable, Sendable, Equatable {
  public var examples: Int
  /// The number of groups that the examples come from; the bootstrap resamples these.
  public var groups: Int
  public var scores: RegressionScores
  /// Nil when no resamples were asked for.
  public var intervals: Intervals?
  /// What always saying the mean of the training examples would score.
  public var baseline: RegressionScores
  /// The mean and the standard deviation of the numbers judged by, for the scale of the errors.
  public var mean: Double
  public var deviation: Double

  public struct Intervals: Codable, Sendable, Equatable {
    public var level: Double
    public var resamples: Int
    public var r2: Interval
    public var mae: Interval
    public var spearman: Interval
  }

  /// Compares predictions with values; intervals are over resamples of whole groups.
  ///
  /// - Parameter baseline: what each example would be said to be without a model: the mean of those learnt from.
  public init(
    predictions: [Double], values: [Double], groups: [Int], baseline: [Double], bootstrap: GroupBootstrap
  ) {
    precondition(groups.count == values.count, "\(groups.count) groups for \(values.count) numbers")
    let count = Double(max(values.count, 1))
    examples = values.count
    let whole = RegressionScores(predictions: predictions, values: values, baseline: baseline)
    scores = whole
    self.baseline = RegressionScores(predictions: baseline, values: values, baseline: baseline)
    let mean = values.reduce(0, +) / count
    self.mean = mean
    deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    let dense = GroupBootstrap.dense(groups)
    self.groups = dense.count
    guard bootstrap.resamples > 0, !values.isEmpty else {
      intervals = nil
      return
    }
    let drawn = bootstrap.resample(dense.numbers, count: dense.count) { times -> RegressionScores? in
      let chosen = values.indices.flatMap { [Int](repeating: $0, count: Int(times[$0])) }
      return RegressionScores(
        predictions: chosen.map { predictions[$0] }, values: chosen.map { values[$0] },
        baseline: chosen.map { baseline[$0] })
    }
    func interval(_ key: KeyPath<RegressionScores, Double>, _ bounds: ClosedRange<Double>) -> Interval {
      bootstrap.interval(
        of: drawn.map { $0[keyPath: key] }, about: whole[keyPath: key], groups: dense.count, within: bounds)
        ?? Interval(low: .nan, high: .nan)
    }
    intervals = Intervals(
      level: bootstrap.level, resamples: bootstrap.resamples, r2: interval(\.r2, -.infinity...1),
      mae: interval(\.mae, 0...(.infinity)), spearman: interval(\.spearman, -1...1))
  }
}

/// Pearson's correlation; 0 where a side is constant.
func correlation(_ a: [Double], _ b: [Double]) -> Double {
  let count = Double(max(a.count, 1))
  let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
  var (product, squaresA, squaresB) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    product += (x - meanA) * (y - meanB)
    squaresA += (x - meanA) * (x - meanA)
    squaresB += (y - meanB) * (y - meanB)
  }
  return squaresA > 0 && squaresB > 0 ? product / (squaresA * squaresB).squareRoot() : 0
}
