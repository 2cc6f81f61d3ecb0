import Foundation
import LinearAlgebra

/// How a k-sparse probe chooses its columns (neurons), after Gurnee et al., Finding Neurons in a Haystack
/// (arXiv 2305.01610). Each sees the training rows alone; with more than two classes a column counts by its best class.
public enum ColumnSelector: String, Codable, Sendable, CaseIterable {
  /// |mean of the class − mean of the rest|, in the column's own units.
  case meanDifference = "mean-difference"
  /// The F statistic of a one-way analysis of variance: the means' spread beside the spread within classes.
  case fStatistic = "f-statistic"
  /// The mutual information of column and class by nearest neighbours (Ross, PLoS ONE 9, 2014, k = 3), where values are
  /// tied by the count of ties (Gao et al. 2017). O(rows · log rows) a column.
  case mutualInformation = "mutual-information"
  /// The order in which columns get a weight as the penalty of an L1 logistic regression falls; of those that come at
  /// once the largest weight first.
  case l1
  /// A seeded choice: what any k columns reach.
  case random
}

extension ColumnSelector {
  /// The columns that the selector puts first, best first, learnt from all rows.
  ///
  /// - Throws: `probe.notFinite`, `probe.singleClass`.
  public func ranking(
    of matrix: Matrix, labels: [Int32], classes: Int, count: Int, settings: LogisticRegression.Settings = .init(),
    seed: UInt64 = 0
  ) throws -> [Int] {
    let training = try TrainingRows(ExampleMatrix(matrix), labels: labels, classes: classes, seed: seed)
    return rankings(training, most: min(count, matrix.columns), settings: settings)[0]
  }

  /// The F statistic of each column; 0 for a constant one.
  ///
  /// - Throws: `probe.notFinite`, `probe.singleClass`.
  public static func fStatistics(of matrix: Matrix, labels: [Int32], classes: Int) throws -> [Double] {
    fStatistics(try TrainingRows(ExampleMatrix(matrix), labels: labels, classes: classes).classSums())
  }

  /// The mutual information of each column and the class in nats; 0 for a constant one.
  ///
  /// - Throws: `probe.notFinite`, `probe.singleClass`.
  public static func mutualInformation(of matrix: Matrix, labels: [Int32], classes: Int) throws -> [Double] {
    MutualInformation.ofColumns(
      try TrainingRows(ExampleMatrix(matrix), labels: labels, classes: classes), without: nil)
  }

  /// The columns that the selector puts first, best first, for the rows outside each fold and, last, for all rows.
  func rankings(_ training: TrainingRows, most: Int, settings: LogisticRegression.Settings) -> [[Int]] {
    let left: [Int?] = training.folds.indices.map { $0 } + [nil]
    func best(_ scores: [Double]) -> [Int] {
      Array(scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }.prefix(most))
    }
    switch self {
    case .meanDifference: return left.map { best(Self.meanDifferences(training.classSums(without: $0))) }
    case .fStatistic: return left.map { best(Self.fStatistics(training.classSums(without: $0))) }
    case .mutualInformation:
      return left.map { fold in best(MutualInformation.ofColumns(training, without: fold)) }
    case .l1: return L1Path.rankings(training, most: most, settings: settings)
    case .random:
      var generator = SeededGenerator(seed: training.seed, stream: "columns")
      let order = Array(generator.permutation(training.width).prefix(most))
      return left.map { _ in order }
    }
  }

  /// |mean of the class − mean of the rest| of each column; the largest over classes where there are more than two.
  static func meanDifferences(_ classes: [ColumnSums]) -> [Double] {
    let total = classes.dropFirst().reduce(classes[0], +)
    return total.sums.indices.map { column in
      let differences = classes.map { own -> Double in
        let rest = Double(max(total.count - own.count, 1))
        return abs(own.sums[column] / Double(max(own.count, 1)) - (total.sums[column] - own.sums[column]) / rest)
      }
      return differences.max() ?? 0
    }
  }

  /// The F statistic of each column, as scikit-learn's `f_classif`; 0 for a constant column.
  static func fStatistics(_ classes: [ColumnSums]) -> [Double] {
    let total = classes.dropFirst().reduce(classes[0], +)
    let count = Double(total.count)
    let freedom = Double(classes.count - 1)
    return total.sums.indices.map { column in
      let mean = total.sums[column] / count
      var between = 0.0
      var within = 0.0
      for own in classes {
        let size = Double(max(own.count, 1))
        let ownMean = own.sums[column] / size
        between += size * (ownMean - mean) * (ownMean - mean)
        within += max(own.squares[column] - size * ownMean * ownMean, 0)
      }
      guard ColumnSums.isSpread(variance: (between + within) / count, mean: mean) else { return 0 }
      return within > 0
        ? between / freedom / (within / max(count - Double(classes.count), 1)) : .greatestFiniteMagnitude
    }
  }
}

/// The mutual information between a number and a class.
enum MutualInformation {
  static let neighbours = 3

  /// For each column, over the rows outside a fold, in nats; never below 0.
  static func ofColumns(_ training: TrainingRows, without fold: Int?) -> [Double] {
    let width = training.width
    let rows = training.rows(without: fold)
    let labels = rows.map { training.labels[$0] }
    var result = [Double](repeating: 0, count: width)
    // Sixteen columns at a time: a line of the cache of each row.
    let strips = (width + 15) / 16
    result.withUnsafeMutableBufferPointer { result in
      training.matrix.withUnsafeElements { elements in
        Threads.forEach(strips) { strip in
          let columns = strip * 16..<min(strip * 16 + 16, width)
          var values = [[Float]](repeating: [], count: columns.count)
          for (index, column) in columns.enumerated() {
            values[index] = rows.map { elements[$0 * width + column] }
          }
          for (index, column) in columns.enumerated() {
            result[column] = estimate(values[index], labels: labels, classes: training.classes)
          }
        }
      }
    }
    return result
  }

  /// ψ(n) + mean ψ(k) − mean ψ(n of the class) − mean ψ(m), m the points no further than the k-th neighbour of the same
  /// class. Classes of one example take no part.
  static func estimate(_ values: [Float], labels: [Int32], classes: Int) -> Double {
    let order = values.indices.sorted { values[$0] < values[$1] }
    let sorted = order.map { values[$0] }
    var places = [[Int]](repeating: [], count: classes)  // each class's places in the sorted order
    for (place, index) in order.enumerated() { places[Int(labels[index])].append(place) }
    var used = 0
    var neighbourSum = 0.0
    var classSum = 0.0
    var withinSum = 0.0
    let left = places.filter { $0.count > 1 }
    // The points of classes of one example are not counted among the neighbours either.
    let all = left.count == places.count ? sorted : left.joined().sorted().map { sorted[$0] }
    for own in left {
      let k = min(neighbours, own.count - 1)
      for (rank, place) in own.enumerated() {
        let value = sorted[place]
        // The k nearest of the class lie side by side around the point.
        var low = rank
        var high = rank
        for _ in 0..<k {
          let below = low > 0 ? value - sorted[own[low - 1]] : .infinity
          let above = high + 1 < own.count ? sorted[own[high + 1]] - value : .infinity
          if below <= above { low -= 1 } else { high += 1 }
        }
        let radius = max(value - sorted[own[low]], sorted[own[high]] - value)
        var ownCount = k
        let within: Int
        if radius == 0 {
          // Tied: count the ties of the class and of all.
          ownCount = own.lowerBound { sorted[$0] > value } - own.lowerBound { sorted[$0] >= value } - 1
          within = all.lowerBound { $0 > value } - all.lowerBound { $0 >= value }
        } else {
          // Strictly nearer than the k-th neighbour, as scikit-learn counts; the point itself is among them.
          within = all.lowerBound { $0 - value >= radius } - all.lowerBound { value - $0 < radius }
        }
        used += 1
        neighbourSum += digamma(Double(ownCount))
        classSum += digamma(Double(own.count))
        withinSum += digamma(Double(max(within, 1)))
      }
    }
    guard used > 0 else { return 0 }
    let count = Double(used)
    return max(0, digamma(count) + (neighbourSum - classSum - withinSum) / count)
  }

  /// ψ(x) for x ≥ 1: recurrence up to 6, then the asymptotic series.
  static func digamma(_ x: Double) -> Double {
    var x = x
    var result = 0.0
    while x < 6 {
      result -= 1 / x
      x += 1
    }
    let f = 1 / (x * x)
    return result + log(x) - 0.5 / x
      - f * (1.0 / 12 - f * (1.0 / 120 - f * (1.0 / 252 - f * (1.0 / 240 - f * (1.0 / 132)))))
  }
}

extension Array {
  /// The first index whose element satisfies a condition that holds from some index on.
  fileprivate func lowerBound(_ holds: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// The order in which columns enter an L1 logistic regression whose penalty falls.
enum L1Path {
  static func rankings(_ training: TrainingRows, most: Int, settings: LogisticRegression.Settings) -> [[Int]] {
    let left: [Int?] = training.folds.indices.map { $0 } + [nil]
    let width = training.width
    let outputs = training.classes == 2 ? 1 : training.classes
    var problems = left.map { fold in
      LinearProblem(
        targets: fold.map { training.targets(without: $0) } ?? training.labels, classes: training.classes, strength: 1,
        l1Share: 1, standardization: training.standardization(without: fold))
    }
    // At and above the largest slope at 0 (with the best intercept) all weights are 0.
    let starts = problems.map { problem -> [Double] in
      var start = [Double](repeating: 0, count: outputs * (width + 1))
      let counts = problem.targets.counts(of: training.classes).map(Double.init)
      if outputs == 1 {
        start[width] = log(counts[1] / counts[0])
      } else {
        for c in 0..<outputs { start[outputs * width + c] = log(counts[c] / counts.reduce(0, +)) }
      }
      return start
    }
    let atZero = LinearObjective(matrix: training.matrix, problems: problems)
      .evaluate(Array(problems.indices), points: starts)
    let largest = atZero.map { $0.gradient[..<(outputs * width)].reduce(1e-12) { max($0, abs($1)) } }
    var entered = problems.map { _ in [Int]() }
    var known = problems.map { _ in Set<Int>() }
    var points = starts
    var own = settings
    own.tolerance = max(settings.tolerance, 1e-4)
    own.maximumIterations = min(settings.maximumIterations, 200)
    var preconditioner = Preconditioner(
      matrix: training.matrix, standardization: training.standardization(),
      curvature: problems[0].initialCurvature)
    for step in 1...14 {
      let share = pow(0.7, Double(step))
      for number in problems.indices {
        problems[number].strength = 1 / (share * largest[number] * problems[number].totalWeight)
      }
      let ends = LinearFit.minimise(
        LinearObjective(matrix: training.matrix, problems: problems), starts: points,
        settings: own, preconditioner: &preconditioner)
      for number in problems.indices {
        let weights = ends[number].accepted
        points[number] = weights
        func size(_ column: Int) -> Double {
          (0..<outputs).map { abs(weights[$0 * width + column]) }.max() ?? 0
        }
        let new = (0..<width).filter { size($0) > 0 && !known[number].contains($0) }
        for column in new.sorted(by: { size($0) != size($1) ? size($0) > size($1) : $0 < $1 }) {
          entered[number].append(column)
          known[number].insert(column)
        }
      }
      if entered.allSatisfy({ $0.count >= most }) { break }
    }
    // Columns that never entered follow by their slope at 0.
    return problems.indices.map { number in
      func slope(_ column: Int) -> Double {
        (0..<outputs).map { abs(atZero[number].gradient[$0 * width + column]) }.max() ?? 0
      }
      var order = entered[number]
      if order.count < most {
        order += (0..<width).filter { !known[number].contains($0) }.sorted { slope($0) > slope($1) }
      }
      return Array(order.prefix(most))
    }
  }
}
